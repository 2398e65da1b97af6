"""`syncrun check`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncrun.cli.opening import district_option, json_option
from syncrun.cli.screen import Live, console, show_sanity, show_summary
from syncrun.errors import EXIT_DEGRADED, EXIT_HELD, UsageError

if TYPE_CHECKING:
    from syncrun.run.checking import Checked

_NEXT = {
    EXIT_HELD: "look at the findings; a sync would wait for a person.",
    EXIT_DEGRADED: "correct the rows named above; a sync would leave them out and go on.",
}


@click.command()
@district_option
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--format", "form", default="oneroster_csv", show_default=True, help="The files' format, by its connector."
)
@click.option("--strict", is_flag=True, help="Refuse what is against the standard, however small.")
@json_option
def check(district: str | None, files: tuple[Path, ...], form: str, strict: bool, as_json: bool) -> int:
    """Check a district's set-up, or files, without a sync.

    FILES are a folder, a zip archive, or the CSV files themselves; neither a district nor a sink is needed for them.
    With --district, its file, its secrets, its source and its sinks are tried too; nothing is written to a sink.
    """
    if not files and not district:
        raise UsageError("There is nothing to check.", next_step="Name files, or a district with --district X.")
    with Live() as live:
        checked = _files(files, form, live, strict) if files else _district(str(district), live, strict)
    told = _told(checked, district or "-")
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        show_summary(console(), told)
        show_sanity(console(), told["sanity"])
        if checked.exit_code in _NEXT:
            click.echo(f"Next: {_NEXT[checked.exit_code]}")
    return checked.exit_code


def _files(files: tuple[Path, ...], name: str, live: Live, strict: bool) -> Checked:
    import datetime

    from syncrun.registry import Registry, imported
    from syncrun.run.checking import check_files
    from syncrun.sdk import FileSet

    info = Registry().connector("source", name, "--format")
    found = [
        path for each in files for path in (sorted(each.rglob("*")) if each.is_dir() else [each]) if path.is_file()
    ]
    fileset = FileSet(tuple(path.absolute() for path in found), "the command line")
    return check_files(
        fileset,
        imported(info.cls, name).format,
        datetime.datetime.now(datetime.UTC).date(),
        progress=live,
        strict=strict,
    )


def _district(wanted: str, live: Live, strict: bool) -> Checked:
    import tempfile

    from syncrun.cli.opening import open_session
    from syncrun.clock import today
    from syncrun.run.checking import check_files

    session = open_session(wanted)
    source = session.source()
    source.check()
    for sink in session.sinks().values():
        sink.check()
        sink.close()
    with tempfile.TemporaryDirectory(prefix="syncrun-fetch-") as folder:
        fileset = source.fetch(Path(folder))
        day = today(session.clock, session.district.time_zone)
        return check_files(fileset, source.format, day, session.district.limits, live, strict=strict)


def _told(checked: Checked, district: str) -> dict[str, Any]:
    from syncrun.run import summary
    from syncrun.run.ending import OUTCOMES

    return {"run": "check", "district": district, "outcome": OUTCOMES[checked.exit_code],
            "exit_code": checked.exit_code, "files": summary.files(checked.figures),
            "findings": summary.findings(checked.findings), "sanity": summary.findings(checked.sanity)}  # fmt: skip
