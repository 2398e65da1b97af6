"""Two lists of the same made-up classes: sections of one title at one school, whose rosters are about 85 % alike."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb

from syncrun.sqltext import literal, name

COURSES = (
    ("Algebra I", "Alg 1"), ("Algebra II", "Alg 2"), ("Geometry", "Geom"), ("English 9", "Eng 9"), ("English 10", "Eng 10"),
    ("Biology", "Bio"), ("Chemistry", "Chem"), ("World History", "World Hist"), ("US History", "U.S. History"),
    ("Spanish I", "Span 1"), ("Physical Education", "PE"), ("Art", "Art"), ("Choir", "Chorus"), ("Economics", "Econ"),
)  # fmt: skip
SECTIONS, SEATS, STAYED = 6, 26, 0.92
"""Sections of a course at a school; students of one; the share of both lists' rosters that is in the other, so that
Jaccard's share is about 0.85."""


def write(folder: Path, schools: int, seed: int) -> None:
    """Write both lists, their rosters and the truth as Parquet files."""
    dice = random.Random(seed)
    sides: dict[str, list[tuple[str | None, ...]]] = {"incoming": [], "existing": []}
    members: dict[str, list[tuple[str | None, ...]]] = {"incoming": [], "existing": []}
    truth: list[tuple[str | None, ...]] = []
    number = 0
    for school in range(schools):
        for ours, theirs in COURSES:
            people = [f"p{school}-{dice.randrange(10**9)}" for _ in range(SECTIONS * SEATS * 2)]
            for section in range(SECTIONS):
                number += 1
                roster = people[section * SEATS : (section + 1) * SEATS]
                spare = people[(SECTIONS + section) * SEATS :]
                left, came = dice.random() < 0.05, dice.random() < 0.05
                period = str(section + 1) if dice.random() < 0.5 else None
                if not came:
                    title = theirs if dice.random() < 0.5 else ours
                    sides["existing"].append((f"e{number}", title, f"s{school}", period))
                    members["existing"] += [(f"e{number}", each) for each in _moved(dice, roster, spare[:SEATS])]
                if not left:
                    sides["incoming"].append((f"i{number}", ours, f"s{school}", str(section + 1)))
                    members["incoming"] += [(f"i{number}", each) for each in roster]
                if not (left or came):
                    truth.append((f"i{number}", f"e{number}"))
    for side, classes in sides.items():
        dice.shuffle(classes)
        _write(folder / f"{side}.parquet", ("id", "title", "school", "period"), classes)
        _write(folder / f"{side}_members.parquet", ("class_id", "person_id"), members[side])
    _write(folder / "truth.parquet", ("incoming_id", "existing_id"), truth)


def _moved(dice: random.Random, roster: list[str], spare: list[str]) -> list[str]:
    return [each if dice.random() < STAYED else spare[n] for n, each in enumerate(roster)]


def _write(path: Path, columns: tuple[str, ...], rows: list[tuple[str | None, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = ", ".join(f"unnest(?::VARCHAR[]) AS {name(each)}" for each in columns)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT {cells}) TO {literal(str(path))} (FORMAT parquet)",
            [list(each) for each in zip(*rows, strict=True)],
        )
