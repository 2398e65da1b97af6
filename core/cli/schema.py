"""`syncrun schema`."""

from __future__ import annotations

import json

import click


@click.command()
def schema() -> int:
    """Print the JSON schema of the district file, with the settings of all installed connectors and sinks.

    Editors use it to complete and check: put `#:schema district.schema.json` at the top of a district file.
    """
    from syncrun.config.jsonschema import district_schema
    from syncrun.registry import Registry

    click.echo(json.dumps(district_schema(Registry()), indent=2))
    return 0
