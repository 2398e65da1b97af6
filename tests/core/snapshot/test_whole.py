"""Whether a file is the whole collection. What is not in a file is gone only where the file is proved whole."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator

import pytest
from desk import Desk, Files, Night

from syncrun.demo import roster
from syncrun.run.reading import SetRefusedError


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A district of two hundred people that was accepted once."""
    desk = Desk(tmp_path_factory.mktemp("settled"))
    desk.write(roster.first_day())
    desk.settle()
    return desk


@pytest.fixture
def desk(settled: Desk) -> Iterator[Desk]:
    """The same, with the same set in the inbox again."""
    before = settled.before
    settled.write(roster.first_day())
    yield settled
    settled.before = before


def keys(night: Night) -> dict[str, list[str]]:
    return {entity: night.keys(entity) for entity in night.rows}


def everybody() -> dict[str, list[str]]:
    return {entity: sorted(row["sourcedId"] for row in rows) for entity, rows in roster.first_day().items()}


def cut(desk: Desk, name: str, percent: float, *, at_line_end: bool) -> None:
    path = desk.inbox / name
    content = path.read_bytes()
    kept = content[: int(len(content) * percent / 100)]
    path.write_bytes(kept[: kept.rfind(b"\n") + 1] if at_line_end else kept)


def noticed(desk: Desk) -> set[str]:
    """Why the set is refused (exit 2) or waits for a person (exit 3); in both cases nobody was lost."""
    try:
        night = desk.read()
    except SetRefusedError as error:
        return {each.code for each in error.findings}
    assert keys(night) == everybody()
    return night.doubts


SOME = [0, 3, 50, 83, 99]


@pytest.mark.requirement("S2-25")
@pytest.mark.parametrize("at_line_end", [False, True], ids=["in a row", "at a line end"])
@pytest.mark.parametrize("percent", SOME)
def test_users_file_that_was_cut_loses_nobody(desk: Desk, percent: int, *, at_line_end: bool) -> None:
    cut(desk, "users.csv", percent, at_line_end=at_line_end)
    assert noticed(desk) & {"R-SET-03", "R-SET-04", "R-SET-06", "R-SET-07", "R-FILE-02", "R-FILE-12"}


@pytest.mark.slow
@pytest.mark.parametrize("at_line_end", [False, True], ids=["in a row", "at a line end"])
@pytest.mark.parametrize("percent", sorted(set(range(100)) - set(SOME)))
def test_users_file_that_was_cut_anywhere_loses_nobody(desk: Desk, percent: int, *, at_line_end: bool) -> None:
    cut(desk, "users.csv", percent, at_line_end=at_line_end)
    assert noticed(desk) & {"R-SET-03", "R-SET-04", "R-SET-06", "R-SET-07", "R-FILE-02", "R-FILE-12"}


@pytest.mark.parametrize("at_line_end", [False, True], ids=["in a row", "at a line end"])
@pytest.mark.parametrize("name", ["orgs", "academicSessions", "courses", "classes", "enrollments"])
def test_any_file_that_was_cut_loses_nothing(desk: Desk, name: str, *, at_line_end: bool) -> None:
    cut(desk, f"{name}.csv", 70, at_line_end=at_line_end)
    assert noticed(desk)


def test_file_that_lacks_its_last_line_end_was_cut(desk: Desk) -> None:
    path = desk.inbox / "enrollments.csv"
    path.write_bytes(path.read_bytes().rstrip())
    assert noticed(desk) == {"R-SET-06"}


def test_file_that_never_had_a_last_line_end_is_read(desk: Desk) -> None:
    path = desk.inbox / "enrollments.csv"
    path.write_bytes(path.read_bytes().rstrip())
    desk.before = None
    desk.settle()
    assert noticed(desk) == set()


def without(files: Files, entity: str, *gone: str) -> Files:
    return {**files, entity: [row for row in files[entity] if row["sourcedId"] not in gone]}


def test_rows_that_left_all_files_are_gone(desk: Desk) -> None:
    files = without(roster.first_day(), "users", "s1007")
    files["enrollments"] = [row for row in files["enrollments"] if row["userSourcedId"] != "s1007"]
    desk.write(files)
    night = desk.read()
    assert (night.codes, night.doubts) == (set(), set())
    assert "s1007" not in night.keys("users")
    assert len(night.keys("enrollments")) < len(everybody()["enrollments"])


def test_row_in_the_middle_that_other_files_still_name_is_kept(desk: Desk) -> None:
    desk.write(without(roster.first_day(), "users", "s1007"))
    night = desk.read()
    assert [(each.code, each.file, each.key) for each in night.findings] == [("R-SET-08", "users.csv", "s1007")]
    assert night.doubts == set()
    assert keys(night) == everybody()
    assert night.row("users", "s1007")["line"] is None


def test_row_that_lags_for_two_days_is_still_kept_and_no_reason_to_wait(desk: Desk) -> None:
    desk.write(without(roster.first_day(), "users", "s1007"))
    desk.settle()
    night = desk.settle()
    assert (night.codes, night.doubts, keys(night)) == ({"R-SET-08"}, set(), everybody())
    desk.write(roster.first_day())
    night = desk.read()
    assert (night.codes, keys(night)) == (set(), everybody())


def test_only_some_of_many_lagging_rows_are_told_one_by_one(desk: Desk) -> None:
    gone = [f"s10{n:02d}" for n in range(10, 22)]
    desk.write(without(roster.first_day(), "users", *gone))
    told = desk.read().found("R-SET-08")
    assert sorted((each.key or each.words, each.count) for each in told) == [
        ("7 more like these", 7), *((key, 1) for key in gone[:5]),
    ]  # fmt: skip


def test_rows_that_other_files_name_are_not_known_to_lag_where_the_order_changes(desk: Desk) -> None:
    files = without(roster.first_day(), "users", "s1007")
    random.Random(1).shuffle(files["users"])
    desk.write(files)
    assert noticed(desk) == {"R-SET-07"}


def last(files: Files, entity: str, count: int) -> Files:
    return {**files, entity: files[entity][:-count]}


@pytest.mark.parametrize(("count", "codes"), [(4, set()), (5, {"R-SET-09"})])
def test_few_rows_at_the_end_may_have_left_and_more_look_cut(desk: Desk, count: int, codes: set[str]) -> None:
    desk.write(last(roster.first_day(), "enrollments", count))
    night = desk.read()
    assert night.doubts == codes
    assert len(night.keys("enrollments")) == len(everybody()["enrollments"]) - (0 if codes else count)


def test_tail_that_is_missing_is_noticed_beside_other_changes(desk: Desk) -> None:
    """A leaver in the middle and a newcomer before the cut do not hide it."""
    files = last(roster.first_day(), "enrollments", 30)
    new = {**files["enrollments"][200], "sourcedId": "new"}
    files["enrollments"] = [
        *files["enrollments"][:100],
        *files["enrollments"][101:201],
        new,
        *files["enrollments"][201:],
    ]
    desk.write(files)
    night = desk.read()
    assert [(each.count, each.words) for each in night.found("R-SET-09")] == [
        (30, "the last 30 rows of the file before are missing")
    ]
    assert len(night.keys("enrollments")) == len(everybody()["enrollments"]) + 1


def test_tail_is_not_cut_where_new_rows_stand_in_its_place(desk: Desk) -> None:
    files = last(roster.first_day(), "enrollments", 30)
    files["enrollments"].append({**files["enrollments"][200], "sourcedId": "new"})
    desk.write(files)
    night = desk.read()
    assert night.doubts == set()
    assert len(night.keys("enrollments")) == len(everybody()["enrollments"]) - 29


def test_rows_from_all_over_the_file_may_leave(desk: Desk) -> None:
    files = roster.first_day()
    files["enrollments"] = files["enrollments"][::2]
    desk.write(files)
    night = desk.read()
    assert (night.doubts, len(night.keys("enrollments"))) == (set(), len(everybody()["enrollments"]) // 2)


def test_cut_is_noticed_in_the_bulk_file_that_follows_a_delta(desk: Desk) -> None:
    files = roster.first_day()
    told = {"status": "active", "dateLastModified": "2026-11-19T00:00:00Z"}
    delta = [{**row, **told} for row in files["enrollments"][3:6]]
    desk.write({"enrollments": copy.deepcopy(delta)}, {"enrollments": "delta"})
    desk.settle()
    desk.write(last(files, "enrollments", 40))
    assert noticed(desk) == {"R-SET-09"}


def test_file_with_lines_of_unknown_records_removes_nothing_and_says_so(desk: Desk) -> None:
    desk.write(without(roster.first_day(), "enrollments", everybody()["enrollments"][7]))
    path = desk.inbox / "enrollments.csv"
    path.write_bytes(path.read_bytes() + b",,\r\n")
    night = desk.read()
    assert (night.codes, night.doubts) == ({"R-FILE-07", "R-SET-21"}, set())
    assert keys(night) == everybody()


def test_file_with_lines_of_known_records_removes_the_others(desk: Desk) -> None:
    gone, broken = everybody()["enrollments"][7:9]
    desk.write(without(roster.first_day(), "enrollments", gone, broken))
    path = desk.inbox / "enrollments.csv"
    path.write_bytes(path.read_bytes() + f"{broken},\r\n".encode() + b"class-1-0-none,,\r\n")
    night = desk.read()
    assert night.codes == {"R-FILE-07"}
    assert set(everybody()["enrollments"]) - set(night.keys("enrollments")) == {gone}


def test_quote_that_somebody_forgot_to_close_removes_nobody(desk: Desk) -> None:
    path = desk.inbox / "users.csv"
    path.write_bytes(path.read_bytes().replace(b"\ns1007,,,true", b'\ns1007,,,"true'))
    night = desk.read()
    assert [(each.code, each.key) for each in night.findings] == [("R-FILE-09", "s1007")]
    assert night.row("users", "s1007")["line"] is None
    assert keys(night) == everybody()
