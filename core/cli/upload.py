"""`syncrun upload`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncrun.cli.opening import district_option, json_option, needed

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@district_option
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--school", metavar="ID", help="The files hold this school alone; rows of others are rejected.")
@click.option("--dry-run", is_flag=True, help="Stop before the first write; all before it is the same.")
@click.option(
    "--declare-complete",
    "complete",
    is_flag=True,
    help="The files hold all there is (of the school, with --school): what is missing in them is removed.",
)
@json_option
def upload(
    district: str | None, files: tuple[Path, ...], school: str | None, dry_run: bool, complete: bool, as_json: bool
) -> int:  # fmt: skip
    """Bring files by hand, for a district or for one school.

    FILES are users.csv, classes.csv, enrollments.csv, guardians.csv and student_attributes.csv, in any order, some or
    all of them, loose, in a folder or in zip archives. For a district orgs.csv, academicSessions.csv and courses.csv
    may come too.

    The files add and update; what they do not mention stays, unless you declare them complete. Everything else is as in
    any run: rules, limits, approval, report. A plan that waits is applied by the same upload, once it is approved.

    \b
    syncrun upload --district X --dry-run users.csv enrollments.csv
    syncrun upload --district X --school 1042 files.zip
    syncrun upload --district X --school 1042 --declare-complete users.csv
    """  # noqa: D301 # the sign is click's for lines to be left as they are
    from syncrun.cli.sync import run
    from syncrun.intake.upload import Upload

    asked = Upload(tuple(path.absolute() for path in files), school, complete)
    return run(needed(district), mode="upload", dry_run=dry_run, as_json=as_json, upload=asked, again=_command(
        needed(district), files, school, complete=complete))  # fmt: skip


def _command(district: str, files: Sequence[Path], school: str | None, *, complete: bool) -> str:
    """The command that uploads the same again."""
    words = ["syncrun", "upload", "--district", district]
    words += ["--school", school] if school else []
    words += ["--declare-complete"] if complete else []
    return shlex.join([*words, *map(str, files)])
