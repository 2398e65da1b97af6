"""`syncrun powerschool`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncrun.cli.opening import json_option
from syncrun.errors import EXIT_DONE, EXIT_REFUSED, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncrun.connectors.powerschool.lint import Remark
    from syncrun.connectors.powerschool.package import Package, Plugin


@click.group()
def powerschool() -> None:
    """Make and check what a district installs in PowerSchool."""


@powerschool.group()
def plugin() -> None:
    """The plug-in package: queries that give a roster as OneRoster files."""


@plugin.command()
@click.argument("description", metavar="PLUGIN.TOML", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--target", default=".", show_default=True, type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where the packages go.")  # fmt: skip
@click.option("--min-version", type=click.Choice(["25.2", "legacy"]),
              help="Write only the package for servers from 25.2 on, or only that for older ones.")  # fmt: skip
@click.option("--page", "page_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.md",
              help="Also write the page for the administrators of districts.")  # fmt: skip
@click.option("--new-identifiers", is_flag=True,
              help="Go on although people will be known by other ids than in the package that is there.")  # fmt: skip
@click.option("--new-files", is_flag=True,
              help="Go on although the roster has other files than in the package that is there.")  # fmt: skip
@json_option
def build(
    description: Path, target: Path, min_version: str | None, page_file: Path | None, new_identifiers: bool, new_files: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Write the package that PLUGIN.TOML describes, as ZIP archives.

    Where the app reads the API, there are two: servers from 25.2 on want to be told the level of access, and older ones
    do not know it. The same description always gives the same bytes. A package that is there is written over only by
    one of a higher version, and never by one with other identifiers or other files.
    """
    from syncrun.connectors.powerschool.package import packages, page, read
    from syncrun.connectors.powerschool.package.earlier import Allowed, compare

    described = read(description)
    found = packages(described, "25.2" if min_version == "25.2" else "legacy" if min_version else None)
    for each in found:
        compare(described, each, target, Allowed(new_identifiers, new_files))
    try:
        target.mkdir(parents=True, exist_ok=True)
        for each in found:
            (target / each.name).write_bytes(each.content)
        if page_file:
            page_file.write_text(page(described), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The package cannot be written: {error.strerror}.",
                         next_step="Name a folder that can be written with --target.") from None  # fmt: skip
    _tell_built(described, found, target, page_file, as_json=as_json)
    return EXIT_DONE


def _tell_built(
    described: Plugin, found: Sequence[Package], target: Path, page_file: Path | None, *, as_json: bool
) -> None:  # fmt: skip
    from syncrun.connectors.powerschool.package.roster import data_sets

    rows = [{"file": str(target / each.name), "server": each.server, "bytes": len(each.content)} for each in found]
    if as_json:
        click.echo(json.dumps({"outcome": "DONE", "exit_code": EXIT_DONE, "packages": rows,
                               "files": [each.file for each in data_sets(described)],
                               "page": str(page_file) if page_file else None}, indent=2))  # fmt: skip
        return
    for row in rows:
        servers = {"any": "all servers", "25.2": "servers from 25.2 on", "legacy": "servers before 25.2"}[
            str(row["server"])
        ]
        click.echo(f"Wrote {row['file']} for {servers}.")
    if page_file:
        click.echo(f"Wrote {page_file} for administrators.")


@plugin.command()
@click.argument("package", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def lint(package: Path, as_json: bool) -> int:
    """Look at a package, a ZIP archive or a bare plugin.xml, as PowerSchool will.

    Also looked at are the queries, and joins in them that give the wrong rows. Exit code 2 when there are errors;
    warnings alone leave it 0.
    """
    from syncrun.connectors.powerschool.lint import Level
    from syncrun.connectors.powerschool.lint import lint as look

    remarks = look(package)
    errors = sum(each.rule.level is Level.ERROR for each in remarks)
    code = EXIT_REFUSED if errors else EXIT_DONE
    if as_json:
        click.echo(json.dumps({"outcome": "REFUSED" if errors else "DONE", "exit_code": code, "errors": errors,
                               "warnings": len(remarks) - errors, "remarks": [each.as_dict() for each in remarks]},
                              indent=2))  # fmt: skip
        return code
    for each in remarks:
        _tell(each)
    click.echo(
        f"{errors} error{'s' * (errors != 1)}, {len(remarks) - errors} warning{'s' * (len(remarks) - errors != 1)}."
    )
    return code


def _tell(remark: Remark) -> None:
    where = f"{remark.file}:{remark.line}" if remark.line else remark.file
    color = "red" if remark.rule.level.value == "error" else "yellow"
    words = f": {remark.words}" if remark.words else ""
    click.echo(f"{click.style(remark.code, fg=color)} {remark.rule.level.value}  {where}  {remark.rule.title}{words}")
    click.secho(f"    {remark.rule.fix}", dim=True)
