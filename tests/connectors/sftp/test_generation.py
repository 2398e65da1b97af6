"""Which files of a folder are one set."""

from __future__ import annotations

from syncrun.connectors.format import AUTO
from syncrun.connectors.sftp.generation import Remote, generations, newest, whole

NAMES = ("orgs.csv", "academicSessions.csv", "courses.csv", "classes.csv", "users.csv", "enrollments.csv")
DAY = 86_400


def files(names: tuple[str, ...], at: float, prefix: str = "") -> list[Remote]:
    return [Remote(prefix + name, 10, at + n) for n, name in enumerate(names)]


def names(found: list[Remote], spread: float = 7200) -> set[str]:
    return set(newest(generations(found, spread), AUTO).names)


def test_files_of_one_evening_are_a_set() -> None:
    assert names(files(NAMES, 1000)) == set(NAMES)


def test_files_of_two_nights_are_never_put_together() -> None:
    found = generations(files(NAMES[:3], 0) + files(NAMES[3:], DAY), 7200)
    assert [each.names for each in found] == [set(NAMES[3:]), set(NAMES[:3])]


def test_newest_whole_set_counts_while_a_newer_one_comes() -> None:
    archive = Remote("night.zip", 10, 0)
    assert names([archive, *files(NAMES[:2], DAY)]) == {"night.zip"}
    assert names([archive, *files(NAMES, DAY)]) == set(NAMES)
    assert names([Remote("night.zip", 10, 2 * DAY), *files(NAMES, DAY)]) == {"night.zip"}


def test_where_none_is_whole_the_newest_is_judged_by_the_engine() -> None:
    assert names(files(NAMES[:2], DAY) + files(NAMES[2:], 0)) == set(NAMES[:2])


def test_names_that_say_nothing_are_taken_by_age() -> None:
    assert names([Remote("night.zip", 10, 0), *files(("a.txt", "b.txt"), DAY)]) == {"a.txt", "b.txt"}


def test_whole_sets_are_known_in_capitals_too_and_three_files_are_one() -> None:
    assert whole([each.upper() for each in NAMES], AUTO)
    assert whole(["users.csv", "classes.csv", "enrollments.csv"], AUTO)
    assert not whole(["users.csv", "classes.csv"], AUTO)
