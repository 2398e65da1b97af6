"""`syncrun init`."""

from __future__ import annotations

from pathlib import Path

import click

from syncrun.errors import UsageError

TEMPLATE = """\
# A district of syncrun. `syncrun schema` prints a JSON schema of this file for editors.
district = "{name}"
time_zone = "{zone}"

[source]
connector = "oneroster_csv"
# A folder with the CSV files, or a zip archive; relative to this file.
path = "{path}"

[[sinks]]
sink = "planner"
# A reference (env:NAME, file:/path, keyring:service/name), or an address without a password.
database_url = "{url}"
# Make the planner's tables where the database has none.
create_tables = true
# sourcedIds of the school years to roster; none means schools and teachers only.
school_years = []
# A CSV of decisions on orgs, teachers and years: kind,sourcedId,decision,sinkId
# mapping = "{name}-mapping.csv"

# How much may change before a person must look; these are the defaults.
# [limits]
# removals = 10
# updates = 75
"""


@click.command()
@click.argument("name")
@click.option("--path", default="inbox", show_default=True, help="Where the OneRoster CSV files arrive.")
@click.option(
    "--database-url", "url", default="sqlite:///planner.db", show_default=True, help="The planner's database."
)
@click.option("--time-zone", "zone", default="UTC", show_default=True, help="The district's IANA time zone.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(name: str, path: str, url: str, zone: str, force: bool) -> int:
    """Write a district file to start from, districts/NAME.toml."""
    import tomllib

    from syncrun.config.district import district_folders
    from syncrun.config.schema import DistrictSchema

    target = district_folders()[0] / f"{name}.toml"
    if target.exists() and not force:
        raise UsageError(f"{target} is there already.", next_step="Edit it, or write over it with --force.")
    text = TEMPLATE.format(name=name, path=path, url=url, zone=zone)
    wrong = DistrictSchema().validate(tomllib.loads(text))
    if wrong:
        raise UsageError(f"{', '.join(map(str, wrong))}: not usable.",
                         next_step="Names have small letters, digits, - and _; zones are like America/New_York.")  # fmt: skip
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    if not Path(path).suffix:
        (target.parent / path).mkdir(parents=True, exist_ok=True)
    click.echo(f"Wrote {target}.")
    click.echo(f"Next: put the files into {target.parent / path}, then syncrun check --district {name}")
    return 0
