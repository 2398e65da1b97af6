"""The order of district files is checked when one is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stages import LEDGER

from syncrun.config.district import District, load
from syncrun.errors import ConfigError
from syncrun.registry import Registry

if TYPE_CHECKING:
    from vendor import Site

TEXT = """
district = "{name}"
after = {after}
[source]
connector = "oneroster_csv"
path = "inbox"
[[sinks]]
sink = "{sink}"
{more}
"""
PLANNER = 'database_url = "sqlite:///planner.db"'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site) -> Path:
    """Where district files are, and a plug-in with a two-way sink."""
    site.plugin("ledger", LEDGER)
    found = tmp_path / "districts"
    (found / "inbox").mkdir(parents=True)
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(found))
    return found


def write(folder: Path, name: str, *after: str, sink: str = "planner", called: str = "") -> None:
    text = TEXT.format(
        name=called or name, after=list(after), sink=sink, more=PLANNER if sink == "planner" else ""
    ).replace("'", '"')
    (folder / f"{name}.toml").write_text(text)


def loaded(name: str) -> District:
    return load(name, Registry())


def wrong(name: str) -> list[tuple[str, str, str]]:
    with pytest.raises(ConfigError) as raised:
        loaded(name)
    return [(each.code, each.path, each.message) for each in raised.value.problems]


@pytest.mark.requirement("S3-6")
def test_district_comes_after_others_of_its_stage_or_of_an_earlier_one(folder: Path) -> None:
    write(folder, "sis", sink="ledger")
    write(folder, "books", "sis")
    write(folder, "maps", "books", "sis")
    assert loaded("maps").after == ("books", "sis")
    assert loaded("books").served[0].stage == "export"
    assert loaded("sis").served[0].stage == "two_way"


@pytest.mark.requirement("S3-6")
def test_two_way_after_an_export_is_against_the_order(folder: Path) -> None:
    write(folder, "books")
    write(folder, "sis", "books", sink="ledger")
    assert wrong("sis") == [
        ("E-CONFIG-10", "after[0]", "books has a sink of the stage export, this district one of two_way")
    ]


def test_district_that_is_not_there_is_named(folder: Path) -> None:
    write(folder, "maps", "nobody")
    assert wrong("maps") == [("E-CONFIG-10", "after[0]", "there is no district nobody")]
    (folder / "nobody.toml").write_text("not = = toml")
    assert wrong("maps") == [("E-CONFIG-10", "after[0]", "the file of nobody cannot be read")]
    write(folder, "nobody", called="somebody")
    assert wrong("maps") == [("E-CONFIG-10", "after[0]", "the file nobody.toml is not that of a district nobody")]


def test_circle_is_shown_whole(folder: Path) -> None:
    write(folder, "maps", "maps")
    assert wrong("maps") == [("E-CONFIG-10", "after[0]", "goes round in a circle: maps waits for maps")]
    write(folder, "maps", "books")
    write(folder, "books", "sis")
    write(folder, "sis", "maps")
    assert wrong("maps")[0][2] == ("goes round in a circle: maps waits for books waits for sis waits for maps")


def test_circle_among_others_is_theirs(folder: Path) -> None:
    write(folder, "maps", "books")
    write(folder, "books", "sis")
    write(folder, "sis", "books")
    assert loaded("maps").after == ("books",)


def test_other_district_whose_sink_cannot_be_loaded_stops_nothing(folder: Path) -> None:
    write(folder, "books", sink="absent")
    write(folder, "maps", "books")
    assert loaded("maps").after == ("books",)
