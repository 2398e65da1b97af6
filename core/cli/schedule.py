"""`syncrun schedule`: when a district runs by itself."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import click

from syncrun.cli.coming import line, told_moment, told_next
from syncrun.cli.deciding import who_option
from syncrun.cli.group import DefaultGroup
from syncrun.cli.opening import district_option, json_option, needed, open_state, person
from syncrun.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from syncrun.config.district import District
    from syncrun.schedule.arrival import Arrival
    from syncrun.schedule.spec import Mode, Spec
    from syncrun.schedule.timetable import Entry
    from syncrun.state.store import State

MODES = ("full", "incremental")
mode_argument = click.argument("mode", type=click.Choice(MODES))
modes_argument = click.argument("modes", nargs=-1, type=click.Choice(MODES), metavar="[full] [incremental]")


@click.group(cls=DefaultGroup, default="show")
def schedule() -> None:
    """Say when a district runs by itself, and see when that is.

    A district may have a full schedule, an incremental one, or both. What its file says in [schedule] is changed there;
    other schedules are made here, and count from the moment they are saved. Without a command it shows.
    """


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work with: the district, with the schedules of its file taken over, and the state."""

    district: District
    state: State

    @property
    def entries(self) -> list[Entry]:
        """The schedules as they are now."""
        from syncrun.schedule import timetable

        return timetable.entries(self.state, self.district.name)

    @property
    def overlaps(self) -> list[str]:
        """Runs that would be at work together and must not be, in words; the later one would wait, or be late."""
        from zoneinfo import ZoneInfo

        from syncrun.config.district import district_folders
        from syncrun.config.order import relations
        from syncrun.order.foresight import foreseen

        after = {**relations([self.district.folder, *district_folders()]), self.district.name: self.district.after}
        zone = ZoneInfo(self.district.time_zone)
        return [each.words(zone) for each in foreseen(self.state, self.district.name, after)]

    def modes(self, asked: Sequence[str]) -> list[Mode]:
        """The schedules that are asked for; without a word all there are. Raises `NoScheduleError` where none is."""
        from syncrun.schedule.timetable import NoScheduleError

        found = cast("list[Mode]", list(dict.fromkeys(asked))) or [each.mode for each in self.entries]
        if not found and self.district.arrival:
            raise NoScheduleError(f"District {self.district.name} has no schedule but the arrival of files.",
                                  next_step="Write `pause` or `skip` in [schedule] of its file.")  # fmt: skip
        if not found:
            raise NoScheduleError(f"District {self.district.name} has no schedule.")
        return found


def _desk(district: str | None) -> Desk:
    from syncrun.config.district import load
    from syncrun.registry import Registry
    from syncrun.schedule import timetable

    found = load(needed(district), Registry(), fetch_secrets=False)
    state = open_state()
    timetable.adopt(state, found.name, found.schedule)
    return Desk(found, state)


# -- looking -----------------------------------------------------------------------------------------------------------


@schedule.command()
@district_option
@json_option
def show(district: str | None, as_json: bool) -> int:
    """Show the schedules of a district and its next run, in its local time."""
    _show(_desk(district), as_json=as_json)
    return 0


@schedule.command()
@district_option
@click.option("--count", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many runs.")
@json_option
def preview(district: str | None, count: int, as_json: bool) -> int:
    """List the next runs in local time, with the days that are left out and why.

    A schedule that is paused until somebody resumes it is listed as if it were resumed now.
    """
    from syncrun.schedule.preview import local
    from syncrun.schedule.preview import preview as lines_of

    desk = _desk(district)
    entries = desk.entries
    lines = lines_of({each.mode: each.spec for each in entries}, desk.state.clock.now(), count)
    if as_json:
        told = [
            {"mode": each.mode, "at": each.at.isoformat(timespec="minutes"), "runs": each.runs, "words": list(each.words)}
            for each in lines
        ]  # fmt: skip
        click.echo(
            json.dumps({"district": desk.district.name, "next_run": told_next(entries), "preview": told}, indent=2)
        )
        return 0
    from rich.table import Table

    from syncrun.cli.screen import console

    out = console()
    table = Table("when", "schedule", "", box=None, pad_edge=False, header_style="dim")
    for each in lines:
        when = local(each.at, each.at.tzinfo or datetime.UTC)
        table.add_row(when if each.runs else f"[dim]{when}[/]", each.mode if each.runs else f"[dim]no {each.mode} run[/]",
                      "; ".join(each.words))  # fmt: skip
    if lines:
        out.print(table, soft_wrap=False)
    click.echo(line(entries, desk.state.clock.now(), desk.district.arrival))
    return 0


def _show(desk: Desk, *, as_json: bool, saved: str = "") -> None:
    """The schedules and the next run, after the words on what was `saved`."""
    entries, now = desk.entries, desk.state.clock.now()
    if as_json:
        told = {"district": desk.district.name, "time_zone": desk.district.time_zone, "next_run": told_next(entries),
                "schedules": [_told(each) for each in entries],
                "arrival": _told_arrival(desk.district.arrival), "overlaps": desk.overlaps}  # fmt: skip
        click.echo(json.dumps(told, indent=2))
        return
    from rich.markup import escape
    from rich.table import Table

    from syncrun.cli.screen import console
    from syncrun.schedule.arrival import words as arrival_words
    from syncrun.schedule.spec import words

    out = console()
    if saved:
        out.print(escape(saved))
    table = Table("schedule", "when", "from", "as it stands", box=None, pad_edge=False, header_style="dim")
    for each in entries:
        origin = "the district file" if each.source == "file" else f"{each.who}, {_moment(each, each.at)}"
        table.add_row(*map(escape, (each.mode, words(each.spec), origin, _standing(each))))
    if desk.district.arrival:
        table.add_row("arrival", escape(arrival_words(desk.district.arrival)), "the district file", "")
    if entries or desk.district.arrival:
        out.print(table, soft_wrap=False)
    for each in entries:
        for days in _days(each):
            out.print(f"  {days}")
    for warning in desk.overlaps:
        out.print(f"  [yellow]overlap[/] {escape(warning)}")
    out.print(line(entries, now, desk.district.arrival))


def _days(entry: Entry) -> Iterator[str]:
    """The days of a schedule that are not as others, and a run that was missed."""
    for what, days in (("skips", sorted(entry.spec.skip)), ("is paused", entry.spec.pause),
                       ("only adds and updates", entry.spec.additions_only)):  # fmt: skip
        if days:
            yield f"{entry.mode} {what}: {', '.join(map(str, days))}"
    if entry.missed_at:
        yield f"[yellow]missed[/] {entry.mode}, and not made up for: {_moment(entry, entry.missed_at)}"


def _standing(entry: Entry) -> str:
    if entry.ended:
        return f"ended{f' with {entry.spec.until}' if entry.spec.until else ''}"
    if entry.paused_at:
        return f"paused by {entry.paused_by}, {_moment(entry, entry.paused_at)}"
    return f"next {_moment(entry, entry.next_at)}" if entry.next_at else ""


def _moment(entry: Entry, moment: datetime.datetime) -> str:
    from syncrun.schedule.preview import local

    return local(moment, entry.spec.tz)


def _told_arrival(arrival: Arrival | None) -> dict[str, Any] | None:
    """When files that came begin a run, as `--json` prints it; None when they never do."""
    if arrival is None:
        return None
    from syncrun.schedule.arrival import words

    return {"words": words(arrival), "from": f"{arrival.start:%H:%M}", "to": f"{arrival.end:%H:%M}", "time_zone": arrival.zone,
            "quiet_seconds": arrival.quiet_seconds, "until": arrival.until.isoformat() if arrival.until else None}  # fmt: skip


def _told(entry: Entry) -> dict[str, Any]:
    """A schedule as `--json` prints it; moments of runs are in local time."""
    from syncrun.schedule.spec import settings, words

    last = {key: told_moment(entry, moment)["at"] for key, moment in
            (("next", entry.runs_at), ("last", entry.last_due_at), ("missed", entry.missed_at), ("saved_at", entry.at),
             ("paused_at", entry.paused_at))}  # fmt: skip
    return {
        "mode": entry.mode, "words": words(entry.spec), "settings": settings(entry.spec), "source": entry.source,
        "who": entry.who, "standing": "ended" if entry.ended else "paused" if entry.paused else "on",
        "paused_by": entry.paused_by, "last_run": entry.last_run, **last,
    }  # fmt: skip


# -- changing ----------------------------------------------------------------------------------------------------------


@schedule.command(name="set")
@mode_argument
@district_option
@click.option("--every", type=click.Choice(["day", "week", "month"]), required=True, help="How often.")
@click.option("--at", metavar="HH:MM", required=True, help="The time of day, in local time.")
@click.option(
    "--on", "on", metavar="DAYS", help="For a week its days, like mon,thu; for a month, like 31 (the last day) or 1,15."
)
@click.option("--time-zone", metavar="ZONE", help="An IANA time zone (default: the district's).")
@click.option("--until", metavar="DATE", help="The last day on which it runs.")
@click.option("--skip", metavar="DATE", multiple=True, help="A day on which nothing runs; may be given again.")
@click.option("--pause", metavar="FROM TO", nargs=2, multiple=True, help="Days in a row on which nothing runs.")
@click.option(
    "--additions-only", metavar="FROM TO", nargs=2, multiple=True, help="Days in a row on which runs remove nothing."
)
@click.option("--catch-up-hours", type=float, help="How late a missed run may still begin (default: 12).")
@who_option
@json_option
def set_(district: str | None, mode: Mode, who: str | None, as_json: bool, **options: Any) -> int:
    """Make a schedule, in place of an earlier one of its kind. It counts from now on.

    The end date itself still runs. A day of the month that a month does not have is its last. Where clocks go forward and
    leave the time out, the run comes as much later; where the time comes twice, it runs the first time.
    """
    from syncrun.config.district import not_incremental
    from syncrun.schedule import timetable

    desk = _desk(district)
    spec = _checked(options, desk.district.time_zone)
    wrong = list(not_incremental(desk.district.source, mode)) if mode == "incremental" else []
    if wrong:
        raise ConfigError(wrong, source="The schedule")
    timetable.put(desk.state, desk.district.name, {mode: spec}, who or person())
    _show(desk, as_json=as_json, saved=f"Saved: the {mode} schedule.")
    return 0


def _checked(options: dict[str, Any], zone: str) -> Spec:
    """The options as a schedule. Raises `ConfigError` with all that is wrong with them."""
    from marshmallow import ValidationError

    from syncrun.config.district import problems
    from syncrun.schedule.schema import SpecSchema, spec_of

    raw = {key: value for key, value in options.items() if value not in (None, ())}
    for key in ("pause", "additions_only"):
        if key in raw:
            raw[key] = [{"from": first, "to": last} for first, last in raw[key]]
    if "skip" in raw:
        raw["skip"] = list(raw["skip"])
    if "on" in raw:
        raw["on"] = [int(each) if each.isdigit() else each for each in re.split(r"[ ,]+", raw["on"].lower().strip())]
    schema = SpecSchema()
    try:
        return spec_of(schema.load(raw), zone)
    except ValidationError as error:
        found = problems(error.messages_dict, "", schema)
        raise ConfigError(
            [replace(each, path="--" + each.path.replace("_", "-")) for each in found], source="The schedule"
        ) from None


@schedule.command()
@modes_argument
@district_option
@click.option("--from", "first", metavar="DATE", help="The first day of a pause that ends by itself (default: today).")
@click.option("--to", "last", metavar="DATE", help="Its last day.")
@who_option
@json_option
def pause(
    district: str | None, modes: tuple[str, ...], first: str | None, last: str | None, who: str | None, as_json: bool
) -> int:
    """Pause schedules: until `syncrun schedule resume`, or on the days that are given. Runs by hand stay possible."""
    from syncrun.schedule import timetable

    desk = _desk(district)
    if first and not last:
        raise UsageError("A pause that begins on a day must have a last one.", next_step="Add --to DATE.")
    if last:
        _pause_on(desk, desk.modes(modes), first, last, who or person())
        saved = "Saved: the pause ends by itself."
    else:
        timetable.pause(desk.state, desk.district.name, desk.modes(modes), who or person())
        saved = "Paused, until `syncrun schedule resume`."
    _show(desk, as_json=as_json, saved=saved)
    return 0


def _pause_on(desk: Desk, modes: Iterable[Mode], first: str | None, last: str, who: str) -> None:
    """Add a window to schedules; to all or to none of them."""
    from marshmallow import ValidationError

    from syncrun.config.district import problems
    from syncrun.schedule import timetable
    from syncrun.schedule.schema import WindowSchema
    from syncrun.schedule.spec import in_order

    there = {each.mode: each for each in desk.entries}
    wanted = list(modes)
    timetable.confirm_changeable(desk.district.name, there, wanted)
    specs = {}
    for mode in wanted:
        entry = there[mode]
        begin = first or entry.spec.day_of(desk.state.clock.now()).isoformat()
        schema = WindowSchema()
        try:
            window = schema.load({"from": begin, "to": last})
        except ValidationError as error:
            raise ConfigError(
                [replace(each, path=f"--{each.path}") for each in problems(error.messages_dict, "", schema)],
                source="The pause",
            ) from None
        specs[mode] = replace(entry.spec, pause=in_order([*entry.spec.pause, window]))
    timetable.put(desk.state, desk.district.name, specs, who)


@schedule.command()
@modes_argument
@district_option
@who_option
@json_option
def resume(district: str | None, modes: tuple[str, ...], who: str | None, as_json: bool) -> int:
    """Let paused schedules go on. What was left out meanwhile is not made up for.

    A pause on given days that is on today ends too, and what is still to come of others stays.
    """
    from syncrun.schedule import timetable

    desk = _desk(district)
    wanted = desk.modes(modes)
    there = {each.mode: each for each in desk.entries}
    now = desk.state.clock.now()
    dated = [mode for mode in wanted if mode in there and _paused_today(there[mode], now)]
    timetable.confirm_changeable(desk.district.name, there, dated)
    timetable.resume(desk.state, desk.district.name, wanted, who or person())
    timetable.put(
        desk.state, desk.district.name, {mode: _without_today(there[mode].spec, now) for mode in dated}, who or person()
    )
    _show(desk, as_json=as_json, saved="Resumed.")
    return 0


def _without_today(spec: Spec, now: datetime.datetime) -> Spec:
    today = spec.day_of(now)
    return replace(spec, pause=tuple(each for each in spec.pause if today not in each))


def _paused_today(entry: Entry, now: datetime.datetime) -> bool:
    today = entry.spec.day_of(now)
    return any(today in window for window in entry.spec.pause)


@schedule.command()
@mode_argument
@district_option
@who_option
@json_option
def clear(district: str | None, mode: Mode, who: str | None, as_json: bool) -> int:
    """Take a schedule away. The district runs on the other one, or only when somebody starts it."""
    from syncrun.schedule import timetable

    desk = _desk(district)
    timetable.clear(desk.state, desk.district.name, mode, who or person())
    _show(desk, as_json=as_json, saved=f"The {mode} schedule is gone.")
    return 0
