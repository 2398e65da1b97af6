"""Digests arrive: signed, over TLS, once each, again when they did not, and with nothing of a child in them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import trustme
from postbox import PASSWORD, USER, Hook, Office, hook, office

from syncrun.config.notify import FILE
from syncrun.notice.deliver import send
from syncrun.state import outbox

if TYPE_CHECKING:
    from pathlib import Path

    from terminal import Terminal
    from world import World

    from syncrun.state.store import State

KEY = "canary-key-72"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """A webhook, whose key is in the environment."""
    monkeypatch.setenv("HOOK_KEY", KEY)
    with hook() as found:
        yield found


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A mail server, whose certificate and password this machine knows."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    with office(authority) as found:
        yield found


def webhook(web: Hook) -> str:
    return f'[notify]\nwebhook = "{web.url}"\nwebhook_key = "env:HOOK_KEY"\n'


def mailing(post: Office, more: str = "") -> str:
    return (f'[notify]\nmail_to = ["roster@example.org", "desk@example.org"]\nmail_from = "syncrun@example.org"\n'
            f'smtp = "{post.address}"\nsmtp_user = "{USER}"\nsmtp_password = "env:SMTP_PASSWORD"\n{more}')  # fmt: skip


def notify(world: World, section: str) -> None:
    """Tell people of this installation so."""
    world.home.mkdir(exist_ok=True)
    (world.home / FILE).write_text(section)


def held(world: World) -> State:
    """The first sync waits."""
    world.write()
    assert world.sync().exit_code == 3
    return world.state()


def outcomes(world: World) -> list[tuple[str, str, str | None]]:
    return [(each.channel, each.status, each.error.code if each.error else None)
            for each in send(world.state(), world.home)]  # fmt: skip


@pytest.mark.requirement("S2-16")
def test_webhook_gets_what_a_person_is_needed_for_signed(world: World, web: Hook) -> None:
    notify(world, webhook(web))
    held(world)
    assert outcomes(world) == [("webhook", "sent", None)]
    ((headers, body),) = web.got
    told = json.loads(body)
    assert [(need["code"], need["district"], need["asks"]) for need in told["needs"]] == [
        ("N-FIRST-1", "riverside", "approve")
    ]
    assert (headers["webhook-id"], headers["content-type"]) == (told["id"], "application/json")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(int(world.clock.now().timestamp()))


def test_key_of_the_standard_is_decoded(world: World, web: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "whsec_" + base64.b64encode(b"secret bytes").decode())
    notify(world, webhook(web))
    held(world)
    assert outcomes(world) == [("webhook", "sent", None)]
    ((headers, body),) = web.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"secret bytes", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    monkeypatch.setenv("HOOK_KEY", "whsec_no base64")
    state = world.state()
    with state.transaction() as connection:
        assert outbox.add(state, connection, "k", "riverside", str(world.toml), [{"asks": "act", "code": "N-RUN-1",
                          "title": "t", "words": "w", "next_step": "n"}])  # fmt: skip
    assert outcomes(world) == [("webhook", "waiting", "E-HTTP-1")]


def test_each_thing_is_told_once_however_often_it_runs_and_is_sent(world: World, web: Hook) -> None:
    notify(world, webhook(web))
    held(world)
    assert outcomes(world) == [("webhook", "sent", None)]
    assert outcomes(world) == []
    world.clock.move(days=1)
    assert world.sync().exit_code == 3  # the same plan waits on
    assert outcomes(world) == []
    world.edit("users", "s1001", familyName="New")
    world.write()
    assert world.sync().exit_code == 3  # another plan waits
    assert outcomes(world) == [("webhook", "sent", None)]


@pytest.mark.requirement("S2-17")
def test_people_are_told_that_the_first_sync_is_complete(world: World, web: Hook) -> None:
    notify(world, webhook(web))
    world.settled()
    assert outcomes(world) == [("webhook", "sent", None)]
    assert [need["code"] for body in web.bodies for need in body["needs"]] == ["N-FIRST-2"]
    world.edit("users", "s1001", familyName="New")
    world.write()
    assert world.sync().exit_code == 0
    assert outcomes(world) == []


def test_what_did_not_arrive_is_sent_again_later_with_the_same_id(world: World, web: Hook) -> None:
    notify(world, webhook(web))
    held(world)
    web.answers = [503, 302, 404]
    assert outcomes(world) == [("webhook", "waiting", "E-HTTP-3")]
    assert outcomes(world) == []  # not yet
    world.clock.move(minutes=6)
    assert outcomes(world) == [("webhook", "waiting", "E-HTTP-1")]  # a redirect is not followed
    world.clock.move(minutes=6)
    assert outcomes(world) == []  # the pause grows
    world.clock.move(minutes=6)
    assert outcomes(world) == [("webhook", "waiting", "E-HTTP-1")]
    world.clock.move(hours=1)
    assert outcomes(world) == [("webhook", "sent", None)]
    assert len({headers["webhook-id"] for headers, _ in web.got}) == 1
    assert len(web.got) == 4


def test_what_never_arrives_is_given_up_and_status_says_so(world: World, web: Hook) -> None:
    notify(world, webhook(web))
    held(world)
    web.answers = [500] * 99
    for _ in range(outbox.ATTEMPTS):
        world.clock.move(days=1)
        found = outcomes(world)
    assert found == [("webhook", "given up", "E-HTTP-3")]
    world.clock.move(days=30)
    assert outcomes(world) == []
    needs = world.json("status")[0]["needs"]
    assert "N-TELL-1" in [need["code"] for need in needs]


def test_two_districts_go_in_one_message_and_two_senders_send_it_once(
    world: World, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(world, webhook(web))
    state = held(world)
    need = {"asks": "act", "code": "N-RUN-1", "title": "t", "words": "w", "next_step": "n"}
    with state.transaction() as connection:
        outbox.add(state, connection, "other", "lakeside", str(world.folder / "lakeside.toml"), [need])
    original = outbox.claim

    def claimed_meanwhile(*arguments: object) -> bool:
        monkeypatch.setattr(outbox, "claim", original)
        assert [each.status for each in send(world.state(), world.home)] == ["sent"]
        return original(*arguments)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(outbox, "claim", claimed_meanwhile)
    assert send(state, world.home) == []
    (body,) = web.bodies
    assert {need["district"] for need in body["needs"] if "district" in need} == {"riverside"}
    assert len(body["needs"]) == 2


def test_sender_that_died_leaves_what_the_next_one_sends_with_the_same_id(
    world: World, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(world, webhook(web))
    state = held(world)

    class Died(BaseException):
        pass

    def die(*arguments: object) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "sent", die)
        with pytest.raises(Died):
            send(state, world.home)
    assert outcomes(world) == []  # it may still be at it
    world.clock.move(minutes=11)
    assert outcomes(world) == [("webhook", "sent", None)]
    first, second = (headers["webhook-id"] for headers, _ in web.got)
    assert first == second


def test_mail_goes_over_starttls_with_a_password(world: World, post: Office) -> None:
    notify(world, mailing(post))
    held(world)
    assert outcomes(world) == [("mail", "sent", None)]
    (mail,) = post.got
    assert mail["To"] == "roster@example.org, desk@example.org"
    assert mail["Subject"] == "syncrun: riverside needs a person"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "N-FIRST-1  The first sync of a sink waits for approval." in mail.get_content()
    assert outcomes(world) == []


def test_mail_that_the_server_does_not_take_now_comes_again_with_the_same_id(world: World, post: Office) -> None:
    notify(world, mailing(post))
    held(world)
    post.answers = ["451 later, roster@example.org", "554 never, roster@example.org"]
    assert outcomes(world) == [("mail", "waiting", "E-RETRY-1")]
    world.clock.move(hours=1)
    assert outcomes(world) == [("mail", "waiting", "E-HTTP-1")]
    world.clock.move(hours=1)
    assert outcomes(world) == [("mail", "sent", None)]
    assert len(post.got) == 1


def test_wrong_password_untrusted_server_and_no_server_are_told_apart(
    world: World, post: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(world, mailing(post))
    held(world)
    monkeypatch.setenv("SMTP_PASSWORD", "wrong")
    assert outcomes(world) == [("mail", "waiting", "E-AUTH-1")]
    world.clock.move(hours=1)
    monkeypatch.delenv("SSL_CERT_FILE")
    assert outcomes(world) == [("mail", "waiting", "E-ADDR-2")]
    world.clock.move(hours=1)
    monkeypatch.delenv("SMTP_PASSWORD")
    assert outcomes(world) == [("mail", "waiting", "E-CONFIG-3")]
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
    world.clock.move(hours=1)
    notify(world, mailing(post).replace(post.address, "localhost:1"))
    assert outcomes(world) == [("mail", "waiting", "E-NET-1")]
    assert post.got == []


def test_what_was_done_before_anybody_was_told_is_told_to_nobody(world: World, web: Hook) -> None:
    held(world)
    world.approve()
    world.clock.move(minutes=1)
    assert world.sync().exit_code == 0
    notify(world, webhook(web))
    assert outcomes(world) == [("webhook", "sent", None)]
    assert [need["code"] for need in web.bodies[0]["needs"]] == ["N-FIRST-2"]


def test_dry_run_tells_nobody_and_a_run_that_is_tried_again_does_not_either(world: World, web: Hook) -> None:
    notify(world, webhook(web))
    world.write()
    assert world.sync(dry_run=True).exit_code == 3
    assert outcomes(world) == []
    held(world)
    assert len(outcomes(world)) == 1
    (world.inbox / "users.csv").unlink()
    assert world.sync().exit_code == 2
    assert outcomes(world) == [("webhook", "sent", None)]
    assert [need["code"] for need in web.bodies[-1]["needs"]] == ["N-RUN-1"]


def test_digest_command_sends_shows_and_fails_for_a_timer_to_try_again(
    world: World, web: Hook, terminal: Terminal
) -> None:
    notify(world, webhook(web))
    world.write()
    assert terminal("--district", world.toml).code == 3
    shown = terminal("digest", "show")
    assert "N-FIRST-1" in shown.out
    assert terminal("digest", "show", "--json").json["waiting"][0]["code"] == "N-FIRST-1"
    web.answers = [500]
    answer = terminal("digest", "send")
    assert (answer.code, answer.out) == (75, "")
    assert answer.err == "waiting   webhook: 1 notice: E-HTTP-3  The webhook at 127.0.0.1 answered 500.\n"
    assert "(E-HTTP-3, tried 1 times)" in terminal("digest", "show").out
    assert terminal("digest", "send").out == "Nothing to send.\n"


def test_no_key_and_no_password_is_shown_kept_or_sent(
    world: World, web: Hook, post: Office, terminal: Terminal
) -> None:
    notify(world, webhook(web) + mailing(post).removeprefix("[notify]\n"))
    held(world)
    shown = [terminal("digest", *words) for words in (("send",), ("send", "--json"), ("show",), ("show", "--json"))]
    for found in (*(each.out + each.err for each in shown), (world.home / "state.db").read_bytes().decode("latin-1")):
        assert KEY not in found
        assert PASSWORD not in found
    assert KEY.encode() not in web.got[0][1]
