"""Who the roster server lets in."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
import requests
from oauthlib.oauth1 import Client
from requests_oauthlib import OAuth1 as Sign

from syncrun.testing.clock import FixedClock
from syncrun.testing.roster_server import OAuth1, OAuth2, RosterServer
from syncrun.testing.roster_server.oauth2 import SCOPES

Serve = Callable[..., Any]
NOON = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)


def status(server: RosterServer, auth: Any = None, path: str = "users", **headers: str) -> int:
    return requests.get(f"{server.base_url()}/{path}", auth=auth, headers=headers, timeout=5).status_code


def test_signature_of_either_method_is_let_in(serve: Serve) -> None:
    server = serve().server
    for method in ("HMAC-SHA256", "HMAC-SHA1"):
        assert status(server, Sign("k", "s", signature_method=method)) == 200
    assert status(server, Sign("k", "s", signature_method="PLAINTEXT")) == 401


def test_method_that_is_not_accepted_is_401(serve: Serve) -> None:
    server = serve(access=OAuth1("k", "s", methods=("HMAC-SHA1",))).server
    assert status(server, Sign("k", "s", signature_method="HMAC-SHA256")) == 401
    assert status(server, Sign("k", "s", signature_method="HMAC-SHA1")) == 200


@pytest.mark.parametrize("auth", [None, Sign("k", "wrong"), Sign("wrong", "s"), Sign("nobody", "s")])
def test_wrong_key_or_secret_is_401_with_a_body_of_oneroster(serve: Serve, auth: Any) -> None:
    answer = requests.get(f"{serve().server.base_url()}/users", auth=auth, timeout=5)
    assert (answer.status_code, answer.json()["statusInfoSet"][0]["imsx_codeMinor"]) == (401, "unauthorized")


def signed(url: str, **options: Any) -> dict[str, str]:
    return Client("k", "s", signature_method="HMAC-SHA256", **options).sign(url)[1]


def test_signature_serves_once_and_for_its_url_alone(serve: Serve) -> None:
    server = serve().server
    url = f"{server.base_url()}/users?limit=2&filter=familyName%3D%27O%27%27Neill%2A%27"
    headers = signed(url)
    found = [requests.get(each, headers=headers, timeout=5).status_code for each in (url, url)]
    assert found == [200, 401]
    assert requests.get(url.replace("limit=2", "limit=3"), headers=signed(url), timeout=5).status_code == 401
    assert requests.get(url, headers=signed(url, nonce="8letters"), timeout=5).status_code == 200


def test_timestamp_may_be_off_by_the_tolerance(serve: Serve) -> None:
    clock = FixedClock(NOON)
    server = serve(access=OAuth1("k", "s", tolerance=300, clock=clock)).server
    url = f"{server.base_url()}/users"
    then = int(NOON.timestamp())
    for off, expected in ((0, 200), (300, 200), (-300, 200), (301, 401), (-301, 401)):
        headers = signed(url, timestamp=str(then + off))
        assert requests.get(url, headers=headers, timeout=5).status_code == expected


def test_fixed_token(serve: Serve) -> None:
    server = serve(access="bearer", prefix="/app-1").server
    assert [status(server, Authorization=told) for told in ("Bearer s", "Bearer t", "s", "")] == [200, 401, 401, 401]


def token(server: RosterServer, **options: Any) -> requests.Response:
    options = {"data": {"grant_type": "client_credentials"}, "auth": ("k", "s")} | options
    return requests.post(server.token_url, timeout=5, **options)


def test_key_and_secret_are_exchanged_for_a_token(serve: Serve) -> None:
    server = serve(access="oauth2").server
    told = token(server).json()
    assert (told["token_type"], told["expires_in"], set(told["scope"].split())) == ("Bearer", 3600, set(SCOPES))
    assert status(server, Authorization=f"Bearer {told['access_token']}") == 200
    assert status(server, Authorization="Bearer other") == 401
    assert status(server) == 401
    assert (server.requests.tokens, server.requests.unauthorised) == (1, 2)
    server.access.revoke()
    assert status(server, Authorization=f"Bearer {told['access_token']}") == 401


PLACES = {
    "basic": {},
    "form": {"auth": None, "data": {"grant_type": "client_credentials", "client_id": "k", "client_secret": "s"}},
    "query": {"auth": None, "params": {"grant_type": "client_credentials", "client_id": "k", "client_secret": "s"}, "data": {}},
    "json": {"auth": None, "data": None,
             "json": {"grant_type": "client_credentials", "client_id": "k", "client_secret": "s"}},
}  # fmt: skip


@pytest.mark.parametrize("proof", PLACES)
def test_client_proves_itself_in_the_place_that_is_set_and_no_other(serve: Serve, proof: str) -> None:
    server = serve(access=OAuth2("k", "s", proofs=(proof,))).server
    assert {name: token(server, **options).status_code for name, options in PLACES.items()} == {
        name: 200 if name == proof else 401 for name in PLACES
    }
    assert all(each.token and not each.query for each in server.log)


def test_token_request_that_is_wrong_is_refused_with_its_word(serve: Serve) -> None:
    server = serve(access=OAuth2("k", "s", strict=True)).server
    data = {"grant_type": "client_credentials", "scope": f"{SCOPES[0]} unheard-of"}
    assert token(server, auth=("k", "t")).json() == {"error": "invalid_client"}
    assert token(server, data={"grant_type": "password"}).json() == {"error": "unsupported_grant_type"}
    assert token(server, data=data).json() == {"error": "invalid_scope"}
    assert requests.get(server.token_url, timeout=5).status_code == 405
    server.access.strict = False
    assert token(server, data=data).json()["scope"] == SCOPES[0]


def test_scope_that_is_not_granted_is_403(serve: Serve) -> None:
    server = serve(access="oauth2").server
    core, full, demographics = SCOPES[:3]
    found = {}
    for scope in (core, full, demographics):
        value = token(server, data={"grant_type": "client_credentials", "scope": scope}).json()["access_token"]
        found[scope] = [status(server, path=path, Authorization=f"Bearer {value}")
                        for path in ("users", "users/parent", "classes/class/students", "demographics")]  # fmt: skip
    assert found == {core: [200, 200, 403, 403], full: [200, 200, 200, 403], demographics: [403, 403, 403, 200]}


def test_token_runs_out_after_seconds_or_requests(serve: Serve) -> None:
    clock = FixedClock(NOON)
    server = serve(access=OAuth2("k", "s", seconds=60, clock=clock)).server
    value = token(server).json()["access_token"]
    clock.move(seconds=59)
    assert status(server, Authorization=f"Bearer {value}") == 200
    clock.move(seconds=1)
    assert status(server, Authorization=f"Bearer {value}") == 401
    counted = serve(access=OAuth2("k", "s", requests=2)).server
    value = token(counted).json()["access_token"]
    assert [status(counted, Authorization=f"Bearer {value}") for _ in range(3)] == [200, 200, 401]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("expired", "expired"),
        ("wrong_host", "mismatch"),
        ("unknown_ca", "self.signed|unable to get local issuer|signature"),
    ],
)
def test_certificate_that_is_wrong_is_noticed_by_a_client(serve: Serve, kind: str, words: str) -> None:
    server = serve(access="none", tls=kind).server
    with pytest.raises(requests.exceptions.SSLError, match=f"(?i){words}"):
        requests.get(f"{server.base_url()}/users", verify=str(server.ca_file), timeout=5)
    assert server.log == ()


def test_certificate_that_is_right_is_trusted(serve: Serve) -> None:
    call = serve(tls="good")
    call.session.trust_env = False  # an environment that names authorities of its own wins otherwise
    call.session.verify = str(call.server.ca_file)
    assert call.server.base_url().startswith("https://127.0.0.1:")
    assert call.keys("users") == ["teacher", "pupil-1", "pupil-2", "parent"]
    assert call("users/parent").json()["user"]["orgs"][0]["href"].startswith(call.server.base_url())
