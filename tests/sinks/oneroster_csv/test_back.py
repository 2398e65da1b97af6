"""What is exported is read back: the same canonical roster, cell by cell, of both versions and by way of changes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
from exporter import VIEWS, Exporter, canonical, rich, rich_12
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncrun.demo import roster

if TYPE_CHECKING:
    from pathlib import Path

ASKED = "demographics = true"


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_roster_of_1_1_is_read_back_as_it_is(exporter: Exporter, tmp_path: Path, version: str) -> None:
    exporter.configure(sink=f'version = "{version}"\n{ASKED}')
    exporter.files = rich()
    exporter.first()
    before, after = canonical(tmp_path / "a", exporter.inbox), canonical(tmp_path / "b", exporter.newest())
    if version == "1.2":  # that of somebody with two schools is said, so that nobody must guess
        before["users"] = _without(before["users"], exporter)
        after["users"] = _without(after["users"], exporter)
    assert {view for view in VIEWS if before[view]} == {*VIEWS}
    assert after == before


def _without(rows: list[tuple[object, ...]], exporter: Exporter) -> list[tuple[object, ...]]:
    """The rows without the primary org of the one who has two schools."""
    return sorted((row[:-3] if row[0] == "t100" else row for row in rows), key=repr)


def test_roster_of_1_2_is_read_back_as_it_is(exporter: Exporter, tmp_path: Path) -> None:
    exporter.configure(sink=f'version = "1.2"\n{ASKED}')
    exporter.version = "1.2"
    exporter.files = rich_12()
    exporter.first()
    before, after = canonical(tmp_path / "a", exporter.inbox), canonical(tmp_path / "b", exporter.newest())
    assert {view for view in VIEWS if before[view]} == {*VIEWS}
    assert after == before


def test_roster_of_1_2_as_1_1_has_one_role_of_each_and_says_whose_are_lost(exporter: Exporter, tmp_path: Path) -> None:
    exporter.version = "1.2"
    exporter.files = rich_12()
    exporter.write()
    held = exporter.sync()
    assert (
        "oneroster_csv: 2 persons have roles that OneRoster 1.1 has no room for; one role of each is exported."
        in (held.summary["advice"])
    )
    exporter.say_yes()
    assert exporter.sync().exit_code == 0
    users = {row["sourcedId"]: (row["role"], row["orgSourcedIds"]) for row in exporter.tables()["users"]}
    assert users["t100"] == ("teacher", "school-2,school-1")
    assert users["h1"] == ("aide", "school-3")
    assert users["a1"] == ("administrator", "school-3")
    assert users["a2"] == ("administrator", "district")
    after = canonical(tmp_path / "b", exporter.newest())
    before = canonical(tmp_path / "a", exporter.inbox)
    for view in (
        "orgs",
        "academicSessions",
        "courses",
        "classes",
        "enrollments",
        "class_terms",
        "relationships",
        "userIds",
    ):
        assert after[view] == before[view], view


def test_export_of_an_export_is_the_same_to_the_byte(exporter: Exporter, tmp_path: Path, monkeypatch) -> None:
    exporter.files = rich()
    exporter.configure(sink=ASKED)
    exporter.first()
    first = exporter.newest().read_bytes()
    (tmp_path / "second").mkdir()
    second = Exporter(tmp_path / "second")
    monkeypatch.setenv("SYNCRUN_HOME", str(second.home))
    second.configure(sink=ASKED)
    second.toml.write_text(second.toml.read_text().replace('path = "inbox"', f'path = "{exporter.newest()}"'))
    assert second.sync().exit_code == 3
    second.say_yes()
    assert second.sync().exit_code == 0
    assert second.newest().read_bytes() == first


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.1", pytest.param("1.2", marks=pytest.mark.slow)])
def test_deltas_on_top_of_the_complete_one_equal_the_next_complete_one(
    exporter: Exporter, tmp_path: Path, version: str
) -> None:
    exporter.configure(sink=f'version = "{version}"\nmode = "delta"\n{ASKED}')
    exporter.files = rich()
    exporter.first()
    (complete,) = exporter.outbox.iterdir()
    assert {row["value"] for row in exporter.tables()["manifest"][2:-1]} == {"bulk", "absent"}

    exporter.drop("users", "s1002", "g2")
    exporter.drop(
        "enrollments", *(row["sourcedId"] for row in exporter.rows("enrollments") if row["userSourcedId"] == "s1002")
    )
    exporter.edit("users", "s1000", agentSourcedIds="g1", givenName="Zoë", grades="05")
    exporter.edit("users", "t100", orgSourcedIds="school-1")
    exporter.edit("classes", "class-1-0", termSourcedIds="fall-2026")
    exporter.drop("demographics", "s1001")
    exporter.rows("users").append(
        {**exporter.rows("users")[0], "sourcedId": "t900", "username": "t900", "identifier": "9"}
    )
    exporter.night()
    first = exporter.newest()
    changed = {
        name: {row["sourcedId"]: row for row in rows} for name, rows in exporter.tables().items() if name != "manifest"
    }
    assert changed["users"].keys() == {"s1002", "g2", "s1000", "t900", "t100"}
    assert (changed["users"]["s1002"]["status"], changed["users"]["t900"]["status"]) == ("tobedeleted", "active")
    assert changed["users"]["s1000"]["dateLastModified"] == "2026-11-21T19:00:03.000Z"
    assert changed["classes"].keys() == {"class-1-0"}
    assert "orgs" not in changed
    exporter.edit("users", "s1001", familyName="Again")
    exporter.night()
    second = exporter.newest()
    assert exporter.published() == sorted({complete.name, first.name, second.name})

    by_deltas = canonical(tmp_path / "b", complete, first, second, dated=False)
    exporter.configure(sink=f'version = "{version}"\nmode = "complete"\n{ASKED}')
    exporter.night()
    assert by_deltas == canonical(tmp_path / "a", exporter.newest(), dated=False)
    assert any(row[0] == "s1001" and "Again" in row for row in by_deltas["users"])


HOSTILE = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from(list("\"',;=+-@|\\{}<>&%\t")), min_size=1,
    max_size=40,
).filter(lambda each: each.strip() == each and each)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE, HOSTILE), min_size=3, max_size=3), st.sampled_from(["1.1", "1.2"]))
def test_whatever_stands_in_a_cell_comes_back(tmp_path_factory, monkeypatch, cells, version: str) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    monkeypatch.setenv("SYNCRUN_HOME", str(folder / "home"))
    exporter = Exporter(folder)
    exporter.configure(sink=f'version = "{version}"')
    files = copy.deepcopy(roster.first_day())
    for (given_name, family, middle, identifier), row in zip(cells, files["users"], strict=False):
        row.update(
            givenName=given_name, familyName=family, middleName=middle, identifier=identifier, username=given_name
        )
        files["classes"][0].update(title=given_name, location=middle, classCode=identifier)
    exporter.files = files
    exporter.first()
    assert canonical(folder / "b", exporter.newest()) == canonical(folder / "a", exporter.inbox)
