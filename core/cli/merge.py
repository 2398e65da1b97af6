"""`syncrun merge` and `syncrun unmerge`: students who were in the sink before, and whom the source brings again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from syncrun.cli.deciding import (
    agreed,
    called,
    common,
    confirm_free,
    fresh_option,
    named,
    names_option,
    next_command,
    reason,
    record,
    save,
    say_saved,
    sheet,
    who_option,
    yes_option,
)
from syncrun.errors import UsageError

if TYPE_CHECKING:
    from syncrun.run.line import Line, Row
    from syncrun.run.sheet import Sheet
    from syncrun.sdk import Column

KIND: Final = "students"


@click.command()
@click.argument("student", required=False)
@click.argument("sink_id", required=False)
@common
@who_option
@fresh_option
@yes_option
@names_option
@click.option("--keep", "kept", metavar="FIELD", multiple=True,
              help="Leave this field as the sink has it; may be given again.")  # fmt: skip
@click.option("--list", "listing", is_flag=True, help="List likely duplicates with evidence.")
def merge(
    student: str | None, sink_id: str | None, district: str | None, sink: str | None, as_json: bool, who: str | None,
    fresh: bool, yes: bool, names: bool | None, kept: tuple[str, ...], listing: bool,
) -> int:  # fmt: skip
    """Make a student of the source and one whom the sink had before one record.

    STUDENT is a sourcedId, SINK_ID the sink's id of the other. Both are shown side by side before you agree. The sink's
    record stays, with its memberships, and takes what the source says, but for the fields that are to be kept.
    `syncrun unmerge` restores both.
    """
    if listing == (student is not None) or (student is None) != (sink_id is None):
        raise UsageError("Say STUDENT and SINK_ID, or --list.")
    with sheet(district, sink, fresh=fresh) as found:
        if student is None or sink_id is None:
            return _list(found, names=bool(names) if as_json else named(names), as_json=as_json)
        return _merge(found, district, student, sink_id, kept, who, yes=yes, as_json=as_json,
                      names=bool(names) if as_json else named(names))  # fmt: skip


def _list(found: Sheet, *, names: bool, as_json: bool) -> int:
    lines = [line for line in found.lines(KIND, everywhere=True) if line.best and line.linked is None]
    if as_json:
        click.echo(json.dumps([_told(line, names=names) for line in lines], indent=2))
        return 0
    for line in lines:
        click.echo(f"{line.id}  {called(KIND, line.features, names=names)}"
                   f"{f'  (in the sink as {line.taken})' if line.taken else ''}")  # fmt: skip
        for fit in line.fits:
            if fit.verdict:
                why = ", ".join(map(reason, fit.reasons))
                click.echo(f"  {fit.row.id}  {called(KIND, fit.row.features, names=names)}  "
                           f"{fit.score:.2f} {fit.verdict}: {why}")  # fmt: skip
    click.echo(f"{len(lines)} likely duplicates." + (" See one with `syncrun merge STUDENT SINK_ID`." if lines else ""))
    return 0


def _told(line: Line, *, names: bool) -> dict[str, Any]:
    return {
        "student": line.id, "school": line.school, "in_sink": line.taken,
        "title": called(KIND, line.features, names=names) or None,
        "duplicates": [
            {**record(KIND, fit.row, names=names), "score": round(fit.score, 3), "verdict": fit.verdict,
             "evidence": list(fit.reasons)} for fit in line.fits if fit.verdict
        ],
    }  # fmt: skip


def _merge(
    found: Sheet, district: str | None, student: str, sink_id: str, kept: Sequence[str], who: str | None, *, yes: bool,
    as_json: bool, names: bool,
) -> int:  # fmt: skip
    from syncrun.state.decision import Decision

    confirm_free(found.config, [KIND])
    columns = found.table(KIND).columns
    unknown = sorted(set(kept) - {column.name for column in columns})
    if unknown:
        raise UsageError(f"The sink's students have no field {', '.join(unknown)}.",
                         next_step=f"They have {', '.join(column.name for column in columns)}.")  # fmt: skip
    new, row = found.shown(KIND, student), found.row(KIND, sink_id)
    if new is None:
        raise UsageError(
            f"The source has no student {student} who takes part, as it was read {found.roster.moment} UTC."
        )
    wanted = Decision(KIND, student, "link", sink_id, tuple(sorted(set(kept))))
    for _, why in found.objections([wanted]):
        raise UsageError(f"{why[0].upper()}{why[1:]}.", safe="No decision was changed.")
    assert row is not None  # noqa: S101 # there would have been an objection
    preview = _preview(found, columns, student, new, row, kept, names=names)
    if not as_json:
        _show(preview)
    if not agreed("Make them one?", yes=yes, as_json=as_json):
        click.echo("Nothing was changed.")
        return 0
    changed = save(found, [wanted], who)
    if as_json:
        click.echo(json.dumps({"changed": changed, **preview, "next": next_command(found.session, district)}, indent=2))
    else:
        say_saved(changed, found, district)
    return 0


def _preview(
    found: Sheet, columns: Sequence[Column], student: str, new: Mapping[str, Any], row: Row, kept: Sequence[str], *,
    names: bool,
) -> dict[str, Any]:  # fmt: skip
    """Both records side by side. Values that tell of a person stand there only with `names`."""
    schools = found.schools()
    fields = []
    for column in columns:
        mine, theirs = new[column.name], row.values[column.name]
        if column.parent is not None:
            mine = schools.get(str(mine), mine)
        shown = names or column.privacy == "structure"
        fields.append({
            "field": column.name, "differs": mine != theirs,
            "source": str(mine) if shown and mine is not None else None,
            "sink": str(theirs) if shown and theirs is not None else None,
            "kept": column.name in kept,
        })  # fmt: skip
    return {"student": student, "sink_id": row.id, "fields": fields,
            "classes": {"source": found.classes_of(student, None), "sink": found.classes_of(None, row.id)}}  # fmt: skip


def _show(preview: Mapping[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from syncrun.cli.screen import console

    table = Table("field", f"source: {preview['student']}", f"sink: {preview['sink_id']}", "after", box=None,
                  pad_edge=False, header_style="dim")  # fmt: skip
    for each in preview["fields"]:
        after = "the same" if not each["differs"] else "as the sink has it" if each["kept"] else "as the source says"
        table.add_row(*map(escape, (each["field"], each["source"] or "", each["sink"] or "", after)))
    classes = preview["classes"]
    table.add_row("classes", *(escape(", ".join(classes[side])) or "none" for side in ("source", "sink")), "both")
    console().print(table, soft_wrap=False)


@click.command()
@click.argument("student")
@common
@who_option
def unmerge(student: str, district: str | None, sink: str | None, as_json: bool, who: str | None) -> int:
    """Take a merge back: both records are as they were, with what the source has changed since."""
    from syncrun.state.decision import Decision

    with sheet(district, sink) as found:
        confirm_free(found.config, [KIND])
        past = [each.decision for each in found.decisions if each.decision.kind == KIND]
        if not any(each.source_id == student and each.decision == "link" for each in past):
            raise UsageError(f"Student {student} is not merged.", next_step="See `syncrun map students history`.")
        changed = save(found, [Decision(KIND, student, "add")], who)
        if as_json:
            click.echo(json.dumps({"changed": changed, "next": next_command(found.session, district)}, indent=2))
        else:
            say_saved(changed, found, district)
    return 0
