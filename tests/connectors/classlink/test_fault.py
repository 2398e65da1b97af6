"""After a good day the service goes wrong, in each way that is known: nothing leaves the planner, the run says what was
wrong, and the next good one goes on (F058 to F084)."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from remote import KEY, SECRET, Patience, Remote, code_of, removed

from syncrun.testing.roster_server import OAuth2, RosterServer, Rules

FORMS = ("imsx", "status_info", "flat", "status_info_set", "strongmind", "unprefixed", "oauth")
LISTS = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")


@dataclass(frozen=True)
class Case:
    """What goes wrong, with which exit code and codes, and the limit that is asked for. `most` bounds the requests."""

    name: str
    exit_code: int
    codes: str
    faults: dict[str, Any] = field(default_factory=dict)
    page_size: int = 50
    most: int = 60


CASES = [
    *(Case(f"no {each}", 75, "E-NET-4", {"body": "no_records", "only": (each,)}) for each in LISTS),
    *(Case(f"no {each}, and no count either", 2, "E-INPUT-2 R-PULL-02",
           {"body": "no_records", "only": (each,), "count": "absent", "total": "absent", "begin": 2})
      for each in LISTS if each != "courses"),
    Case("no courses, and no count either", 4, "R-PULL-01 R-SET-08 R-SET-21",
         {"body": "no_records", "only": ("courses",), "count": "absent", "total": "absent"}),
    Case("a page for people", 2, "E-ANSWER-2", {"body": "html", "begin": 5}),
    Case("nothing at all", 2, "E-ANSWER-2", {"body": "empty", "begin": 5}),
    Case("an empty object", 2, "E-ANSWER-4", {"body": "object", "begin": 5}),
    Case("null", 2, "E-ANSWER-2", {"body": "null", "begin": 5}),
    *(Case(f"200 with an error, {form}", 2 if form == "oauth" else 75, "E-ANSWER-4" if form == "oauth" else "E-HTTP-3",
           {"body": form, "begin": 5}) for form in FORMS),
    Case("page 7 of 12 is missing", 4, "R-PULL-01 R-SET-21", {"only": ("enrollments",), "page_missing": 7}),
    Case("page 7 of 12 is missing, the total too", 4, "R-PULL-01 R-SET-21",
         {"only": ("enrollments",), "page_missing": 7, "total": "absent"}),
    Case("a page comes twice", 2, "E-ANSWER-6", {"only": ("enrollments",), "page_repeated": 7}),
    Case("the offset is ignored", 2, "E-ANSWER-6", {"offset_ignored": True}),
    Case("the total is 0", 4, "R-PULL-01", {"total": "zero"}),
    Case("the total is -1", 0, "", {"total": "minus"}),
    Case("the total is huge", 0, "", {"total": "huge"}),
    Case("the total is text", 0, "", {"total": "text"}),
    Case("the total is absent", 0, "", {"total": "absent"}),
    Case("the total is one too many", 4, "R-PULL-01", {"total": "more"}),
    Case("the total is one too few", 4, "R-PULL-01", {"total": "less"}),
    Case("401 half-way", 2, "E-AUTH-1", {"unauthorised": True, "begin": 8}, most=11),
    Case("403 half-way", 2, "E-AUTH-2", {"forbidden": True, "begin": 8}, most=11),
    Case("403 at once", 2, "E-AUTH-2", {"forbidden": True, "begin": 2}, most=5),
    Case("403 for one collection", 2, "E-AUTH-2", {"forbidden": True, "only": ("enrollments",)}),
    Case("404 for one collection", 2, "E-HTTP-2", {"missing": True, "only": ("enrollments",)}),
    Case("the next link leads to itself", 2, "E-ANSWER-6", {"link": "self"}),
    Case("the next link leads back", 2, "E-ANSWER-6", {"link": "back", "only": ("users",)}),
    Case("the next link leads to another host", 0, "", {"link": "host"}),
    Case("the next link leads to an inner host, unencrypted", 0, "", {"link": "http"}),
    Case("the next link is relative", 0, "", {"link": "relative"}),
    Case("there is always a next link", 0, "", {"link": "always"}),
    Case("there is no link", 0, "", {"link": "absent"}),
    Case("the JSON is cut", 75, "E-NET-4", {"truncated": 100, "begin": 5}),
    Case("the connection is cut", 75, "E-NET-4", {"cut_after": 100, "begin": 5}),
    Case("the length is too much", 75, "E-NET-4", {"length_off": 100, "begin": 5}),
    Case("the revision moves for ever", 75, "E-PULL-1", {"revision": "restless"}),
    Case("the revision moves once", 0, "", {"revision_moves_at": 9}),
    Case("there is no revision", 0, "", {"revision": "absent"}),
    Case("one collection has no revision", 0, "", {"revision": "absent", "only": ("users",)}),
    Case("keys come twice", 0, "", {"json": "duplicate_keys", "only": ("classes",)}),
    Case("NaN", 2, "E-ANSWER-3", {"json": "nan", "begin": 5}),
    Case("a hundred thousand levels", 2, "E-ANSWER-3", {"json": "deep", "begin": 5}),
    Case("a number of 5,000 digits", 2, "E-ANSWER-3", {"json": "long_number", "begin": 5}),
    Case("half a letter", 2, "E-ANSWER-3", {"json": "lone_surrogate", "begin": 5}),
    Case("bytes that are no UTF-8", 2, "E-ANSWER-3", {"json": "not_utf8", "begin": 5}),
    Case("429, come back in a second", 0, "", {"throttled": 0.4, "retry_after": "seconds"}),
    Case("429, come back at a date", 0, "", {"throttled": 0.4, "retry_after": "date"}),
    Case("429, come back in 30 years", 75, "E-RETRY-2", {"throttled": 1.0, "retry_after": "absurd", "begin": 5}, most=12),
    Case("429, come back soon", 0, "", {"throttled": 0.4, "retry_after": "text"}),
    Case("429, no more said", 0, "", {"throttled": 0.4, "retry_after": "none"}),
    Case("429 for ever", 75, "E-RETRY-2", {"throttled": 1.0, "retry_after": "none", "begin": 5}),
    Case("the service is down", 75, "E-HTTP-3", {"failing": 1.0, "begin": 5}),
    Case("pages are too heavy", 0, "", {"too_heavy": 60}, page_size=200, most=80),
    Case("pages are short", 0, "", {"short_pages": 7}),
    Case("the sort is refused", 0, "", {"sort_refused": True}),
    Case("the sort is ignored", 0, "", {"sort_ignored": True}),
    Case("references without a host", 0, "", {"hrefs": "relative"}),
]  # fmt: skip
SHORT = {
    "no users", "no enrollments, and no count either", "a page for people", "200 with an error, flat",
    "page 7 of 12 is missing", "a page comes twice",
    "401 half-way", "403 at once", "the next link leads to another host", "the connection is cut",
    "the revision moves for ever", "one collection has no revision", "a number of 5,000 digits",
    "429, come back at a date", "pages are too heavy", "pages are short",
    "no courses, and no count either",
}  # fmt: skip
"""Those that run every time; the others are of the same kind as one of them."""
assert {case.name for case in CASES} >= SHORT


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=() if case.name in SHORT else pytest.mark.slow) for case in CASES],
)
def test_takes_nothing_away_and_recovers(remote: Remote, case: Case) -> None:
    remote.point(page_size=case.page_size)
    day = remote.dump()
    remote.break_it(**case.faults)
    result = remote.sync()
    assert remote.dump() == day
    assert (result.exit_code, code_of(result)) == (case.exit_code, case.codes)
    assert "sinks" not in result.summary or removed(result) == 0
    assert len(remote.server.log) <= case.most
    _recovers(remote)


def _recovers(remote: Remote) -> None:
    """The service is good again, and what has changed there in the meantime arrives."""
    remote.break_it()
    _change(remote)
    found = remote.sync()
    assert (found.exit_code, code_of(found)) == (0, "")
    _has_changed(remote)


def _change(remote: Remote) -> None:
    remote.server.remove("enrollments", "class-1-0-s1000")
    remote.server.change("users", "s1001", givenName="Renamed", revise=False)


def _has_changed(remote: Remote) -> None:
    assert remote.count("class_members") == 551
    assert "Renamed" in repr(remote.dump()["students"])


@pytest.mark.parametrize("faults", [{"page_missing": 7}, {"total": "more"}], ids=["page missing", "total wrong"])
def test_what_is_not_proved_is_read_again_though_the_revision_stays(remote: Remote, faults: dict[str, Any]) -> None:
    """Otherwise what changed on the missing page would wait for the next change elsewhere."""
    remote.point(page_size=50)
    _change(remote)
    remote.break_it(only=("enrollments",), **faults)
    assert remote.sync().exit_code == 4
    assert remote.count("class_members") == 552
    remote.break_it()
    assert remote.sync().exit_code == 0
    _has_changed(remote)


@pytest.mark.parametrize("entity", ["users", "enrollments"])
def test_a_collection_that_is_gone_in_truth_waits_for_a_person(remote: Remote, entity: str) -> None:
    """The service says, in every way it has, that there is nothing."""
    day = remote.dump()
    remote.server.remove(entity, *remote.server.roster.keys(entity))
    result = remote.sync()
    assert result.exit_code in {2, 3}
    assert remote.dump() == day


def test_no_answer_at_all(remote: Remote) -> None:
    day = remote.dump()
    remote.point(address=remote.server.base_url())
    with remote.server:  # another port, so that the old one is closed
        pass
    result = remote.sync()
    assert (result.exit_code, code_of(result)) == (75, "E-NET-1")
    assert remote.dump() == day


def test_a_body_that_stalls(remote: Remote, patience: Patience) -> None:
    patience.limits = {"read": 0.2, "retries": 1, "spare": 2, "share": 0.0}
    day = remote.dump()
    remote.break_it(stall_after=50, stall_seconds=5, begin=3)
    result = remote.sync()
    assert (result.exit_code, code_of(result)) == (75, "E-NET-3")
    assert remote.dump() == day
    _recovers(remote)


def test_credentials_and_pages_go_to_no_other_host(remote: Remote) -> None:
    """Neither a redirect nor a link leads anywhere, on the first request or in mid-pull."""
    with RosterServer.from_files(remote.inbox) as elsewhere:
        for begin in (1, 4):
            remote.break_it(redirect_to=elsewhere.root, begin=len(remote.server.log) + begin)
            result = remote.sync()
            assert (result.exit_code, code_of(result)) == (2, "E-ADDR-3")
        assert not elsewhere.log
    _recovers(remote)


def test_a_token_that_runs_out_in_mid_pull(fresh: Remote) -> None:
    """A new one is asked for, and the pull goes on."""
    with fresh.serve(access=OAuth2(KEY, SECRET, requests=9)) as server:
        fresh.point("1.2", token_url=server.token_url, page_size=50)
        assert fresh.sync().exit_code == 3
        assert 2 < server.requests.tokens <= 3 + 4  # threads may notice at the same time
        assert server.requests.answered == 22


def test_tokens_that_are_never_accepted(fresh: Remote) -> None:
    """A second one is asked for, and no third."""
    with fresh.serve(access=OAuth2(KEY, SECRET, requests=0)) as server:
        fresh.point("1.2", token_url=server.token_url)
        result = fresh.sync()
        assert (result.exit_code, code_of(result), server.requests.tokens) == (2, "E-AUTH-1", 2)


@pytest.mark.slow
def test_a_bomb_costs_a_bounded_piece_of_memory(remote: Remote) -> None:
    """4 GB of zeros, in 4 MB, for each page: the process takes in no more than the bound, for each request at once."""
    remote.break_it(gzip_bomb=1 << 32, begin=2)
    remote.point(page_size=50)
    day = remote.dump()
    peak = subprocess.run(
        [sys.executable, "-c", _PEAK, str(remote.toml)], check=True, capture_output=True, text=True,
        cwd=remote.folder, env=remote.environment(),
    )  # fmt: skip
    assert remote.dump() == day
    code, kilobytes = map(int, peak.stdout.split()[-2:])
    assert code == 2
    assert kilobytes < 1200 * 1024


_PEAK = """
import resource, sys
from syncrun.cli import main
sys.argv[1:] = ["--district", sys.argv[1]]
code = None
try:
    main()
except SystemExit as end:
    code = end.code
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("rules", [Rules(most=50), Rules(most=50, over="refuse")], ids=["clamped", "refused"])
def test_a_lower_limit_than_ours(remote: Remote, rules: Rules) -> None:
    server = Remote(remote.folder)
    with server.serve(rules=rules):
        server.point(page_size=10_000)
        result = server.sync()
        assert (result.exit_code, code_of(result)) == (0, "") if rules.over == "clamp" else (2, "E-HTTP-1")
        assert server.count("class_members") == 552
