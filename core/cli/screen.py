"""How summaries look on a screen."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

COLORS = {"DONE": "green", "HELD": "yellow", "DEGRADED": "yellow", "RETRY": "yellow", "REFUSED": "red", "FAILED": "red"}
ACTIONS = ("create", "link", "restore", "update", "archive")
RARE = ("move", "retire", "release")
"""Actions that have a column only where there are some."""
SHOWN = 12
MANY_COLUMNS = 3
"""Of more columns than these in one line the others are only counted."""
GRAVITY = {"stop": 0, "hold": 1, "drop row": 2, "drop value": 3, "note": 4}
WIDE = 200
"""Columns where nobody looks on: a log must not lose the end of a reason."""


def console() -> Console:
    """Where results go. Lines are left whole, so that what they name can be copied; tables are fitted to the width, and
    are printed with `soft_wrap=False`."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)


class Live:
    """Progress on stderr while a run is at work, if somebody is looking."""

    PHASES: ClassVar[Mapping[str, str]] = {
        "resume": "finishing an interrupted run", "fetch": "fetching", "land": "reading", "check": "checking",
        "accept": "accepting", "shape": "planning", "judge": "judging", "apply": "applying", "record": "recording",
        "finish": "finishing",
    }  # fmt: skip

    def __init__(self) -> None:
        err = Console(stderr=True, highlight=False)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
        self._phase: TaskID | None = None
        self._rows: TaskID | None = None
        self._records: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        self._phase = self._progress.add_task("starting", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._progress.disable:  # rich before 14.3 ends even a disabled one with a blank line
            self._progress.stop()

    def phase(self, name: str) -> None:
        """A phase begins."""
        if self._phase is not None:
            self._progress.update(self._phase, description=self.PHASES.get(name, name))

    def total(self, sink: str, rows: int) -> None:
        """So many rows are to be sent."""
        self._rows = self._progress.add_task(f"to {sink}", total=rows)

    def page(self, collection: str, rows: int) -> None:
        """More records came."""
        if self._records is None:
            self._records = self._progress.add_task("from the source", total=None)
        self._progress.update(self._records, advance=rows, description=f"from the source: {collection}")

    def chunk(self, sink: str, table: str, action: str, rows: int) -> None:
        """Some of them are in."""
        if self._rows is not None:
            self._progress.update(self._rows, advance=rows, description=f"to {sink}: {table}")


def show_summary(
    out: Console, told: Mapping[str, Any], asked: str | None = None, again: str = "", *, fixes: bool = False
) -> None:
    """A run's summary, and what to do next for the district as it was `asked` for; without that, no next steps. `again`
    is the command that does the same once more, where that is not a run of the district; `fixes` says of each finding
    what the cell looked like and what would mend it. Words
    that others chose are escaped: ids and reasons may hold brackets."""
    outcome = told["outcome"]
    dry = " (dry run: nothing was written)" if told.get("dry_run") else ""
    dry += " (additions and updates only)" if told.get("additions_only") else ""
    out.print(f"[bold {COLORS.get(outcome, 'red')}]{outcome}[/]  district {told['district']}  run {told['run']}{dry}")
    for line in told.get("faults", ()):
        out.print(f"  [red]fault[/] {escape(line)}")
    if told.get("first_sync_complete"):
        out.print("[green]The first sync is complete.[/]")
    if told.get("nothing_to_do"):
        out.print("Nothing to do: input, settings and sinks are as they were when all was done.")
        return
    if told.get("files"):
        out.print(_files(told["files"]), soft_wrap=False)
    found = list(_by_place(told.get("findings", ())))
    for finding in found[:SHOWN]:
        _show_finding(out, finding, fixes=fixes)
    if len(found) > SHOWN:
        out.print(f"  [dim]{len(found) - SHOWN} more remarks; `syncrun report` has all[/]")
    for name, sink in told.get("sinks", {}).items():
        show_sink(out, name, sink)
    for line in told.get("advice", ()):
        out.print(f"  [cyan]note[/] {escape(line)}")
    for line in next_steps(told, asked, again) if asked else ():
        out.print(line)


def _show_finding(out: Console, finding: Mapping[str, Any], *, fixes: bool) -> None:
    where = ":".join(str(finding[key]) for key in ("file", "line") if finding.get(key))
    column = f"{':' if fixes else ' '}{finding['column']}" if finding.get("column") else ""
    times = f" ({finding['count']} rows)" if finding["count"] > 1 else ""
    words = f": {finding['words']}" if finding.get("words") else ""
    shape = f" ({finding['shape']})" if fixes and finding.get("shape") else ""
    remark = escape(f" {where}{column}  {finding['title']}{shape}{words}{times}")
    out.print(f"  [{_severity(finding['severity'])}]{finding['code']}[/]{remark}")
    if fixes:
        out.print(f"      {escape(finding['fix'])}", style="dim")


def _by_place(findings: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Findings, the grave ones first; what is said of several columns of one line is said once."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for each in sorted(findings, key=lambda each: GRAVITY.get(each["severity"], 0)):
        said = tuple(each.get(key) for key in ("code", "file", "line", "words", "shape", "count"))
        groups.setdefault(said, []).append(each)
    for group in groups.values():
        columns = [each["column"] for each in group if each.get("column")]
        if len(columns) > MANY_COLUMNS:
            columns = [*columns[:MANY_COLUMNS], f"and {len(columns) - MANY_COLUMNS} more"]
        yield {**group[0], "column": ", ".join(columns)}


def show_sanity(out: Console, found: Sequence[Mapping[str, Any]]) -> None:
    """Remarks on the roster as a whole: what, how often, and where the first one stands."""
    if found:
        out.print("Does it make sense?")
    for each in found:
        where = ":".join(str(each[key]) for key in ("file", "line") if each.get(key))
        out.print(f"  [dim]{each['code']}[/] {escape(each['title'])}: {each['count']:,} (first {escape(where)})")


def _severity(word: str) -> str:
    return {"note": "dim", "drop value": "yellow", "drop row": "red", "hold": "yellow", "stop": "red"}.get(word, "red")


def _files(files: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table("file", "rows", "rejected", "mode", box=None, pad_edge=False, header_style="dim")
    for name, each in files.items():
        table.add_row(name, f"{each['rows']:,}", f"{each['rejected']:,}", each["mode"])
    return table


def show_sink(out: Console, name: str, sink: Mapping[str, Any]) -> None:
    """One sink: counts by table and action, what waits and why, what was not taken."""
    rare = [action for action in RARE if any(each["planned"].get(action) for each in sink["tables"].values())]
    table = Table(name, *ACTIONS, *rare, "unchanged", box=None, pad_edge=False, header_style="dim")
    for table_name, each in sink["tables"].items():
        counts = [
            f"{each['planned'].get(action) or 0:,}" if each["planned"].get(action) else "-"
            for action in (*ACTIONS, *rare)
        ]
        table.add_row(
            table_name, *counts, f"{each['unchanged']:,}" + (f" (+{each['kept']} kept)" if each["kept"] else "")
        )
    out.print(table, soft_wrap=False)
    if sink.get("outcome") == "skipped":
        out.print(f"  [yellow]skipped[/] {escape(sink['reason'])}")
    for table_name, each in sink["tables"].items():
        if each["billable"]:
            out.print(f"  [bold]billable[/] {escape(table_name)}: {each['billable']:,} more in the account")
    held = list(_by_reason(sink["held"]))
    for places, changes, why in held[:SHOWN]:
        out.print(f"  [yellow]held[/] {escape(places)}: {plural(changes, 'change')}. {escape(why)}")
    if len(held) > SHOWN:
        out.print(f"  [yellow]held[/] {len(held) - SHOWN} more; see `syncrun show`")
    for each in sink.get("rejections", ()):
        row = escape(f"{each['table']} {each['key']} ({each['action']}): {each['reason']}")
        out.print(f"  [red]{each['code']}[/] {row}")
    if sink.get("rejected", 0) > len(sink.get("rejections", ())):
        out.print(f"  {sink['rejected']:,} rejected in all; `syncrun report` has them.")


def plural(count: int, word: str) -> str:
    """A count with its word: `1 change`, `1,200 changes`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _by_reason(held: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, int, str]]:
    """Where changes wait, how many, and why; places that wait for the same reasons stand together."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for part in held:
        why = "; ".join(f"{reason['code']} {reason['words']}" for reason in part["reasons"])
        groups.setdefault(why, []).append(part)
    for why, parts in groups.items():
        schools = [part["school"] for part in parts if part["school"]]
        places = ["the district's own rows"] * (len(schools) < len(parts))
        if schools:
            more = f" and {len(schools) - SHOWN} more" if len(schools) > SHOWN else ""
            places.append(f"school{'s' * (len(schools) > 1)} {', '.join(schools[:SHOWN])}{more}")
        yield " and ".join(places), sum(part["changes"] for part in parts), why


def next_steps(told: Mapping[str, Any], asked: str, again: str = "") -> Iterator[str]:
    """What an operator may want to do now; `asked` is the district as the operator names it, `again` the command that
    applies what was approved when it is not a run of the district."""
    at = escape(f"--district {shlex.quote(asked)}")
    if told.get("approval_stale"):
        yield "[yellow]A plan was approved, but the input has changed since: this is another plan and waits again.[/]"
    if told.get("rejected_by_person"):
        yield "[yellow]A person turned this very plan down.[/]"
    for name, error in told.get("errors", {}).items():
        yield f"[red]{escape(name)}: {error['code']} {escape(error['message'])}[/] {escape(error['next_step'])}"
    if told["outcome"] == "HELD":
        yield f"Next: [bold]syncrun show {at}[/] to look at it;"
        run = "" if told.get("mode") == "upload" else " --run"
        yield f"      [bold]syncrun approve {at}{run}[/] to let it go, or with --school ID a part of it;"
        if again:
            yield f"      then [bold]{escape(again)}[/] to apply it;"
        yield f"      [bold]syncrun reject {at}[/] to turn it down."
    elif told["outcome"] == "DEGRADED":
        yield f"Next: [bold]syncrun report {at}[/] says which rows and why; what a sink rejected is tried again next time."
