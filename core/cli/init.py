"""`syncrun init`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from syncrun.errors import UsageError

TEMPLATE = """\
# A district of syncrun. `syncrun schema` prints a JSON schema of this file for editors.
district = {name}
time_zone = {zone}

[source]
connector = "oneroster_csv"
# A folder with the CSV files, or a zip archive; relative to this file.
path = {path}

[[sinks]]
sink = "planner"
# A reference (env:NAME, file:/path, keyring:service/name), or an address without a password.
database_url = {url}
# Make the planner's tables where the database has none.
create_tables = true
# sourcedIds of the school years to roster; none means schools and teachers only.
school_years = []
# A CSV of decisions on orgs, teachers and years: kind,sourcedId,decision,sinkId
# mapping = "mapping.csv"

# How much may change before a person must look; these are the defaults.
# [limits]
# removals = 10
# updates = 75
"""


@click.command()
@click.argument("name")
@click.option(
    "--path",
    default="inbox",
    show_default=True,
    help="A folder or zip archive that is there, or the folder to make beside the file where the CSV files will arrive.",
)
@click.option(
    "--database-url", "url", default="sqlite:///planner.db", show_default=True, help="The planner's database."
)
@click.option("--time-zone", "zone", default="UTC", show_default=True, help="The district's IANA time zone.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(name: str, path: str, url: str, zone: str, force: bool) -> int:
    """Write a district file to start from, districts/NAME.toml."""
    import tempfile

    from syncrun.config.district import district_folders, load
    from syncrun.registry import Registry

    target = district_folders()[0] / f"{name}.toml"
    if Path(path).exists():  # seen from here; the file names it as seen from its own folder
        path = os.path.relpath(path, target.parent)
    text = TEMPLATE.format(**{key: _quoted(value) for key, value in
                              {"name": name, "path": path, "url": url, "zone": zone}.items()})  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:  # nothing stays of a file that could not be used
        draft = Path(folder) / "the file.toml"
        draft.write_text(text, encoding="utf-8")
        load(str(draft), Registry(), fetch_secrets=False)
    if target.exists() and not force:
        raise UsageError(f"{target} is there already.", next_step="Edit it, or write over it with --force.")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    click.echo(f"Wrote {target}.")
    there = (target.parent / path).exists()
    if not there and not Path(path).suffix:
        (target.parent / path).mkdir(parents=True)
    put = "" if there else f"put the files into {target.parent / path}, then "
    click.echo(f"Next: {put}syncrun check --district {name}")
    return 0


def _quoted(text: str) -> str:
    """A text as TOML writes it, quotes and backslashes escaped."""
    return json.dumps(text, ensure_ascii=False)
