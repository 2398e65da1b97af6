"""`check` tells apart what can be wrong with a service before it is read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from syncrun.errors import SyncError
from syncrun.testing.roster_server import RosterServer

if TYPE_CHECKING:
    from remote import Remote


def checked(remote: Remote) -> tuple[str, int]:
    """The code and exit code of `check`; nothing and 0 when all is well."""
    with contextlib.closing(remote.session().source()) as source:
        try:
            source.check()
        except SyncError as error:
            return error.code, error.exit_code
    return "", 0


def test_a_good_one(remote: Remote) -> None:
    assert checked(remote) == ("", 0)
    assert remote.asked() == ["schools?limit=1&offset=0"]


@pytest.mark.parametrize(
    ("faults", "code", "exit_code"),
    [
        ({"forbidden": True}, "E-AUTH-2", 2),
        ({"body": "no_records", "count": "absent"}, "E-CLASSLINK-1", 2),
        ({"body": "html"}, "E-CLASSLINK-2", 2),
        ({"body": "empty"}, "E-CLASSLINK-2", 2),
        ({"body": "object"}, "E-CLASSLINK-2", 2),
        ({"missing": True}, "E-CLASSLINK-2", 2),
        ({"redirect_to": "https://login.invalid"}, "E-CLASSLINK-2", 2),
        ({"failing": 1.0}, "E-HTTP-3", 75),
        ({"throttled": 1.0}, "E-RETRY-2", 75),
        ({"cut_after": 10}, "E-NET-4", 75),
    ],
    ids=str,
)  # fmt: skip
def test_a_bad_one(remote: Remote, faults: dict[str, Any], code: str, exit_code: int) -> None:
    """One request tells."""
    remote.break_it(**faults)
    assert checked(remote) == (code, exit_code)
    assert len(remote.server.log) == 1


@pytest.mark.parametrize("signed", ["key", "secret"])
def test_wrong_keys_are_tried_once(remote: Remote, monkeypatch: pytest.MonkeyPatch, signed: str) -> None:
    """A second try might lock the account."""
    monkeypatch.setenv(f"CANARY_{signed.upper()}", "wrong")
    assert checked(remote) == ("E-AUTH-1", 2)
    assert remote.server.requests.total == 1
    assert remote.sync().exit_code == 2
    assert remote.server.requests.total == 2


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("ftp://127.0.0.1/x", "E-ADDR-1"), ("http://roster.example.org/ims", "E-ADDR-1"), ("https://", "E-ADDR-1"),
        ("https://key:secret@127.0.0.1/x", "E-ADDR-1"), ("https://127.0.0.1/x?a=b", "E-ADDR-1"), ("nothing", "E-ADDR-1"),
    ],
)  # fmt: skip
def test_addresses_that_are_not_asked(remote: Remote, address: str, code: str) -> None:
    remote.point(address=address)
    assert checked(remote) == (code, 2)
    assert not remote.server.log


def test_a_host_that_nobody_knows(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def unknown(*told: object, **more: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    remote.point(address="https://roster.invalid/ims/oneroster/v1p1")
    assert checked(remote) == ("E-ADDR-1", 2)


def test_a_service_that_is_down(remote: Remote) -> None:
    address = f"http://127.0.0.1:{_closed_port()}/ims/oneroster/v1p1"
    remote.point(address=address)
    assert checked(remote) == ("E-NET-1", 75)


def _closed_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize(("kind", "code"), [
    ("good", ""), ("expired", "E-ADDR-2"), ("wrong_host", "E-ADDR-2"), ("unknown_ca", "E-ADDR-2"),
])  # fmt: skip
def test_certificates(fresh: Remote, monkeypatch: pytest.MonkeyPatch, kind: str, code: str) -> None:
    with fresh.serve(tls=kind) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_file))
        fresh.point()
        assert checked(fresh) == (code, 2 if code else 0)
        assert len(server.log) == (0 if code else 1)


@pytest.mark.parametrize("faults", [{}, {"forbidden": True}, {"body": "html"}], ids=str)
def test_the_command_says_the_same(remote: Remote, faults: dict[str, Any]) -> None:
    remote.break_it(**faults)
    code, exit_code = checked(remote)
    found, out, said = remote.syncrun("check", "--district", str(remote.toml))
    assert found == exit_code
    assert code in out + said


def test_the_ways_in(fresh: Remote) -> None:
    """A token of the proxy, below the id of an application that comes escaped; a token from key and secret."""
    with RosterServer.from_files(fresh.inbox, access="bearer", secret="canary-secret-93e", prefix="/app%2F1") as server:
        fresh.server = server
        fresh.point(address=f"{server.root}/ims/oneroster/v1p1", key=None, secret=None, token="env:CANARY_SECRET",
                    application_id="app%2F1")  # fmt: skip
        assert checked(fresh) == ("", 0)
    for place in ("basic", "form", "query"):
        with fresh.serve(access="oauth2") as server:
            server.access.proofs = (place,)  # type: ignore[attr-defined] # of OAuth2
            fresh.point("1.2", token_url=server.token_url, client_auth=place)
            assert checked(fresh) == ("", 0)
