"""The export of the PowerSchool plug-in as districts send it, beside its clean twin: the plan and the planner are equal."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from export import SHORT, TABLES, exported, rows
from world import World

from syncrun.demo import roster


def whole() -> dict[str, tuple[str, ...]]:
    """All of OneRoster's columns for the three files."""
    return {name: ("sourcedId", *roster.COLUMNS[name]) for name in TABLES}


def clean(folder: Path, columns: Mapping[str, Sequence[str]], files: roster.Files) -> None:
    """The twin: quoted, CRLF, the standard's names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, header in columns.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
            writer.writerow(header)
            writer.writerows([row.get(column, "") for column in header] for row in rows(name, files))


def ran(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, dict[str, list[tuple[object, ...]]]]:
    """The hash of the plan that a first sync makes, and the planner after it was approved and applied."""
    monkeypatch.setenv("SYNCRUN_HOME", str(folder / "home"))
    world = World(folder)
    world.configure(years='["schoolYear-2027"]')
    held = world.sync()
    assert held.exit_code == 3, held.summary
    world.approve()
    assert world.sync().exit_code == 0
    assert world.sync().summary["nothing_to_do"] is True
    return held.summary["plan"], world.dump()


@pytest.mark.requirement("S2-4", "S2-6", "S2-7", "S2-8", "S2-9", "S2-10", "S2-12")
@pytest.mark.parametrize(
    ("columns", "prefixes", "language", "dcid"),
    [
        (SHORT, True, "languages", True), (SHORT, False, "language", False), (SHORT, False, "languages", True),
        (whole(), True, "languages", True), (whole(), False, "language", True),
    ],
    ids=["labels as they come", "labels as instructed", "labels half done", "all columns", "all columns, no labels"],
)  # fmt: skip
def test_export_of_powerschool_is_its_clean_twin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: Mapping[str, Sequence[str]], prefixes: object,
    language: str, dcid: object,
) -> None:  # fmt: skip
    files = roster.first_day()
    clean(tmp_path / "clean" / "inbox", columns, files)
    exported(tmp_path / "sent" / "inbox", columns, files, prefixes=bool(prefixes), language=language, dcid=bool(dcid))
    twin, real = ran(tmp_path / "clean", monkeypatch), ran(tmp_path / "sent", monkeypatch)
    assert real == twin
    assert len(real[1]["class_members"]) == len(files["enrollments"])
