"""The data sets as a district exports and sends them, read by our own intake, beside a clean OneRoster twin."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest
from registrar import EXPECTED, answer, registrar
from world import World

from syncrun.connectors.powerschool.package import Plugin
from syncrun.connectors.powerschool.package.roster import data_sets, labels

YEARS = '["100-3600", "200-3600"]'
SHORT = ("users", "classes", "enrollments")


def exported(plugin: Plugin, folder: Path) -> None:
    """As the data export writes with the settings of the page: carriage returns, the labels as they come, and quotes
    around everything or nothing, with no regard for what is in a value."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = '"' if plugin.quotes else ""
    for each in data_sets(plugin):
        _, values = answer(registrar(), each.sql(quotes=plugin.quotes))
        doubled = [[(cell or "").replace('"', '""') if plugin.quotes else cell or "" for cell in row] for row in values]
        lines = [",".join(f"{mark}{cell}{mark}" for cell in row) for row in [labels(plugin, each), *doubled]]
        (folder / each.file).write_bytes("".join(f"{line}\r" for line in lines).encode())


def clean(plugin: Plugin, folder: Path) -> None:
    """The twin, from the rows written by hand: the standard's names, CRLF, all quoted."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in data_sets(plugin):
        with (folder / each.file).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(each.columns), quoting=csv.QUOTE_ALL, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(EXPECTED[each.name])


def ran(folder: Path, monkeypatch: pytest.MonkeyPatch, years: str) -> tuple[str, dict[str, list[tuple[object, ...]]]]:
    """The hash of the plan of a first sync, and the planner after it was approved and applied."""
    monkeypatch.setenv("SYNCRUN_HOME", str(folder / "home"))
    world = World(folder)
    world.configure(years=years)
    held = world.sync()
    assert held.exit_code == 3, held.summary
    assert {each["rejected"] for each in held.summary["files"].values()} == {0}
    world.approve()
    assert world.sync().exit_code == 0
    return held.summary["plan"], world.dump()


@pytest.mark.requirement("S2-2", "S2-5", "S2-6", "S2-10", "S2-11", "S2-12")
@pytest.mark.parametrize("quotes", [False, True], ids=["quotes off", "quotes on"])
@pytest.mark.parametrize("style", ["plain", "ordered"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole set", "three files"])
def test_an_export_is_planned_as_its_clean_twin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugin: Plugin, quotes: object, style: str, whole: object
) -> None:  # fmt: skip
    plugin = dataclasses.replace(
        plugin, quotes=bool(quotes), labels=style, data_sets=plugin.data_sets if whole else SHORT  # type: ignore[arg-type] # of the two words
    )  # fmt: skip
    exported(plugin, tmp_path / "sent" / "inbox")
    clean(plugin, tmp_path / "clean" / "inbox")
    years = YEARS if whole else '["schoolYear-2027"]'
    sent, twin = ran(tmp_path / "sent", monkeypatch, years), ran(tmp_path / "clean", monkeypatch, years)
    assert sent == twin
    assert len(sent[1]["class_members"]) == len(EXPECTED["enrollments"])


def test_the_files_pass_the_check(plugin: Plugin, world: World) -> None:
    exported(plugin, world.inbox)
    code, out, err = world.syncrun("check", str(world.inbox), "--json")
    assert code == 0, out + err
    assert '"rejected": 0' in out
