"""What a sink behind an API has taken is known the next day by its own ids; what it did not take comes again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from gradebook import Gradebook, shown

from syncrun.demo import roster
from syncrun.errors import TransientError
from syncrun.sdk import Action

if TYPE_CHECKING:
    from pathlib import Path

    from terminal import Terminal
    from vendor import Site
    from world import World

DISTRICT = """
district = "riverside"
[source]
connector = "oneroster_csv"
path = "inbox"
settle_seconds = 0
[[sinks]]
sink = "gradebook"
school_years = ["year-2027"]
"""


class Book:
    """A district with a gradebook, run from the command line."""

    def __init__(self, world: World, terminal: Terminal) -> None:
        self.world, self.terminal = world, terminal
        self.path: Path = world.folder / "book.json"
        world.configure(DISTRICT)
        world.write()

    def run(self, *arguments: str) -> int:
        """Run the district; the exit code."""
        self.world.write()
        Gradebook.sent = []
        return self.terminal(*arguments, "--district", self.world.toml).code

    def sent(self, *keys: str) -> list[tuple[str, str | None]]:
        """Actions and ids of the changes to these rows in the last run."""
        return [(change.action, change.sink_id) for each in Gradebook.sent for change in each if change.key in keys]

    def row(self, key: str) -> dict[str, Any]:
        """A row as the book has it."""
        return shown(self.path)[key]


@pytest.fixture
def book(site: Site, world: World, terminal: Terminal) -> Iterator[Book]:
    Gradebook.fresh()
    site.install("gradebook", {"gradebook": "gradebook"}, {})
    yield Book(world, terminal)
    Gradebook.fresh()


@pytest.fixture
def filled(book: Book) -> Book:
    """After the first sync."""
    assert book.run() == 3
    assert Gradebook.sent == []
    assert book.run("approve") == 0
    assert book.run() == 0
    return book


def test_first_sync_fills_the_book_with_its_own_ids(filled: Book) -> None:
    rows = shown(filled.path)
    assert len(rows) == 3 + 198
    assert {rows[f"s{n}000"]["school_id"] for n in (1, 2, 3)} == {rows[f"school-{n}"]["id"] for n in (1, 2, 3)}
    assert filled.run() == 0
    assert Gradebook.sent == []


def test_next_day_names_rows_by_the_ids_that_the_sink_gave(filled: Book) -> None:
    filled.world.edit("users", "s1001", familyName="New")
    filled.world.edit("users", "s1002", orgSourcedIds="school-2")
    filled.world.drop("users", "s1003")
    filled.world.drop(
        "enrollments",
        *(each["sourcedId"] for each in filled.world.rows("enrollments") if each["userSourcedId"] == "s1003"),
    )
    before = shown(filled.path)
    assert filled.run() == 0
    assert filled.sent("s1001") == [(Action.UPDATE, before["s1001"]["id"])]
    assert filled.sent("s1003") == [(Action.ARCHIVE, before["s1003"]["id"])]
    assert filled.row("s1002")["school_id"] == before["school-2"]["id"]
    assert {change.table for each in Gradebook.sent for change in each} == {"pupils"}


def test_who_comes_back_is_restored_under_the_old_id(filled: Book) -> None:
    filled.world.drop("users", "s1003")
    filled.world.drop(
        "enrollments",
        *(each["sourcedId"] for each in filled.world.rows("enrollments") if each["userSourcedId"] == "s1003"),
    )
    assert filled.run() == 0
    before = filled.row("s1003")
    filled.world.files = roster.first_day()
    assert filled.run() == 0
    assert filled.sent("s1003") == [(Action.RESTORE, before["id"])]
    assert filled.row("s1003") == {**before, "archived": False}


def test_row_that_the_sink_refused_comes_again_the_next_day(book: Book) -> None:
    Gradebook.refused = {"s1001"}
    assert book.run() == 3
    assert book.run("approve") == 0
    assert book.run() == 4
    assert "s1001" not in shown(book.path)
    assert book.run() == 4
    assert book.sent("s1001") == [(Action.CREATE, None)]
    Gradebook.refused = set()
    assert book.run() == 0
    assert book.row("s1001")["name"]
    assert [len(each) for each in Gradebook.sent] == [1]


def test_run_that_was_cut_off_is_finished_by_the_next_and_nothing_doubles(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncrun.apply.stop.Stop.pause", lambda stop, seconds: None)
    assert book.run() == 3
    assert book.run("approve") == 0

    def down() -> None:
        raise TransientError("busy")

    Gradebook.faults = [lambda: None, *[down] * 5]
    assert book.run() == 75
    partial = shown(book.path)
    assert book.run() == 0
    assert len(shown(book.path)) == 201
    assert {key: shown(book.path)[key]["id"] for key in partial} == {key: row["id"] for key, row in partial.items()}
    assert book.run() == 0
    assert Gradebook.sent == []


def test_run_that_was_cut_off_while_a_school_waits_is_finished_too(
    filled: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncrun.apply.stop.Stop.pause", lambda stop, seconds: None)
    gone = {f"s1{n:03d}" for n in range(20)}
    filled.world.drop("users", *gone)
    filled.world.drop(
        "enrollments",
        *(each["sourcedId"] for each in filled.world.rows("enrollments") if each["userSourcedId"] in gone),
    )
    filled.world.edit("users", "s2001", familyName="New")

    def down() -> None:
        raise TransientError("busy")

    Gradebook.faults = [down] * 5
    assert filled.run() == 75
    assert filled.run() == 3
    assert filled.row("s2001")["name"] == "New"
    assert not filled.row("s1001")["archived"]
    assert filled.run("approve") == 0
    assert filled.run() == 0
    assert filled.row("s1001")["archived"]


def test_full_sync_puts_right_what_drifted_by_the_sinks_ids(filled: Book) -> None:
    rows = json.loads(filled.path.read_text())
    mine = filled.row("s1001")["id"]
    rows[mine]["name"] = "Changed by hand"
    filled.path.write_text(json.dumps(rows))
    assert filled.run("--full") == 0
    assert filled.sent("s1001") == [(Action.UPDATE, mine)]
    assert filled.row("s1001")["name"] != "Changed by hand"


def test_sink_that_answers_too_few_ends_the_run_with_its_name(filled: Book) -> None:
    filled.world.edit("users", "s1001", familyName="New")
    Gradebook.answer = staticmethod(lambda outcomes: outcomes[:-1])
    assert filled.run() == 70
    assert filled.terminal("runs", "--json").json[0]["outcome"] == "FAILED"
