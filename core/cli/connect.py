"""`syncrun connect` and `syncrun disconnect`: classrooms that the sync takes over."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncrun.cli.deciding import common, confirm_free, fresh_option, next_command, save, say_saved, sheet, who_option
from syncrun.errors import ConfigError, Problem, UsageError

if TYPE_CHECKING:
    from syncrun.run.connecting import Pair
    from syncrun.run.sheet import Sheet

HEADER = ["classroom", "sourcedId"]
school_option = click.option(
    "--school", metavar="ID", help="Only classrooms of this school; others are refused."
)  # fmt: skip


@click.command()
@click.argument("classroom", required=False)
@click.argument("source_id", required=False, metavar="SOURCED_ID")
@common
@who_option
@fresh_option
@school_option
@click.option("--csv", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Many at once: a CSV file with the columns classroom and sourcedId.")  # fmt: skip
def connect(
    classroom: str | None, source_id: str | None, district: str | None, sink: str | None, as_json: bool, who: str | None,
    fresh: bool, school: str | None, file: Path | None,
) -> int:  # fmt: skip
    """Say that a classroom of the sink is a class of the source: the sync takes it over.

    CLASSROOM is the sink's id, SOURCED_ID that of the class. No new classroom is made for that class. One sourcedId is
    connected with one classroom. A file is taken whole or not at all, with every row named that cannot be.
    `syncrun map classes` proposes pairs.
    """
    from syncrun.run import connecting

    if (file is None) == (classroom is None or source_id is None) or (file is not None and classroom is not None):
        raise UsageError("Say CLASSROOM and SOURCED_ID, or --csv FILE.")
    pairs = _read(file) if file else [connecting.Pair(str(classroom), str(source_id))]
    with sheet(district, sink, fresh=fresh) as found:
        confirm_free(found.config, ["classes"])
        _confirm(found, pairs, school, file)
        remarks = list(connecting.remarks(found, [pair.source_id for pair in pairs]))
        changed = save(found, [pair.decision for pair in pairs], who)
        if as_json:
            told = {"changed": changed, "remarks": remarks, "next": next_command(found.session, district)}
            click.echo(json.dumps(told, indent=2))
            return 0
        for remark in remarks:
            click.echo(f"note: {remark}", err=True)
        say_saved(changed, found, district)
    return 0


def _confirm(found: Sheet, pairs: Sequence[Pair], school: str | None, file: Path | None) -> None:
    from syncrun.errors import DoubleUseError
    from syncrun.run import connecting

    wrong = list(connecting.objections(found, pairs, school))
    if not wrong:
        return
    if file is None:
        first = wrong[0]
        kind = DoubleUseError if first.double else UsageError
        raise kind(f"{first.why[0].upper()}{first.why[1:]}.", safe="No decision was changed.",
                   next_step="See `syncrun existing` for the classrooms, and `syncrun disconnect` to let go of one.")  # fmt: skip
    raise ConfigError([Problem("E-CONFIG-8", each.pair.place, each.why, "nothing of the file was taken")
                       for each in wrong], source=file.name)  # fmt: skip


def _read(file: Path) -> list[Pair]:
    """The pairs of a CSV file, each with its line."""
    from syncrun.run.connecting import Pair

    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ConfigError([Problem("E-CONFIG-8", file.name, "cannot be read as UTF-8 CSV")], source=file.name) from None
    if not rows or [cell.strip() for cell in rows[0]] != HEADER:
        raise ConfigError([Problem("E-CONFIG-8", f"{file.name}:1", "has another header", ",".join(HEADER))],
                          source=file.name)  # fmt: skip
    filled = [(number, row) for number, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row)]
    wrong = [number for number, row in filled if len(row) != 2 or not all(cell.strip() for cell in row)]
    if wrong:
        raise ConfigError([Problem("E-CONFIG-8", f"{file.name}:{number}", "needs a classroom and a sourcedId")
                           for number in wrong], source=file.name)  # fmt: skip
    return [Pair(row[0].strip(), row[1], f"{file.name}:{number}") for number, row in filled]


@click.command()
@click.argument("either", metavar="CLASSROOM|SOURCED_ID")
@common
@who_option
@school_option
def disconnect(
    either: str, district: str | None, sink: str | None, as_json: bool, who: str | None, school: str | None
) -> int:
    """Let go of a classroom: it is given back as it was, and the class gets a classroom of its own."""
    from syncrun.run import connecting
    from syncrun.state.decision import Decision

    with sheet(district, sink) as found:
        confirm_free(found.config, ["classes"])
        past = connecting.named(found, either)
        if not past:
            raise UsageError(f"{either} is not connected.", next_step="See `syncrun map classes history`.")
        if school is not None:
            held = {school, found.schools().get(school, school)}
            for each in past:
                row = found.row("classes", str(each.decision.sink_id))
                if row is not None and row.features.get("school") not in held:
                    raise UsageError(f"The classroom is not one of school {school}.", safe="No decision was changed.")
        changed = save(found, [Decision("classes", each.decision.source_id, "add") for each in past], who)
        if as_json:
            click.echo(json.dumps({"changed": changed, "next": next_command(found.session, district)}, indent=2))
        else:
            say_saved(changed, found, district)
    return 0
