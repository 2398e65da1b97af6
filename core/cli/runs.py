"""`syncrun runs`."""

from __future__ import annotations

import json

import click

from syncrun.cli.opening import json_option, open_state


@click.command()
@click.option("-d", "--district", metavar="X", help="Only this district, by its name.")
@click.option("--limit", default=20, show_default=True, help="How many.")
@json_option
@click.pass_context
def runs(ctx: click.Context, district: str | None, limit: int, as_json: bool) -> int:
    """List runs and how they ended, the newest first."""
    found = open_state().runs(district or ctx.find_root().obj, limit)
    if as_json:
        rows = [
            {"run": run.id, "district": run.district, "mode": run.mode, "dry_run": run.dry_run,
             "status": run.status, "outcome": run.outcome, "exit_code": run.exit_code,
             "started_at": run.started_at.isoformat(),
             "finished_at": run.finished_at.isoformat() if run.finished_at else None, "plan": run.plan_hash}
            for run in found
        ]  # fmt: skip
        click.echo(json.dumps(rows, indent=2))
        return 0
    from rich.table import Table

    from syncrun.cli.screen import COLORS, console

    table = Table("run", "district", "began (UTC)", "took", "outcome", "", box=None, pad_edge=False, header_style="dim")
    for run in found:
        took = f"{(run.finished_at - run.started_at).total_seconds():.1f} s" if run.finished_at else "-"
        outcome = run.outcome or "at work or cut off"
        notes = ", ".join(
            filter(None, ("dry run" if run.dry_run else "", run.mode if run.mode != "incremental" else ""))
        )
        table.add_row(run.id, run.district, f"{run.started_at:%Y-%m-%d %H:%M}", took,
                      f"[{COLORS.get(outcome, 'default')}]{outcome}[/]", notes)  # fmt: skip
    console().print(table if found else "No runs yet. `syncrun demo` shows one.", soft_wrap=False)
    return 0
