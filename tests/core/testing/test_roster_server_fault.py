"""The faults of the roster server: each is off at first, and does what it says when it is on."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import requests

from syncrun.errors import UsageError
from syncrun.testing.roster_server import Faults, RosterServer, faults_of, switches

Serve = Callable[..., Any]
PUPIL = {"grades": ["01"], "agents": ["parent"]}


def wrong(serve: Serve, *told: str, **options: Any) -> Any:
    """A caller of a server with these faults."""
    return serve(faults=faults_of(told), **options)


def pupil(call: Any) -> dict[str, Any]:
    """A record as the faults leave it; the same whether it is asked for alone or in a list."""
    (listed,) = call("users", filter="sourcedId='pupil-1'").json()["users"]
    assert call("users/pupil-1").json() == {"user": listed}
    return dict(listed)


# -- before the answer -----------------------------------------------------------------------------------------------


def test_share_of_requests_is_refused_and_the_same_seed_refuses_the_same(serve: Serve) -> None:
    found = []
    for seed in (1, 1, 2):
        call = wrong(serve, "throttled=0.3", "failing=0.05", f"seed={seed}")
        found.append([call("users", limit=1).status_code for _ in range(200)])
        assert 40 < call.server.requests.throttled < 80
        assert 2 < call.server.requests.failed < 20
    assert found[0] == found[1] != found[2]
    assert set(found[0]) == {200, 429, 503}


@pytest.mark.parametrize(
    ("form", "expected"), [("seconds", "1"), ("date", " GMT"), ("absurd", "1000000000"), ("text", "soon"), ("none", "")]
)
def test_retry_after_of_each_form(serve: Serve, form: str, expected: str) -> None:
    answer = wrong(serve, "throttled=1", f"retry_after={form}")("users")
    assert (answer.status_code, answer.headers.get("Retry-After", "").endswith(expected)) == (429, True)
    assert ("Retry-After" in answer.headers) is bool(expected)


@pytest.mark.parametrize(
    ("fault", "path", "given", "status"),
    [
        ("too_heavy=100", "users", {"limit": 101}, 502),
        ("too_heavy=100", "users", {"limit": 100}, 200),
        ("unauthorised", "users", {}, 401),
        ("forbidden", "users", {}, 403),
        ("missing", "users", {}, 404),
        ("filter_refused", "users", {"filter": "role='student'"}, 400),
        ("filter_refused", "users", {}, 200),
        ("sort_refused", "users", {"sort": "sourcedId"}, 400),
        ("sort_refused", "users", {}, 200),
        ("failing=1,failing_status=500", "users", {}, 500),
        ("forbidden,only=demographics", "users", {}, 200),
        ("missing,only=demographics", "demographics", {}, 404),
    ],
)
def test_refusals(serve: Serve, fault: str, path: str, given: dict[str, Any], status: int) -> None:
    assert wrong(serve, *fault.split(","))(path, **given).status_code == status


def test_faults_hold_for_the_requests_that_are_named(serve: Serve) -> None:
    call = wrong(serve, "unauthorised", "begin=2", "end=3")
    assert [call("users").status_code for _ in range(4)] == [200, 401, 401, 200]
    call.server.faults = Faults(forbidden=True, on=lambda asked: asked.path == "/orgs")
    assert [call(path).status_code for path in ("users", "orgs", "schools")] == [200, 403, 200]


def test_redirect_leads_to_another_host_with_path_and_query(serve: Serve) -> None:
    with RosterServer.from_records({}, access="none") as canary:
        call = wrong(serve, f"redirect_to={canary.root}/")
        answer = call("users", limit=2)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{canary.base_url()}/users?limit=2")
        assert canary.log == ()


def test_token_endpoint_may_fail(serve: Serve) -> None:
    server = wrong(serve, "token_status=503", access="oauth2").server
    assert requests.post(server.token_url, auth=("k", "s"), timeout=5).status_code == 503
    assert server.requests.tokens == 1


def test_latency(serve: Serve) -> None:
    call = wrong(serve, "latency=0.05")
    before = time.monotonic()
    call("users")
    assert time.monotonic() - before >= 0.05


# -- which records ---------------------------------------------------------------------------------------------------

ALL = ["teacher", "pupil-1", "pupil-2", "parent"]


@pytest.mark.parametrize(
    ("fault", "limit", "expected"),
    [
        ("short_pages=1", 3, ALL),
        ("page_missing=2", 1, ["teacher", "pupil-2", "parent"]),
        ("page_repeated=2", 1, ["teacher", "pupil-1", "pupil-1", "pupil-2", "parent"]),
    ],
)
def test_pages_that_are_short_missing_or_repeated(serve: Serve, fault: str, limit: int, expected: list[str]) -> None:
    call = wrong(serve, fault)
    assert call.all("users", limit) == expected
    assert call("users").headers["X-Total-Count"] == "4"


def test_short_page_has_one_record_fewer_than_the_limit(serve: Serve) -> None:
    assert wrong(serve, "short_pages=1").keys("users", limit=3) == ["teacher", "pupil-1"]


def test_offset_ignored_sends_the_first_page_for_ever(serve: Serve) -> None:
    call = wrong(serve, "offset_ignored")
    assert call.keys("users", limit=2, offset=2) == call.keys("users", limit=2) == ["teacher", "pupil-1"]


def test_order_and_filter_that_are_not_followed(serve: Serve) -> None:
    assert wrong(serve, "sort_ignored").keys("users", sort="sourcedId") == ALL
    assert wrong(serve, "descending").keys("users") == ALL[::-1]
    assert wrong(serve, "descending").keys("users", orderBy="asc") == ALL
    assert wrong(serve, "filter_ignored").keys("users", filter="role='student'") == ALL
    assert wrong(serve, "filter_empty").keys("users", filter="role='student'") == []
    assert wrong(serve, "filter_empty").keys("users") == ALL


def test_parameters_that_are_ignored_are_not_refused_either(serve: Serve) -> None:
    call = wrong(serve, "sort_ignored", "filter_ignored", "fields_ignored")
    assert call.keys("users", sort="shoeSize", filter="shoeSize='44'", fields="shoeSize") == ALL
    assert "role" in call("users/parent", fields="sourcedId").json()["user"]
    assert wrong(serve, "filter_empty").keys("users", filter="shoeSize='44'") == []


# -- what is in a record ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "field", "expected"),
    [
        ("booleans=real", "enabledUser", True),
        ("booleans=number", "enabledUser", 1),
        ("booleans=capital", "enabledUser", "True"),
        ("blanks=empty", "middleName", ""),
        ("blanks=null", "middleName", None),
        ("blanks=word", "middleName", "null"),
        ("blanks=object", "middleName", {}),
        ("lists=scalar", "grades", "01"),
        ("lists=comma", "grades", "01"),
        ("flat_ids", "orgSourcedIds", "school"),
        ("refs=text", "orgs", ["school"]),
        ("refs=number", "orgs", [4]),
        ("extra_keys", "_id", 1),
    ],
)
def test_fields_in_other_forms(serve: Serve, fault: str, field: str, expected: Any) -> None:
    call = wrong(serve, fault)
    call.server.change("users", "pupil-1", **PUPIL)
    assert pupil(call)[field] == expected
    call.server.faults = Faults()
    assert pupil(call).get(field, "absent") != expected


def test_lists_that_are_blank(serve: Serve) -> None:
    found = {form: pupil(wrong(serve, f"lists={form}"))["grades"] for form in ("scalar", "comma", "null")}
    assert found == {"scalar": "", "comma": "", "null": None}


def test_flat_ids_of_classes(serve: Serve) -> None:
    (found,) = wrong(serve, "flat_ids")("classes").json()["classes"]
    assert (found["courseSourcedId"], found["schoolSourcedId"], found["termSourcedIds"]) == ("course", "school", "fall")
    assert not {"course", "school", "terms"} & found.keys()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("hrefs=inner", "https://inner.roster.invalid:8443/ims/oneroster/v1p1/orgs/school"),
        ("hrefs=relative", "/orgs/school"),
        ("hrefs=doubled", "hhttp://inner.roster.invalid:8443/ims/oneroster/v1p1/orgs/school"),
        ("hrefs=absent", None),
    ],
)
def test_hrefs_that_lead_nowhere(serve: Serve, fault: str, expected: str | None) -> None:
    assert pupil(wrong(serve, fault))["orgs"][0].get("href") == expected


def test_types_of_references(serve: Serve) -> None:
    assert "type" not in pupil(wrong(serve, "ref_types=absent"))["orgs"][0]
    assert pupil(wrong(serve, "ref_types=wrong"))["orgs"][0]["type"] == "category"
    (role,) = pupil(wrong(serve, "ref_types=absent", version="1.2"))["roles"]
    assert "type" not in role["org"]


def test_ids_as_numbers(serve: Serve) -> None:
    call = wrong(serve, "integer_ids")
    call.server.put("orgs", {"sourcedId": "1042", "name": "Oak", "type": "school", "parent": "7"})
    found = call("orgs/1042").json()["org"]
    assert (found["sourcedId"], found["parent"]["sourcedId"]) == (1042, 7)


def test_status_and_date_that_are_missing_or_always_now(serve: Serve) -> None:
    assert not {"status", "dateLastModified"} & pupil(wrong(serve, "undated")).keys()
    now = wrong(serve, "dated_now")
    later = "dateLastModified>='2026-09-01'"
    assert now.keys("users", filter=later) == ALL
    assert wrong(serve, "undated").keys("users", filter=later) == []
    assert now("users/parent").json()["user"]["dateLastModified"] > "2026-09-01"


# -- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "expected"),
    [("absent", None), ("zero", "0"), ("minus", "-1"), ("huge", "1000000000000000000"), ("text", "many"), ("more", "5"),
     ("less", "3")],
)  # fmt: skip
def test_total_that_lies(serve: Serve, told: str, expected: str | None) -> None:
    answer = wrong(serve, f"total={told}")("users")
    assert answer.headers.get("X-Total-Count") == expected
    assert len(answer.json()["users"]) == 4


def test_count_of_the_page(serve: Serve) -> None:
    assert "X-Count" not in wrong(serve, "count=absent")("users").headers
    assert wrong(serve, "count=more")("users").headers["X-Count"] == "5"
    assert wrong(serve, "count=returned")("users").headers["X-Returned-Count"] == "4"


@pytest.mark.parametrize(
    ("told", "beginning", "offset"),
    [
        ("self", "http://127.0.0.1", 1),
        ("back", "http://127.0.0.1", 0),
        ("host", "https://inner.roster.invalid:8443/ims/oneroster/v1p1/users?", 2),
        ("http", "http://inner.roster.invalid/ims/oneroster/v1p1/users?", 2),
        ("relative", "/ims/oneroster/v1p1/users?", 2),
        ("always", "http://127.0.0.1", 2),
    ],
)
def test_link_to_the_next_page(serve: Serve, told: str, beginning: str, offset: int) -> None:
    link = wrong(serve, f"link={told}")("users", limit=1, offset=1).links["next"]["url"]
    assert link.startswith(beginning)
    assert link.endswith(f"limit=1&offset={offset}")


def test_link_that_is_absent_or_never_ends(serve: Serve) -> None:
    assert "Link" not in wrong(serve, "link=absent")("users", limit=1).headers
    assert "next" in wrong(serve, "link=always")("users", offset=4).links


def test_revision_that_moves_by_itself(serve: Serve) -> None:
    def revisions(*told: str) -> list[str | None]:
        call = wrong(serve, *told)
        return [call("users").headers.get("x-perm-rev") for _ in range(4)]

    assert revisions() == ["1000"] * 4
    assert revisions("revision=restless") == ["1001", "1002", "1003", "1004"]
    assert revisions("revision_moves_at=3") == ["1000", "1000", "1001", "1001"]
    assert revisions("revision=absent") == [None] * 4


# -- the body --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("no_records", {"users": []}),
        ("object", {}),
        ("null", None),
        ("oauth", {"error": "internal_server_error", "error_description": "A fault of the test server."}),
    ],
)
def test_bodies_that_are_json_and_no_records(serve: Serve, told: str, expected: Any) -> None:
    answer = wrong(serve, f"body={told}")("users")
    assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize("form", ["imsx", "status_info", "flat", "status_info_set", "strongmind", "unprefixed"])
@pytest.mark.parametrize("status", [200, 403])
def test_failures_in_each_form(serve: Serve, form: str, status: int) -> None:
    faults = [f"body={form}"] if status == 200 else ["forbidden", f"error_form={form}"]
    answer = wrong(serve, *faults)("users")
    told = json.dumps(answer.json())
    assert answer.status_code == status
    assert '"failure"' in told
    assert {"imsx": "imsx_codeMinorField", "status_info": "imsx_StatusInfo", "flat": '"imsx_codeMinor"',
            "status_info_set": "statusInfoSet", "strongmind": "imsx_messageRefIdentifier",
            "unprefixed": '"codeMajor"'}[form] in told  # fmt: skip


def test_bodies_that_are_no_json(serve: Serve) -> None:
    html = wrong(serve, "body=html")("users")
    assert (html.status_code, html.headers["Content-Type"], html.text[:9]) == (
        200,
        "text/html; charset=utf-8",
        "<!DOCTYPE",
    )
    assert wrong(serve, "body=empty")("users").content == b""
    assert wrong(serve, "missing", "error_form=html")("users").headers["Content-Type"] == "text/html"
    assert wrong(serve, "missing", "error_form=empty")("users").content == b""


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("path", ["students"]),
        ("nested", ["data"]),
        ("other", ["items"]),
        ("two_lists", ["warnings", "users"]),
        ("total", ["totalCount", "pageCount", "users"]),
    ],
)
def test_envelopes(serve: Serve, told: str, expected: list[str]) -> None:
    assert list(wrong(serve, f"envelope={told}")("students").json()) == expected


def test_list_without_an_envelope(serve: Serve) -> None:
    assert [each["sourcedId"] for each in wrong(serve, "envelope=list")("users").json()] == ALL


@pytest.mark.parametrize(
    ("told", "sign"),
    [
        ("duplicate_keys", b'"sourcedId":"one","sourcedId":"two"'),
        ("nan", b":NaN,"),
        ("deep", b'{"a":' * 1000),
        ("long_number", b"9" * 5000 + b","),
        ("lone_surrogate", b"\\ud800"),
        ("not_utf8", b"\xff\xfe"),
        ("bom", b"\xef\xbb\xbf{"),
    ],
)
def test_json_that_is_hard_to_read(serve: Serve, told: str, sign: bytes) -> None:
    call = wrong(serve, f"json={told}")
    assert sign in call("users").content
    assert sign in call("users/parent").content
    call.server.faults = Faults()
    assert sign not in call("users").content


def test_truncated_body_has_the_length_that_it_says(serve: Serve) -> None:
    answer = wrong(serve, "truncated=100")("users")
    assert (answer.headers["Content-Length"], len(answer.content)) == ("100", 100)


# -- on the wire -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["length_off=5", "length_off=1000000000000", "cut_after=100"])
def test_body_that_is_shorter_than_promised(serve: Serve, fault: str) -> None:
    call = wrong(serve, fault)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        call("users")
    call.server.faults = Faults()
    assert call.keys("users") == ALL


def test_body_that_is_longer_than_promised_ends_early(serve: Serve) -> None:
    call = wrong(serve, "length_off=-5")
    short = call("users").content
    call.session.close()  # what was sent too much may look like the next answer
    call.server.faults = Faults()
    assert short == call("users").content[:-5]


def test_stall_lasts_as_long_as_it_says(serve: Serve) -> None:
    call = wrong(serve, "stall_after=10", "stall_seconds=30")
    with (
        pytest.raises(requests.exceptions.ConnectionError, match="timed out"),
        call.session.get(f"{call.server.base_url()}/users", timeout=0.1, stream=True) as answer,
    ):
        answer.content  # noqa: B018 # reading is what stalls
    call.server.faults.stall_seconds = 0.01
    assert call.keys("users") == ALL


def test_slow_body_comes_whole(serve: Serve) -> None:
    call = wrong(serve, "bytes_per_second=10000")
    before = time.monotonic()
    assert call.keys("users") == ALL
    assert time.monotonic() - before > 0.1


@pytest.mark.parametrize("size", [1000, 3 * (1 << 20) + 5])
def test_bomb_is_gzip_of_as_many_zeros(serve: Serve, size: int) -> None:
    call = wrong(serve, f"gzip_bomb={size}")
    with call.session.get(f"{call.server.base_url()}/users", stream=True, timeout=5) as answer:
        packed = answer.raw.read(decode_content=False)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(packed) < size // 100 + 100
    assert gzip.decompress(packed) == bytes(size)
    assert zlib.decompressobj(31).decompress(packed) == bytes(size)  # one stream: no reader stops after a part


# -- as text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "words"),
    [("unheard", "no fault unheard"), ("total=never", "total is one of: absent"), ("throttled=much", "takes a number"),
     ("too_heavy", "takes a whole number"), ("undated=yes", "takes no value"), ("on", "no fault on")],
)  # fmt: skip
def test_text_that_is_no_fault_is_refused(told: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        faults_of([told])


def test_each_switch_has_words_and_is_off_at_first() -> None:
    found = switches()
    assert len(found) > 50
    assert all(each.words and (not each.choices or each.default in {"", *each.choices}) for each in found)
    assert faults_of([]) == Faults()
    assert faults_of(["short-pages=2", "only=users, orgs", "undated"]) == Faults(
        short_pages=2, only=("users", "orgs"), undated=True
    )
