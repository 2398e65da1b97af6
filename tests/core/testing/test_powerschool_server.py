"""The test server answers as PowerSchool does, and each trap springs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from syncrun.testing.powerschool_server import DOWN, PowerSchoolServer

USERS = "com.example.users"
ONE = "com.example.one"
NONE = "com.example.none"


class Caller:
    """Asks with a token."""

    def __init__(self, server: PowerSchoolServer) -> None:
        self.server = server
        self.session = requests.Session()
        told = self.session.post(
            f"{server.base_url}/oauth/access_token", {"grant_type": "client_credentials"},
            auth=("ps-client", "ps-secret"), timeout=5,
        ).json()  # fmt: skip
        self.told = told
        self.session.headers.update({"Authorization": f"Bearer {told['access_token']}", "Accept": "application/json"})

    def query(self, name: str = USERS, body: Any = None, **params: Any) -> requests.Response:
        return self.session.post(
            f"{self.server.base_url}/ws/schema/query/{name}", json=body or {}, params=params, timeout=5
        )


@pytest.fixture
def caller() -> Iterator[Caller]:
    rows = [{"sourcedid": f"S{n}", "grade": str(n)} for n in range(5)]
    with PowerSchoolServer({USERS: rows, ONE: rows[:1], NONE: []}) as server:
        found = Caller(server)
        yield found
        found.session.close()


def test_a_token_is_needed_and_lives_for_a_text_of_seconds(caller: Caller):
    assert caller.told["expires_in"].isdigit()
    assert caller.query().status_code == 200
    caller.server.revoke()
    assert caller.query().status_code == 401
    refused = requests.post(f"{caller.server.base_url}/oauth/access_token", {"grant_type": "client_credentials"},
                            auth=("ps-client", "wrong"), timeout=5)  # fmt: skip
    assert refused.status_code == 401


def test_one_record_is_an_object_and_none_is_no_key(caller: Caller):
    assert caller.query(ONE, count="true").json()["record"]["sourcedid"] == "S0"
    assert "record" not in caller.query(NONE, count="true").json()
    assert caller.query(NONE, count="true").json()["count"] == 0
    assert len(caller.query().json()["record"]) == 5


def test_pages_end_and_are_no_larger_than_the_maximum(caller: Caller):
    caller.server.traps.most = 2
    metadata = caller.session.get(f"{caller.server.base_url}/ws/v1/metadata", timeout=5).json()["metadata"]
    assert metadata["schema_table_query_max_page_size"] == 2
    ids = [[each["sourcedid"] for each in caller.query(page=n, pagesize=9).json()["record"]] for n in (1, 2)]
    assert ids == [["S0", "S1"], ["S2", "S3"]]
    caller.server.traps.beyond = "refuse"
    assert caller.query(pagesize=9).status_code == 400


def test_metadata_is_xml_unless_json_is_asked_for_and_needs_a_right(caller: Caller):
    url = f"{caller.server.base_url}/ws/v1/metadata"
    assert caller.session.get(url, headers={"Accept": "*/*"}, timeout=5).content.startswith(b"<?xml")
    caller.server.traps.v1 = False
    assert caller.session.get(url, timeout=5).status_code == 403


def test_numbers_come_in_both_ways(caller: Caller):
    kinds = {type(caller.query().json()["record"][3]["grade"]) for _ in range(2)}
    assert kinds == {int, str}
    caller.server.traps.numbers = "text"
    assert {type(caller.query().json()["record"][3]["grade"]) for _ in range(2)} == {str}


def test_refusals(caller: Caller):
    traps = caller.server.traps
    traps.ungranted.add(USERS)
    traps.disabled.add(ONE)
    assert [caller.query(USERS).status_code, caller.query(ONE).status_code] == [403, 404]
    traps.down, traps.ungranted = 1, set()
    assert caller.query().content == DOWN
    traps.down, traps.down_status = 1, 503
    assert caller.query().status_code == 503
    assert caller.query().status_code == 200


def test_what_comes_too_soon_is_refused_in_words(caller: Caller):
    time = [0.0]
    caller.server.ticks = lambda: time[0]
    caller.server.traps.interval = 2
    caller.query()
    refused = caller.query()
    assert (refused.status_code, "wait 2 seconds" in refused.json()["message"]) == (429, True)
    time[0] += 2
    assert caller.query().status_code == 200


def test_changes_come_by_version_and_what_is_gone_never_does(caller: Caller):
    server = caller.server
    body = {"$dataversion": "1", "$dataversion_applicationname": "app"}
    assert "record" not in caller.query(body=body).json()
    server.edit(USERS, "S1", grade="9")
    server.remove(USERS, "S2")
    found = caller.query(body=body, count="true").json()
    assert (found["$dataversion"], found["count"], found["record"]["sourcedid"]) == ("3", 1, "S1")
    server.restore()
    assert caller.query(body=body).json()["$dataversion"] == "1"
    server.traps.versions = "missing"
    assert caller.query(body=body).status_code == 404
    server.traps.versions = "ignored"
    assert "$dataversion" not in caller.query(body=body).json()
    assert caller.query(body={"$dataversion": "1"}).status_code == 200
    server.traps.versions = "heeded"
    assert caller.query(body={"$dataversion": "1"}).status_code == 400


def test_counts_and_orders_may_be_wrong(caller: Caller):
    traps = caller.server.traps
    traps.miscounted = 2
    assert caller.query(count="true").json()["count"] == 7
    traps.counted = False
    assert "count" not in caller.query(count="true").json()
    traps.shuffled = True
    pages = [[each["sourcedid"] for each in caller.query(page=n, pagesize=2).json()["record"]] for n in (1, 2)]
    assert pages == [["S0", "S1"], ["S3", "S4"]]
    traps.coming, traps.shuffled = True, False
    caller.query(pagesize=2)
    assert caller.server.keys(USERS) == ["S1", "S2", "S3", "S4"]


def test_answers_may_be_cut_and_no_log_has_a_secret(caller: Caller):
    caller.server.traps.cuts = 1
    with pytest.raises(requests.exceptions.RequestException):
        caller.query()
    assert caller.query().status_code == 200
    assert "ps-secret" not in repr(caller.server.log)
    assert caller.told["access_token"] not in repr(caller.server.log)
