"""`syncrun plan` and `syncrun show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from syncrun.cli.opening import additions_option, district_option, json_option, open_session, pick_run, sources
from syncrun.cli.screen import console, show_summary

if TYPE_CHECKING:
    from syncrun.run.session import Session
    from syncrun.state.store import Run


@click.command()
@district_option
@click.option("--full", "mode", flag_value="full", default=None, help="Also read the sinks and find what has drifted.")
@additions_option
@json_option
def plan(district: str | None, mode: str | None, additions_only: bool | None, as_json: bool) -> int:
    """Make a plan and show it; nothing is written to a sink.

    This is the run itself, stopped before the first write. A plan that waits can be approved as it stands.
    """
    from syncrun.cli.opening import needed
    from syncrun.cli.sync import run

    return run(
        needed(district), mode=mode or "incremental", dry_run=True, as_json=as_json, additions_only=additions_only
    )


@click.command()
@district_option
@click.argument("run", required=False)
@click.option("--school", metavar="ID", help="Only this school.")
@click.option("--table", metavar="NAME", help="Only this table, like classes or planner.classes.")
@click.option("--limit", default=20, show_default=True, help="How many changes to list for each table.")
@click.option("--values", is_flag=True, help="Show what would be written, names of persons included.")
@json_option
def show(
    district: str | None,
    run: str | None,
    school: str | None,
    table: str | None,
    limit: int,
    values: bool,
    as_json: bool,
) -> int:
    """Show a plan: what, where, and why it waits. RUN is a run's id; without it, the newest with a plan.

    Names of persons are shown only with --values.
    """
    session = open_session(district)
    found = pick_run(session, run)
    told = {"outcome": found.outcome, "district": found.district, "run": found.id, **(found.summary or {})}
    changes = list_changes(session, found, school, table, limit, values=values)
    if as_json:
        click.echo(json.dumps({**told, "changes": changes}, indent=2))
        return 0
    out = console()
    show_summary(out, told, asked=district)
    for name, rows in changes.items():
        out.print(f"\n[bold]{name}[/]")
        for row in rows:
            out.print(_line(row), markup=False)
    return 0


def _line(row: dict[str, Any]) -> str:
    school = f" in {row['school']}" if row["school"] else ""
    fields = f": {row['fields'].replace(',', ', ')}" if row["fields"] else ""
    shown = "".join(f"\n      {field} = {value}" for field, value in row.get("values", {}).items())
    return f"  {row['action']:8}{row['key']}{school}{fields}  [{row['status']}]{shown}"


def list_changes(
    session: Session, run: Run, school: str | None, table: str | None, limit: int, *, values: bool
) -> dict[str, list[dict[str, Any]]]:
    """Changes of a run's plan by sink and table; at most `limit` of each."""
    from syncrun.report.source import opened
    from syncrun.scratch import read_parquet
    from syncrun.sqltext import name

    found: dict[str, list[dict[str, Any]]] = {}
    with opened(session.folders, run, sources(session)) as files:
        for sink, each in files.plan.sinks.items():
            for table_name, described in each.tables.items():
                if (table and table not in {table_name, f"{sink}.{table_name}"}) or not described.counts:
                    continue
                rows = files.connection.execute(
                    """SELECT action, key, school, fields, status FROM fates
                    WHERE sink = ? AND "table" = ? AND (?::VARCHAR IS NULL OR school = ?) ORDER BY action, key LIMIT ?""",
                    [sink, table_name, school, school, limit],
                ).fetchall()
                told = [dict(zip(("action", "key", "school", "fields", "status"), row, strict=True)) for row in rows]
                if values:
                    relation = read_parquet([session.folders.home / described.path])
                    for one in told:
                        cursor = files.connection.execute(
                            f"SELECT * EXCLUDE (action, key, school, part, fields) FROM {relation} WHERE {name('key')} = ?",
                            [one["key"]],
                        )
                        columns = [column[0] for column in cursor.description]
                        row = cursor.fetchone() or ()
                        one["values"] = {c: str(v) for c, v in zip(columns, row, strict=False) if v is not None}
                if told:
                    found[f"{sink}.{table_name}"] = told
    return found
