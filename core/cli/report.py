"""`syncrun report`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from syncrun.cli.opening import district_option, json_option, open_session, pick_run, sources


@click.command()
@district_option
@click.argument("run", required=False)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the CSV files (default: report-RUN)."
)
@click.option("--problems", is_flag=True, help="Only rows that are not plain SUCCESS.")
@click.option("--school", metavar="ID", help="Only rows of this school.")
@click.option("--audit", "with_audit", is_flag=True, help="Also write who approved what, as audit.json.")
@json_option
def report(
    district: str | None,
    run: str | None,
    out: Path | None,
    problems: bool,
    school: str | None,
    with_audit: bool,
    as_json: bool,
) -> int:
    """Write what became of each row, a CSV for each file of the source.

    Columns: line, sourcedId, result, action, code, column, message, fix. A clean row says SUCCESS. RUN is a run's id;
    without it, the newest with a plan. The files hold ids of persons; the folder is made with mode 0700.
    """
    from syncrun.report import rows
    from syncrun.report.source import opened

    session = open_session(district)
    found = pick_run(session, run)
    folder = (out or Path(f"report-{found.id}")).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with opened(session.folders, found, sources(session), folder) as files:
        counts = rows.prepare(files, school)
        written = {
            files.snapshot.tables[entity].file: rows.write(
                files, entity, folder / f"{entity}-report.csv", problems_only=problems
            )
            for entity in rows.entities(files)
        }
    if with_audit:
        told = [{**line, "at": line["at"].isoformat()} for line in session.state.audit(session.district.name)]
        (folder / "audit.json").touch(mode=0o600)
        (folder / "audit.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
    if as_json:
        click.echo(json.dumps({"run": found.id, "folder": str(folder), "rows": counts, "written": written}, indent=2))
        return 0
    from rich.table import Table

    from syncrun.cli.screen import console

    table = Table("file", "result", "action", "rows", box=None, pad_edge=False, header_style="dim")
    for name, by_result in counts.items():
        for what, count in by_result.items():
            result, action = what.split("/")
            table.add_row(name, result, action, f"{count:,}")
    screen = console()
    screen.print(table, soft_wrap=False)
    screen.print(f"Written to {folder}", markup=False)
    return 0
