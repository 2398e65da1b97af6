"""Credentials: signed anew each time, exactly as sent; tokens fetched once, and never asked for again when refused."""

from __future__ import annotations

import logging
import threading
from urllib.parse import parse_qsl, unquote

import pytest
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint
from scripted import Asked, Reply, Scripted, Watch, client_for

from syncrun.errors import AuthError, BadAddressError, RedirectError, ServerError, TransientError
from syncrun.sdk.rest import Bearer, ClientCredentials, Limits, OAuth1

KEY, SECRET = "key-1", "canary-s3cret/&"


class Validator(RequestValidator):
    """oauthlib's own server side, for one key, on plain HTTP."""

    enforce_ssl = False
    dummy_client = "dummy"
    client_key_length = nonce_length = (1, 60)

    def __init__(self, method: str) -> None:
        super().__init__()
        self.method = method
        self.nonces: set[str] = set()

    @property
    def allowed_signature_methods(self):
        return (self.method,)

    def check_client_key(self, client_key):
        return True

    def check_nonce(self, nonce):
        return True

    def validate_client_key(self, client_key, request):
        return client_key == KEY

    def get_client_secret(self, client_key, request):
        return SECRET

    def validate_timestamp_and_nonce(
        self, client_key, timestamp, nonce, request, request_token=None, access_token=None
    ):
        fresh = nonce not in self.nonces
        self.nonces.add(nonce)
        return fresh


def signed_only(server: Scripted, method: str = "HMAC-SHA256", good: Reply | None = None) -> None:
    """Make /api/users answer those whose signature oauthlib accepts, and nobody else."""
    endpoint = SignatureOnlyEndpoint(Validator(method))

    def answer(asked: Asked) -> Reply:
        headers = {"Authorization": asked.headers.get("Authorization", "")}
        valid, _ = endpoint.validate_request(f"{server.url}{asked.target}", "GET", None, headers)
        return (good or Reply(body={"users": []})) if valid else Reply(401)

    server.answers["/api/users"] = answer


@pytest.mark.parametrize("method", ["HMAC-SHA256", "HMAC-SHA1"])
def test_signature_is_right_for_every_letter_that_clients_get_wrong(
    server: Scripted, watch: Watch, method: str
) -> None:
    signed_only(server, method)
    hard = "a='b c'&*/~!()+%=é>"
    client = client_for(server, watch, OAuth1(KEY, SECRET, method))
    assert client.get("/users", {"filter": hard, "limit": 5, "x": ""}).json == {"users": []}
    (asked,) = server.asked
    assert asked.params == {"filter": hard, "limit": "5", "x": ""}
    query = asked.target.partition("?")[2]
    assert not set("'* !()/+").intersection(query), "RFC 3986: these are escaped on the wire"
    assert "%27" in query
    assert "%2A" in query


def test_every_attempt_has_a_nonce_of_its_own(server: Scripted, watch: Watch) -> None:
    signed_only(server, good=Reply(502))
    with pytest.raises(ServerError):
        client_for(server, watch, OAuth1(KEY, SECRET)).get("/users")
    nonces = [part for asked in server.asked for part in asked.headers["Authorization"].split(", ") if "nonce" in part]
    assert len(nonces) == len({*nonces}) == 6


def test_escaped_path_is_signed_as_it_is_sent(server: Scripted, watch: Watch) -> None:
    endpoint = SignatureOnlyEndpoint(Validator("HMAC-SHA256"))
    valid = []

    def answer(asked: Asked) -> Reply:
        valid.append(endpoint.validate_request(f"{server.url}{asked.target}", "GET", None, asked.headers)[0])
        return Reply(body={})

    server.answers = dict.fromkeys(["/api/app%2Fone/users/a%7Cb", "/api/app%2fone/users/a%7Cb"], answer)
    client_for(server, watch, OAuth1(KEY, SECRET)).get("/app%2fone/users/a%7Cb")
    assert valid == [True]


def test_wrong_secret_is_tried_once_and_then_by_nobody(server: Scripted, watch: Watch) -> None:
    signed_only(server)
    client = client_for(server, watch, OAuth1(KEY, "wrong"))
    for _ in range(2):
        with pytest.raises(AuthError):
            client.get("/users")
    assert len(server.asked) == 1


def test_other_signature_method_is_tried_once_where_allowed(server: Scripted, watch: Watch) -> None:
    signed_only(server, "HMAC-SHA1")
    auth = OAuth1(KEY, SECRET, fallback=True)
    client = client_for(server, watch, auth)
    client.get("/users")
    client.get("/users")
    assert (len(server.asked), auth.method) == (3, "HMAC-SHA1")
    wrong = client_for(server, watch, OAuth1(KEY, "wrong", fallback=True))
    with pytest.raises(AuthError):
        wrong.get("/users")
    assert len(server.asked) == 5


def test_later_refusal_is_no_reason_to_change_the_signature(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [Reply(body={}), Reply(401)]
    client = client_for(server, watch, OAuth1(KEY, SECRET, fallback=True))
    client.get("/users")
    with pytest.raises(AuthError):
        client.get("/users")
    assert len(server.asked) == 2


def test_refusal_by_a_clock_that_differs_says_so(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [Reply(401, headers={"Date": "Thu, 01 Jan 2026 00:00:00 GMT"})]
    with pytest.raises(AuthError, match=r"clocks differ: this machine's is [0-9]+ minutes ahead"):
        client_for(server, watch, OAuth1(KEY, SECRET)).get("/users")


def test_bearer_goes_with_its_headers_and_asks_for_another_token_once(server: Scripted, watch: Watch) -> None:
    good = {"Bearer new": Reply(body={})}
    server.answers["/api/users"] = lambda asked: good.get(asked.headers["Authorization"], Reply(401))
    client_for(server, watch, Bearer("old", {"X-Application": "7"}, again=lambda: "new")).get("/users")
    assert [asked.headers["X-Application"] for asked in server.asked] == ["7", "7"]
    with pytest.raises(AuthError):
        client_for(server, watch, Bearer("old", again=lambda: "old")).get("/users")
    assert len(server.asked) == 3


@pytest.mark.parametrize("token", ["", "two words", "line\nend", "é"])
def test_token_that_no_header_can_carry_is_refused_unseen(token: str) -> None:
    with pytest.raises(AuthError) as caught:
        Bearer(token)
    assert not token or token not in caught.value.message


class Issuer:
    """Gives tokens t1, t2, ...; `good` are those that the collection takes."""

    def __init__(self, server: Scripted) -> None:
        self.server = server
        self.tokens = 0
        self.reply: Reply | None = None
        self.good: set[str] | None = None
        self.life: object = 3600
        server.answers["/token"] = self.token
        server.answers["/api/users"] = self.users

    def token(self, asked: Asked) -> Reply:
        self.tokens += 1
        told = {"access_token": f"canary-t{self.tokens}", "token_type": "bearer", "expires_in": self.life, "scope": "a"}
        return self.reply or Reply(body=told, headers={"Set-Cookie": "session=7; Path=/"})

    def users(self, asked: Asked) -> Reply:
        token = asked.headers["Authorization"].removeprefix("Bearer ")
        return Reply(body={"users": []}) if self.good is None or token in self.good else Reply(401)

    def auth(self, watch: Watch, **more) -> ClientCredentials:
        return ClientCredentials(f"{self.server.url}/token", KEY, SECRET, ("a", "b"), clock=watch, **more)


def test_token_is_fetched_once_for_all_threads_and_again_before_it_ends(server: Scripted, watch: Watch) -> None:
    issuer = Issuer(server)
    auth = issuer.auth(watch)
    client = client_for(server, watch, auth)
    threads = [threading.Thread(target=client.get, args=("/users",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (issuer.tokens, len(server.asked), auth.granted) == (1, 9, ("a",))
    watch.time += 3539
    client.get("/users")
    assert issuer.tokens == 1
    watch.time += 2
    client.get("/users")
    assert issuer.tokens == 2


def test_token_of_short_life_is_used_at_all(server: Scripted, watch: Watch) -> None:
    issuer = Issuer(server)
    issuer.life = "30"
    client = client_for(server, watch, issuer.auth(watch))
    client.get("/users")
    client.get("/users")
    assert issuer.tokens == 1


@pytest.mark.parametrize(("where", "header", "body", "query"), [
    ("basic", True, {"grant_type", "scope"}, set()),
    ("form", False, {"grant_type", "scope", "client_id", "client_secret"}, set()),
    ("query", False, {"grant_type", "scope"}, {"client_id", "client_secret"}),
])  # fmt: skip
def test_key_and_secret_go_where_the_server_wants_them(server, watch, where, header, body, query) -> None:
    issuer = Issuer(server)
    client_for(server, watch, issuer.auth(watch, client_auth=where, parameters=[("appName", "x y")])).get("/users")
    asked = server.asked[0]
    form = dict(parse_qsl(asked.body.decode()))
    assert asked.method == "POST"
    assert ("Authorization" in asked.headers) is header
    assert {*form} == body
    assert {*asked.params} == query | {"appName"}
    assert (form["scope"], form["grant_type"]) == ("a b", "client_credentials")
    assert {**form, **asked.params}.get("client_secret", SECRET) == SECRET


def test_cookie_that_comes_with_the_token_goes_back(server: Scripted, watch: Watch) -> None:
    issuer = Issuer(server)
    client_for(server, watch, issuer.auth(watch)).get("/users")
    assert server.asked[-1].headers["Cookie"] == "session=7"


def test_token_that_runs_out_on_the_way_is_renewed_once(server: Scripted, watch: Watch) -> None:
    issuer = Issuer(server)
    client = client_for(server, watch, issuer.auth(watch))
    client.get("/users")
    for good in ({"canary-t2"}, {"canary-t3"}):
        issuer.good = good
        client.get("/users")
    assert issuer.tokens == 3


def test_revoked_credentials_cost_two_tokens_and_no_more(server: Scripted, watch: Watch) -> None:
    issuer = Issuer(server)
    client = client_for(server, watch, issuer.auth(watch))
    client.get("/users")
    issuer.good = set()
    for _ in range(5):
        with pytest.raises(AuthError):
            client.get("/users")
    assert issuer.tokens == 2


@pytest.mark.parametrize("reply", [Reply(401, {"error": "invalid_client", "error_description": "canary"}), Reply(400), Reply(200, {}),
                                   Reply(403), Reply(200, {"access_token": ""})])  # fmt: skip
def test_refused_token_request_is_made_once_by_all_threads(server: Scripted, watch: Watch, reply: Reply) -> None:
    issuer = Issuer(server)
    issuer.reply = reply
    client = client_for(server, watch, issuer.auth(watch))
    caught = []

    def get() -> None:
        with pytest.raises(AuthError) as found:
            client.get("/users")
        caught.append(found.value.message)

    threads = [threading.Thread(target=get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(caught) == 4
    assert issuer.tokens == 1
    assert "canary" not in " ".join(caught)
    if isinstance(reply.body, dict) and "error" in reply.body:
        assert "invalid_client" in caught[0]


def test_busy_token_server_is_tried_again_and_then_later(server: Scripted, watch: Watch) -> None:
    issuer = Issuer(server)
    issuer.reply = Reply(503)
    client = client_for(server, watch, issuer.auth(watch), limits=Limits(retries=2))
    with pytest.raises(TransientError) as caught:
        client.get("/users")
    assert (caught.value.exit_code, issuer.tokens) == (75, 3)
    issuer.reply = None
    client.get("/users")


def test_token_address_is_under_the_same_rules(server: Scripted, watch: Watch) -> None:
    with pytest.raises(BadAddressError, match="http://"):
        ClientCredentials("http://login.example/token", KEY, SECRET)
    issuer = Issuer(server)
    issuer.reply = Reply(302, headers={"Location": "https://elsewhere.example/x?y=canary"})
    with pytest.raises(RedirectError, match=r"points to elsewhere\.example\.$"):
        client_for(server, watch, issuer.auth(watch)).get("/users")


@pytest.mark.parametrize("kind", ["oauth1", "basic", "form", "query", "bearer"])
def test_no_log_and_no_repr_tells_a_secret(server, watch, caplog, kind) -> None:
    caplog.set_level(logging.DEBUG)
    issuer = Issuer(server)
    auth = {"oauth1": lambda: OAuth1(KEY, SECRET), "bearer": lambda: Bearer("canary-t1")}.get(
        kind, lambda: issuer.auth(watch, client_auth=kind)
    )()
    client = client_for(server, watch, auth)
    client.get("/users", {"filter": "familyName='canary'"})
    told = unquote(caplog.text) + repr(auth) + repr(client)
    assert "canary" not in told
    assert "oauth_signature" not in told


def test_header_that_cannot_be_sent_is_refused_unseen(server: Scripted, watch: Watch) -> None:
    with pytest.raises(BadAddressError) as caught:
        client_for(server, watch, Bearer("t", {"X-Application": "canary\nX: y"})).get("/users")
    assert "canary" not in caught.value.message
    assert server.asked == []
