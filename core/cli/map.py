"""`syncrun map`: which record of the source is which of the sink; what people decide, and what is proposed."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from syncrun.cli.deciding import (
    KINDS,
    agreed,
    called,
    common,
    confirm_free,
    decided,
    decided_words,
    double_option,
    fresh_option,
    named,
    names_option,
    next_command,
    save,
    say_saved,
    sheet,
    who_option,
    yes_option,
)
from syncrun.cli.group import DefaultGroup
from syncrun.cli.listing import both, match, show, told_of
from syncrun.cli.opening import needed
from syncrun.errors import UsageError

if TYPE_CHECKING:
    from syncrun.run.line import Line
    from syncrun.run.sheet import Sheet
    from syncrun.sdk.sink import MappingKind
    from syncrun.state.decision import Decision

SHOWN = 200


@click.group(name="map", cls=DefaultGroup, default="propose", words=1)
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
def map_(kind: MappingKind) -> None:
    """Decide which record of the source is which record of the sink.

    KIND is orgs, teachers, years, classes or students. Without a command it lists the source on the left, the best match
    on the right with its score and why, and what was decided, by whom and when.

    A proposal is only a proposal: nothing is linked until somebody accepts it, and a decision changes the sink only with
    the next plan that is approved. Several years may be chosen, but one is right for most: every chosen year is added to
    every teacher's account.
    """


@map_.command()
@common
@fresh_option
@names_option
@click.option("--open/--all", "only_open", default=False, help="Only what is not decided on (default: all).")
@click.option("--limit", default=SHOWN, show_default=True, type=click.IntRange(1), help="How many to list.")
@click.pass_context
def propose(
    ctx: click.Context, district: str | None, sink: str | None, as_json: bool, fresh: bool, names: bool | None,
    only_open: bool, limit: int,
) -> int:  # fmt: skip
    """List the source, what each record might be in the sink, and what was decided. So does KIND alone."""
    kind = _kind(ctx)
    with sheet(district, sink, fresh=fresh) as found:
        lines = [line for line in found.lines(kind) if line.is_open or not only_open]
        if as_json:
            told = {"kind": kind, "read": found.roster.moment, "advice": list(found.advice),
                    "records": [told_of(kind, line, names=bool(names)) for line in lines]}  # fmt: skip
            click.echo(json.dumps(told, indent=2))
        else:
            show(found, kind, lines[:limit], needed(district), names=named(names))
            if len(lines) > limit:
                click.echo(f"{len(lines) - limit:,} more; say --limit.")
    return 0


# -- deciding ----------------------------------------------------------------------------------------------------------


def _kind(ctx: click.Context) -> MappingKind:
    assert ctx.parent is not None  # noqa: S101 # a command of a group has one
    return cast("MappingKind", ctx.parent.params["kind"])


@map_.command()
@click.argument("source_ids", nargs=-1, metavar="[SOURCED_ID]...")
@common
@who_option
@yes_option
@names_option
@click.option("--likely", is_flag=True, help="Also those that are likely.")
@click.option("--add-rest", is_flag=True, help="Also decide `add` for all that nothing is proposed for.")
@click.pass_context
def accept(
    ctx: click.Context, source_ids: tuple[str, ...], district: str | None, sink: str | None, as_json: bool,
    who: str | None, yes: bool, names: bool | None, likely: bool, add_rest: bool,
) -> int:  # fmt: skip
    """Accept proposals: all that are sure, or those of the records that are named."""
    from syncrun.state.decision import Decision

    kind = _kind(ctx)
    with sheet(district, sink) as found:
        confirm_free(found.config, [kind])
        if kind == "years" and not source_ids:
            raise UsageError("Name the school years that you accept: each of them is rostered from then on.")
        lines = [line for line in found.lines(kind) if line.is_open]
        chosen = _named(lines, source_ids) if source_ids else [
            line for line in lines if line.best and line.best.verdict in {"sure", *["likely"] * likely}
        ]  # fmt: skip
        wanted = [Decision(kind, line.id, "link", line.best.row.id) for line in chosen if line.best]
        if add_rest:
            wanted += [Decision(kind, line.id, "add") for line in lines if line.best is None]
        if not wanted:
            raise UsageError("There is nothing to accept: no proposal is sure.",
                             next_step=f"Look with `syncrun map {kind} --open`, and name those that you accept, or say --likely.")  # fmt: skip
        if not as_json:
            for line in chosen:
                click.echo(f"  {both(line.id, called(kind, line.features, names=named(names)))}  is  "
                           f"{'  '.join(match(kind, line, names=named(names)))}")  # fmt: skip
            added = len(wanted) - len(chosen)
            if added:
                click.echo(f"  and {added} of which the sink has none are added")
            _warn_of_the_rest(found, kind, wanted)
        if not agreed(f"Accept {len(wanted)}?", yes=yes, as_json=as_json):
            click.echo("Nothing was changed.")
            return 0
        return _finish(found, district, wanted, who, as_json=as_json)


def _named(lines: Sequence[Line], source_ids: Sequence[str]) -> list[Line]:
    """The lines of these records. Raises `UsageError` for one that is not open, or that has no proposal to accept."""
    there = {line.id: line for line in lines}
    for each in source_ids:
        line = there.get(each)
        if line is None:
            raise UsageError(f"{each} is not open: it is decided on, in the sink, or not in the source.")
        if line.best is None or line.best.verdict == "doubt":
            raise UsageError(
                f"For {each} {'nothing is proposed' if line.best is None else 'several records may be meant'}.",
                next_step="Say which with `set`.",
            )
    return [there[each] for each in source_ids]


def _warn_of_the_rest(found: Sheet, kind: MappingKind, wanted: Sequence[Decision]) -> None:
    """Say which orgs will take no part: with the first one picked, those not picked are out."""
    if kind != "orgs" or all(each.decision == "skip" for each in wanted):
        return
    decided_on = {past.decision.source_id for past in found.decisions if past.decision.kind == kind}
    rest = [line.id for line in found.lines(kind) if line.id not in decided_on | {each.source_id for each in wanted}]
    if rest:
        click.echo(f"  note: not decided on, and so without a part from then on: {', '.join(rest)}", err=True)


def _finish(
    found: Sheet, district: str | None, wanted: Sequence[Decision], who: str | None, *, as_json: bool,
    confirmed: bool = False, place: str = "",
) -> int:  # fmt: skip
    changed = save(found, wanted, who, confirmed=confirmed, place=place)
    if as_json:
        click.echo(json.dumps({"changed": changed, "next": next_command(found.session, district)}, indent=2))
    else:
        say_saved(changed, found, district)
    return 0


@map_.command(name="set")
@click.argument("source_id", metavar="SOURCED_ID")
@common
@who_option
@double_option
@click.option("--link", "sink_id", metavar="SINK_ID", help="It is this record of the sink.")
@click.option("--add", "verdict", flag_value="add", default=None, help="The sink gets a new record for it.")
@click.option("--skip", "verdict", flag_value="skip", help="It takes no part.")
@click.pass_context
def set_(
    ctx: click.Context, source_id: str, district: str | None, sink: str | None, as_json: bool, who: str | None,
    confirm_double: bool, sink_id: str | None, verdict: str | None,
) -> int:  # fmt: skip
    """Decide on one record: link it to any record of the sink, add it, or skip it."""
    from syncrun.state.decision import Decision

    kind = _kind(ctx)
    if (sink_id is None) == (verdict is None):
        raise UsageError("Say one of --link SINK_ID, --add and --skip.")
    wanted = Decision(kind, source_id, "link" if sink_id else "skip" if verdict == "skip" else "add", sink_id)
    with sheet(district, sink) as found:
        confirm_free(found.config, [kind])
        if not found.knows(kind, source_id):
            raise UsageError(f"The source has no {source_id} among its {kind}, as it was read {found.roster.moment} UTC.",
                             next_step=f"See `syncrun map {kind}`; with --fresh the source is read anew.")  # fmt: skip
        if not as_json:
            _warn_of_the_rest(found, kind, [wanted])
        return _finish(found, district, [wanted], who, as_json=as_json, confirmed=confirm_double)


@map_.command()
@click.argument("source_ids", nargs=-1, required=True, metavar="SOURCED_ID...")
@common
@who_option
@click.pass_context
def clear(
    ctx: click.Context, source_ids: tuple[str, ...], district: str | None, sink: str | None, as_json: bool,
    who: str | None,
) -> int:  # fmt: skip
    """Take decisions back. They stay in the history."""
    from syncrun.cli.opening import open_session, person
    from syncrun.run.sheet import current, pick
    from syncrun.state import decision

    kind, session = _kind(ctx), open_session(district)
    config = pick(session, sink)
    confirm_free(config, [kind])
    there = {past.decision.source_id for past in current(session, config) if past.decision.kind == kind}
    unknown = [each for each in source_ids if each not in there]
    if unknown:
        raise UsageError(f"Nothing is decided on {', '.join(unknown)}.")
    changed = decision.clear(
        session.state, session.district.name, config.name, [(kind, each) for each in source_ids], who or person()
    )
    if as_json:
        click.echo(json.dumps({"changed": changed, "next": next_command(session, district)}, indent=2))
    else:
        click.echo(f"Taken back: {changed}. Next: {next_command(session, district)}")
    return 0


@map_.command()
@click.argument("source_id", required=False, metavar="[SOURCED_ID]")
@common
@click.pass_context
def history(ctx: click.Context, source_id: str | None, district: str | None, sink: str | None, as_json: bool) -> int:
    """All decisions ever made, by record and time: who and when; the one that counts has a star."""
    from syncrun.cli.opening import open_session
    from syncrun.run.sheet import pick
    from syncrun.state import decision

    kind, session = _kind(ctx), open_session(district)
    past = [
        each for each in decision.history(session.state, session.district.name, pick(session, sink).name)
        if each.decision.kind == kind and source_id in {None, each.decision.source_id}
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps([{"source_id": each.decision.source_id, **(decided(each) or {}), "current": each.current}
                               for each in past], indent=2))  # fmt: skip
        return 0
    for each in past:
        click.echo(f"{'*' if each.current else ' '} {each.decision.source_id}  {decided_words(each)}")
    if not past:
        click.echo("Nothing was ever decided.")
    return 0


# -- files -------------------------------------------------------------------------------------------------------------


@map_.command(name="export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@common
@names_option
@click.option("--proposals", is_flag=True, help="Also what is open, with what is proposed, to be filled in.")
@click.pass_context
def export(
    ctx: click.Context, file: Path, district: str | None, sink: str | None, as_json: bool, names: bool | None,
    proposals: bool,
) -> int:  # fmt: skip
    """Write the decisions as a mapping file, which `import` and the setting `mapping` take.

    With --proposals the open records stand there too, with a blank decision and the sink's id that is proposed, and with
    columns for you to read: title, school, match, score, verdict, reasons. Write add, link or skip, and import it.
    """
    from syncrun.cli.opening import open_session
    from syncrun.config.mapping import HEADER
    from syncrun.run.sheet import current, pick

    kind = _kind(ctx)
    if proposals:
        with sheet(district, sink) as found:
            lines = found.lines(kind)
            rows = [_row(kind, line, names=bool(names)) for line in lines if line.decided or line.taken is None]
        header = [*HEADER, *READ_ONLY]
    else:
        session = open_session(district)
        past = [each.decision for each in current(session, pick(session, sink)) if each.decision.kind == kind]
        rows = [[each.kind, each.source_id, each.decision, each.sink_id or ""] for each in past]
        header = HEADER
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    click.echo(json.dumps({"file": str(file), "rows": len(rows)}) if as_json else f"Wrote {len(rows)} rows to {file}.")
    return 0


READ_ONLY = ("title", "school", "match", "score", "verdict", "reasons")
"""Columns of an export that are there to be read; `import` passes them over."""


def _row(kind: MappingKind, line: Line, *, names: bool) -> list[str]:
    made = line.decided.decision if line.decided else None
    told = [kind, line.id, "", "", called(kind, line.features, names=names), line.school or ""]
    if made:
        told[2:4] = made.decision, made.sink_id or ""
        return [*told, called(kind, line.linked.features, names=names) if line.linked else "", "", "", ""]
    best = line.best
    if best is None:
        return [*told, "", "", "", ""]
    told[3] = best.row.id
    return [
        *told,
        called(kind, best.row.features, names=names),
        f"{best.score:.2f}",
        best.verdict,
        ", ".join(best.reasons),
    ]


@map_.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@common
@who_option
@yes_option
@double_option
@click.pass_context
def import_(
    ctx: click.Context, file: Path, district: str | None, sink: str | None, as_json: bool, who: str | None, yes: bool,
    confirm_double: bool,
) -> int:  # fmt: skip
    """Take over the decisions of a mapping file: all, or none where a row cannot be used.

    Rows with a blank decision are passed over. Records that the file does not name stay as they are decided.
    """
    from syncrun.config.mapping import read_filled_in

    kind = _kind(ctx)
    wanted = read_filled_in(file, kind)
    with sheet(district, sink) as found:
        confirm_free(found.config, [kind])
        _confirm_known(found, wanted, file)
        if not as_json:
            _warn_of_the_rest(found, kind, wanted)
        if not agreed(f"Take over {len(wanted)} decisions on {kind}?", yes=yes, as_json=as_json):
            click.echo("Nothing was changed.")
            return 0
        return _finish(found, district, wanted, who, as_json=as_json, confirmed=confirm_double, place=file.name)


def _confirm_known(found: Sheet, wanted: Sequence[Decision], file: Path) -> None:
    from syncrun.errors import ConfigError, Problem

    unknown = [each for each in wanted if not found.knows(each.kind, each.source_id)]
    if unknown:
        raise ConfigError([Problem("E-CONFIG-8", f"{each.kind} {each.source_id}", "the source has no such record")
                           for each in unknown], source=file.name)  # fmt: skip


@map_.command()
@common
@who_option
@fresh_option
@click.option("--all", "everything", is_flag=True, help="Also what is decided on.")
@click.pass_context
def walk(
    ctx: click.Context, district: str | None, sink: str | None, as_json: bool, who: str | None, fresh: bool,
    everything: bool,
) -> int:  # fmt: skip
    """Go through what is open, one record at a time. Nothing is saved before the end, and Ctrl-C saves nothing.

    Names of persons are shown.
    """
    from syncrun.cli.walk import go_through

    if as_json:
        raise UsageError("A walk asks, and has no JSON.", next_step="Use `set` and `accept`.")
    kind = _kind(ctx)
    with sheet(district, sink, fresh=fresh) as found:
        confirm_free(found.config, [kind])
        lines = [line for line in found.lines(kind) if line.taken is None and (everything or line.is_open)]
        wanted = go_through(found, kind, lines)
        if not wanted:
            click.echo("Nothing was saved.")
            return 0
        return _finish(found, district, wanted, who, as_json=False)
