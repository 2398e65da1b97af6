"""`syncrun check`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncrun.cli.opening import district_option, json_option
from syncrun.cli.screen import Live, console, show_sanity, show_summary
from syncrun.errors import EXIT_DEGRADED, EXIT_HELD, UsageError

if TYPE_CHECKING:
    from syncrun.run.checking import Checked, Look
    from syncrun.sdk import Format

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
@click.option("--single", is_flag=True, help="Take each file for itself, as for an upload: none need be there.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Write what became of each row, a CSV for each file.")  # fmt: skip
@json_option
def check(
    district: str | None, files: tuple[Path, ...], form: str, strict: bool, single: bool, report: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Check a district's set-up, or files, without a sync.

    FILES are a folder, a zip archive, or the CSV files themselves; neither a district nor a sink is needed for them.
    Files that are named one by one and make no whole set are checked each for itself, what they name set aside;
    --single asks for that in a folder or an archive. guardians.csv and student_attributes.csv are known too.
    With --district, its file, its secrets, its source and its sinks are tried; nothing is written to a sink.
    """
    if not files and not district:
        raise UsageError("There is nothing to check.", next_step="Name files, or a district with --district X.")
    with Live() as live:
        manner = Manner(strict, single, _look(report) if report else None)
        checked = _files(files, form, live, manner) if files else _district(str(district), live, manner)
    told = _told(checked, district or "-")
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        show_summary(console(), told, fixes=True)
        show_sanity(console(), told["sanity"])
        if report:
            click.echo(f"Written to {report.absolute()}")
        if checked.exit_code in _NEXT:
            click.echo(f"Next: {_NEXT[checked.exit_code]}")
    return checked.exit_code


@dataclass(frozen=True, slots=True)
class Manner:
    """How files are looked at, as the options say."""

    strict: bool
    single: bool
    look: Look | None


def _look(report: Path) -> Look:
    """Have the report of each file written into a folder."""
    from syncrun.report.checked import write
    from syncrun.run.checking import Look

    folder = report.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Look(lambda connection, read: write(connection, read, folder), folder)


def _stand_alone(files: tuple[Path, ...], form: Format) -> bool:
    """Whether files that are named one by one make no whole set."""
    if any(path.suffix.lower() != ".csv" or path.is_dir() for path in files):
        return False
    named = {path.name.lower() for path in files}
    known = {kind.name.lower() for kind in form.kinds} | {str(form.manifest).lower()}
    needed = {kind.name.lower() for kind in form.kinds if kind.required}
    return bool(named - known) or not (needed <= named or named == {each.lower() for each in form.partial})


def _files(files: tuple[Path, ...], name: str, live: Live, manner: Manner) -> Checked:
    import datetime

    from syncrun.registry import Registry, imported
    from syncrun.run.checking import check_files
    from syncrun.sdk import FileSet

    info = Registry().connector("source", name, "--format")
    found = [
        path for each in files for path in (sorted(each.rglob("*")) if each.is_dir() else [each]) if path.is_file()
    ]
    fileset = FileSet(tuple(path.absolute() for path in found), "the command line")
    format_ = imported(info.cls, name).format
    return check_files(
        fileset, format_, datetime.datetime.now(datetime.UTC).date(), progress=live, look=manner.look,
        single=manner.single or _stand_alone(files, format_), strict=manner.strict,
    )  # fmt: skip


def _district(wanted: str, live: Live, manner: Manner) -> Checked:
    import tempfile

    from syncrun.cli.opening import open_session
    from syncrun.clock import today
    from syncrun.run.checking import Checked, check_files
    from syncrun.run.pulling import sends_records

    session = open_session(wanted)
    source: Any = session.source()
    source.check()
    for sink in session.sinks().values():
        sink.check()
        sink.close()
    if sends_records(source) or not source.format.kinds:
        return Checked({}, [], doubtful=False, sanity=[])
    with tempfile.TemporaryDirectory(prefix="syncrun-fetch-") as folder:
        fileset = source.fetch(Path(folder))
        day = today(session.clock, session.district.time_zone)
        return check_files(
            fileset, source.format, day, session.district.limits, live, strict=manner.strict, look=manner.look
        )


def _told(checked: Checked, district: str) -> dict[str, Any]:
    from syncrun.run import summary
    from syncrun.run.ending import OUTCOMES

    return {"run": "check", "district": district, "outcome": OUTCOMES[checked.exit_code],
            "exit_code": checked.exit_code, "files": summary.files(checked.figures),
            "findings": summary.findings(checked.findings), "sanity": summary.findings(checked.sanity)}  # fmt: skip
