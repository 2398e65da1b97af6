"""`syncrun existing`: what becomes of rows that a sink had before the first sync."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from syncrun.cli.deciding import (
    called,
    common,
    decided_words,
    fresh_option,
    named,
    names_option,
    next_command,
    sheet,
    who_option,
)
from syncrun.cli.group import DefaultGroup

if TYPE_CHECKING:
    from syncrun.run.before import Before
    from syncrun.run.sheet import Sheet
    from syncrun.state.policy import Choice, Policy

schools_option = click.option("--school", "schools", metavar="ID", multiple=True, help="Only this school; may be given again.")  # fmt: skip
table_option = click.option("--table", metavar="NAME", help="Only this table of the sink.")
AFTER = {
    "archive": "is set aside by the next plan that is approved, and can be brought back",
    "leave": "stays beside what the sync makes",
    "connect": "waits for a connection with a record of the source (`syncrun connect`)",
}


@click.group(cls=DefaultGroup, default="list")
def existing() -> None:
    """See and choose what becomes of what was in a sink before the first sync.

    It can be archived, left beside what the sync makes (which gives duplicates), or connected with the source; for the
    district, for a school, or row by row. The nearest choice counts. Without a command it lists.
    """


@existing.command(name="list")
@common
@fresh_option
@names_option
@table_option
@click.option("--school", metavar="ID", help="Only this school.")
@click.option("--archived", is_flag=True, help="What is set aside, which `restore` brings back.")
def list_(
    district: str | None, sink: str | None, as_json: bool, fresh: bool, names: bool | None, table: str | None,
    school: str | None, archived: bool,
) -> int:  # fmt: skip
    """List what was there before: table, school, title, what was chosen, what it is connected with, its members."""
    from syncrun.run import before

    with sheet(district, sink, fresh=fresh) as found:
        rows = list(before.there_before(found, _policies(found), before.asked(found, table), school, archived=archived))
        if as_json:
            click.echo(json.dumps([_told(row, names=bool(names)) for row in rows], indent=2))
        else:
            _show(rows, names=named(names))
    return 0


def _policies(found: Sheet) -> Sequence[Policy]:
    from syncrun.state import policy

    return policy.current(found.session.state, found.session.district.name, found.config.name)


def _title(row: Before, *, names: bool) -> str:
    from syncrun.match.feature import PERSONAL

    kind = row.table.mapping
    if kind is None or (kind in PERSONAL and not names):
        return ""
    return called(kind, row.row.features, names=names)


def _told(row: Before, *, names: bool) -> dict[str, Any]:
    past = row.connected
    return {
        "table": row.table.name, "sink_id": row.row.id, "school": row.school, "title": _title(row, names=names) or None,
        "policy": row.policy.choice if row.policy else None, "scope": row.policy.scope if row.policy else None,
        "connected": past.decision.source_id if past else None, "members": row.members,
    }  # fmt: skip


def _show(rows: Sequence[Before], *, names: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    from syncrun.cli.screen import console, plural

    out = console()
    table = Table("table", "id", "title", "school", "members", "chosen", "connected with", box=None, pad_edge=False,
                  header_style="dim")  # fmt: skip
    for row in rows:
        chosen = f"{row.policy.choice} ({row.policy.scope})" if row.policy else ""
        past = row.connected
        with_ = f"{past.decision.source_id}: {decided_words(past)}" if past else ""
        cells = (
            row.table.name,
            row.row.id,
            _title(row, names=names),
            row.school or "",
            str(row.members or ""),
            chosen,
            with_,
        )
        table.add_row(*map(escape, cells))
    out.print(table, soft_wrap=False)
    still = sum(1 for row in rows if row.policy is None and row.connected is None)
    out.print(f"{plural(len(rows), 'row')}, {still:,} without a choice.")


@existing.command(name="set")
@click.argument("choice", type=click.Choice(["archive", "leave", "connect"]))
@common
@who_option
@schools_option
@table_option
@click.option("--row", "rows", metavar="ID", multiple=True, help="Only this row; may be given again.")
def set_(
    choice: str, district: str | None, sink: str | None, as_json: bool, who: str | None, schools: tuple[str, ...],
    table: str | None, rows: tuple[str, ...],
) -> int:  # fmt: skip
    """Choose what becomes of it: for the district, for schools, or for rows."""
    from syncrun.run import before

    with sheet(district, sink) as found:
        wanted = before.scoped(found, before.asked(found, table), cast("Choice", choice), schools, rows)
        return _put(found, district, wanted, who, as_json=as_json, after=f"What this is for {AFTER[choice]}.")


@existing.command()
@click.argument("choice", type=click.Choice(["keep", "remove", "ask"]))
@common
@who_option
@schools_option
def members(
    choice: str, district: str | None, sink: str | None, as_json: bool, who: str | None, schools: tuple[str, ...]
) -> int:
    """Choose what becomes of members of a connected classroom whom the source does not have."""
    from syncrun.run import before

    with sheet(district, sink) as found:
        wanted = before.scoped(found, before.members_tables(found), cast("Choice", choice), schools, ())
        return _put(found, district, wanted, who, as_json=as_json, after="The plan says whom it concerns.")


@existing.command()
@click.argument("rows", nargs=-1, required=True, metavar="ROW...")
@common
@who_option
def restore(rows: tuple[str, ...], district: str | None, sink: str | None, as_json: bool, who: str | None) -> int:
    """Bring back what was set aside: these rows are left as they were."""
    from syncrun.run import before

    with sheet(district, sink) as found:
        wanted = before.scoped(found, before.asked(found), "leave", (), rows)
        return _put(found, district, wanted, who, as_json=as_json,
                    after="The next plan that is approved brings them back.")  # fmt: skip


def _put(
    found: Sheet, district: str | None, wanted: Sequence[Policy], who: str | None, *, as_json: bool, after: str
) -> int:
    from syncrun.cli.opening import person
    from syncrun.cli.screen import plural
    from syncrun.state import policy

    session = found.session
    changed = policy.put(session.state, session.district.name, found.config.name, wanted, who or person())
    if as_json:
        click.echo(json.dumps({"changed": changed, "next": next_command(session, district)}, indent=2))
        return 0
    click.echo(f"Saved: {plural(changed, 'choice')}. {after}")
    click.echo(f"Next: {next_command(session, district)}")
    return 0
