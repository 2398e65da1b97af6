"""`syncrun status`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncrun.cli.opening import district_option, json_option, open_state

if TYPE_CHECKING:
    import datetime

    from syncrun.config.district import District
    from syncrun.errors import ConfigError
    from syncrun.state.store import State
    from syncrun.status.overview import Overview


@click.command()
@district_option
@click.option("--fail", is_flag=True, help="End with 3 when a plan waits for approval, 4 when something is wrong.")
@json_option
def status(district: str | None, fail: bool, as_json: bool) -> int:
    """Show how districts stand: last good run, next run, what waits, and what a person is needed for.

    Without --district, all of districts/ and all that ever ran. With --fail a monitor can go by the exit code.
    """
    from syncrun.status.overview import exit_code

    state = open_state()
    found = list(_overviews(district, state))
    now = state.clock.now()
    if as_json:
        click.echo(json.dumps([each.as_dict(now) for each in found], indent=2))
    else:
        _show(found, now)
        _tell_server(found, state)
    return exit_code(found) if fail else 0


def _tell_server(found: list[Overview], state: State) -> None:
    """Say so when runs are scheduled and nobody is there to begin them."""
    from syncrun.state import server

    if any(each.next_run or each.watched for each in found) and not server.living(state):
        click.echo("No `syncrun serve` is at work: scheduled runs begin when one is.")


def _overviews(wanted: str | None, state: State) -> Iterator[Overview]:
    from syncrun.config.district import District
    from syncrun.order.foresight import scheduled
    from syncrun.schedule import timetable
    from syncrun.state import history
    from syncrun.status.overview import overview, unfiled, unusable

    seen = set()
    for name, found in opened([wanted] if wanted else None):
        seen.add(found.name if isinstance(found, District) else name)
        if isinstance(found, District):
            timetable.adopt(state, found.name, found.schedule)
        yield overview(found, state, scheduled(state)) if isinstance(found, District) else unusable(name, found, state)
    if not wanted:
        yield from (unfiled(name, state) for name in history.names(state) if name not in seen)


def opened(wanted: list[str] | None = None) -> Iterator[tuple[str, District | ConfigError]]:
    """The districts of these names, or all of districts/, without their secrets; or what is wrong with a file."""
    from syncrun.config.district import district_names, load
    from syncrun.errors import ConfigError
    from syncrun.registry import Registry

    registry = Registry()
    for name in district_names() if wanted is None else wanted:
        try:
            yield name, load(name, registry, fetch_secrets=False)
        except ConfigError as error:
            if wanted is not None and any(each.code == "E-CONFIG-2" for each in error.problems):
                raise
            yield Path(name).stem, error


def _show(found: list[Overview], now: datetime.datetime) -> None:
    from zoneinfo import ZoneInfo

    from rich.markup import escape
    from rich.table import Table

    from syncrun.cli.screen import COLORS, console

    out = console()
    table = Table("district", "last good run", "last run", "next run", "waits", "needs", box=None, pad_edge=False,
                  header_style="dim")  # fmt: skip
    for each in found:
        zone = ZoneInfo(each.time_zone)
        good = each.last_good.finished_at if each.last_good else None
        waits = sum(part.approved_until is None for part in each.held)
        table.add_row(
            each.district, f"{good.astimezone(zone):%Y-%m-%d %H:%M %Z}" if good else "none",
            f"[{COLORS.get(each.last_outcome, 'default')}]{each.last_outcome}[/]",
            f"{each.next_run.astimezone(zone):%Y-%m-%d %H:%M %Z}" if each.next_run else "when files came" if each.watched else "no schedule",
            str(waits or "-"), str(len(each.needs) or "-"),
        )  # fmt: skip
    out.print(table if found else "No districts yet. `syncrun init` makes one.", soft_wrap=False)
    for each in found:
        if not each.filed:
            out.print(
                f"[bold]{escape(each.district)}[/]  has no file in districts/: name it with --district", style="dim"
            )
        if each.again_at:
            out.print(
                f"[bold]{escape(each.district)}[/]  is tried again at {each.again_at:%Y-%m-%d %H:%M} UTC", style="dim"
            )
        for need in each.needs:
            out.print(f"[bold]{escape(each.district)}[/]  {need.code}  {escape(need.words)}")
            out.print(f"    Next: {escape(need.next_step)}")
        for part in each.held:
            hours = (now - part.since).total_seconds() / 3600
            where = f"school {part.school}" if part.school else "the district's own rows"
            word = f", approved until {part.approved_until:%Y-%m-%d %H:%M} UTC: the next run applies it" if (
                part.approved_until) else ", turned down" if part.rejected else ""  # fmt: skip
            out.print(f"    waits  {escape(f'{part.sink}, {where}')}: for {hours:,.0f} hours{word}", style="dim")
