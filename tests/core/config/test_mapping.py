"""The mapping file: read whole, or refused with every row that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncrun.config.mapping import read_mapping
from syncrun.errors import ConfigError
from syncrun.state.decision import Decision

HEADER = "kind,sourcedId,decision,sinkId\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "map.csv"


def wrong(path: Path, text: str) -> list[tuple[str, str]]:
    """Place and words of each problem."""
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        read_mapping(path)
    assert {each.code for each in raised.value.problems} == {"E-CONFIG-8"}
    return [(each.path, each.message) for each in raised.value.problems]


def test_each_row_is_a_decision(path: Path) -> None:
    path.write_text(f"{HEADER}orgs,org-1,link,5ead\norgs,org-2,add,\n\nteachers, 007 ,skip\nyears,y,add,\n")
    assert read_mapping(path) == [
        Decision("orgs", "org-1", "link", "5ead"), Decision("orgs", "org-2", "add"),
        Decision("teachers", " 007 ", "skip"), Decision("years", "y", "add"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", [
    "\ufeff" + HEADER + "orgs,o1,add,\n", HEADER.replace("\n", "\r\n") + "orgs,o1,add,\r\n", HEADER + "orgs,o1,add,",
    ' kind, sourcedId ,decision,sinkId\n"orgs","o1","add",""\n', HEADER.replace("\n", "\r") + "orgs,o1,add,\r",
], ids=["BOM", "CRLF", "no last line end", "blanks and quotes", "CR"])  # fmt: skip
def test_whatever_wrote_the_file_it_is_read(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    assert read_mapping(path) == [Decision("orgs", "o1", "add")]


def test_ids_are_kept_as_they_are_whatever_they_hold(path: Path) -> None:
    path.write_text(f'{HEADER}orgs,"a, ""b""",add,\norgs,line\u2028end,add,\norgs,x\x1cy,add,\n')
    assert [each.source_id for each in read_mapping(path)] == ['a, "b"', "line\u2028end", "x\x1cy"]


def test_every_row_that_cannot_be_used_is_named_at_once(path: Path) -> None:
    assert wrong(path, HEADER + "org,o1,add,\norgs,,add,\norgs,o2,maybe,\norgs,o3,link,\norgs,o4,add,7\norgs\n"
                                "orgs,o5,add,,more\n") == [
        ("map.csv:2", "the kind must be one of orgs, teachers, years, classes, students"),
        ("map.csv:3", "the sourcedId is blank"),
        ("map.csv:4", "the decision must be one of add, link, join, skip"),
        ("map.csv:5", "link and join need a sinkId, and nothing else has one"),
        ("map.csv:6", "link and join need a sinkId, and nothing else has one"),
        ("map.csv:7", "the sourcedId is blank"),
        ("map.csv:7", "the decision must be one of add, link, join, skip"),
        ("map.csv:8", "has more cells than the header"),
    ]  # fmt: skip


@pytest.mark.requirement("S0-10")
def test_two_records_cannot_be_linked_to_one_row_of_the_sink(path: Path) -> None:
    assert wrong(path, HEADER + "orgs,o1,link,7\nteachers,t1,link,7\norgs,o2,link,7\n") == [
        ("map.csv:4", "links to the record that line 2 links to"),
    ]  # fmt: skip


@pytest.mark.requirement("S0-10", "SX-5")
def test_second_record_may_say_that_it_joins_the_first(path: Path) -> None:
    path.write_text(HEADER + "orgs,o2,join,7\norgs,o1,link,7\nteachers,t1,link,7\nteachers,t2,join,7\n")
    assert [(each.source_id, each.decision, each.sink_id) for each in read_mapping(path)] == [
        ("o2", "join", "7"), ("o1", "link", "7"), ("t1", "link", "7"), ("t2", "join", "7"),
    ]  # fmt: skip


def test_nothing_joins_a_record_that_no_row_links_to_and_only_schools_and_teachers_do(path: Path) -> None:
    assert wrong(path, HEADER + "orgs,o1,link,7\norgs,o2,join,8\nteachers,t1,join,7\nyears,y,join,7\norgs,o3,join,\n") == [
        ("map.csv:3", "joins a record of the sink that no row links to"),
        ("map.csv:4", "joins a record of the sink that no row links to"),
        ("map.csv:5", "only orgs and teachers can join another"),
        ("map.csv:6", "link and join need a sinkId, and nothing else has one"),
    ]  # fmt: skip


def test_record_is_decided_on_once(path: Path) -> None:
    assert wrong(path, HEADER + "orgs,o1,add,\nteachers,o1,add,\norgs,o1,skip,\n") == [
        ("map.csv:4", "decides on a record for the second time"),
    ]  # fmt: skip


def test_other_header_is_refused_with_the_right_one(path: Path) -> None:
    path.write_text("kind;sourcedId;decision;sinkId\n")
    with pytest.raises(ConfigError) as raised:
        read_mapping(path)
    (problem,) = raised.value.problems
    assert (problem.path, problem.message, problem.hint) == ("map.csv:1", "has another header", HEADER.strip())
    assert wrong(path, "") == [("map.csv:1", "has another header")]


def test_file_that_cannot_be_read_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff")
    for file in (path, path.parent / "nothing.csv", path.parent):
        with pytest.raises(ConfigError, match="1 problem"):
            read_mapping(file)
