"""`syncrun plugins` and `syncrun x`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from syncrun.cli.opening import json_option
from syncrun.errors import UsageError

if TYPE_CHECKING:
    from syncrun.registry import Registry


@click.group()
def plugins() -> None:
    """List plug-ins, or tell about one."""


@plugins.command("list")
@click.option("--load", is_flag=True, help="Also import each, to see faults and what it offers.")
@json_option
def list_(load: bool, as_json: bool) -> int:
    """List the installed plug-ins. Without --load nothing of them is imported."""
    from syncrun.registry import Registry

    registry = Registry()
    offers = registry.load_all() if load else []
    rows = [_row(registry, each, offers if load else None) for each in registry.listed]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return 0
    from rich.table import Table

    from syncrun.cli.screen import console

    table = Table(
        "name", "from", "offers" if load else "module", "status", box=None, pad_edge=False, header_style="dim"
    )
    for row in rows:
        status = "[red]fault: " + "; ".join(row["faults"]) + "[/]" if row["faults"] else row["status"]
        table.add_row(
            row["name"], f"{row['distribution']} {row['version']}", ", ".join(row["offers"]) or row["module"], status
        )
    console().print(table)
    return 0


def _row(registry: Registry, listed: Any, offers: Any) -> dict[str, Any]:
    faults = [f"{each.reason} ({each.stage})" for each in registry.faults
              if each.plugin == listed.name and each.distribution == listed.distribution]  # fmt: skip
    mine = [f"{each.kind} {each.info.name}" for each in offers or () if each.plugin == listed.name]
    status = "not loaded" if offers is None else ("fault" if faults else "ready")
    return {"name": listed.name, "distribution": listed.distribution.name, "version": listed.distribution.version,
            "module": listed.module, "offers": mine if not faults else [], "status": status, "faults": faults}  # fmt: skip


@plugins.command()
@click.argument("name")
@json_option
def info(name: str, as_json: bool) -> int:
    """Tell about one plug-in: what it offers, what it can do, its settings."""
    from syncrun.config.jsonschema import settings_schema
    from syncrun.registry import Registry
    from syncrun.sdk import ConnectorInfo

    registry = Registry()
    offers = registry.load(name)
    faults = [each for each in registry.faults if each.plugin == name]
    if not offers and not faults:
        raise UsageError(f"No plug-in named {name} is installed.", next_step="See `syncrun plugins list`.")
    told: dict[str, Any] = {"name": name, "faults": [f"{each.stage}: {each.reason}" for each in faults], "offers": []}
    for offer in offers:
        one: dict[str, Any] = {"kind": offer.kind, "name": offer.info.name, "title": offer.info.title,
               "from": f"{offer.distribution.name} {offer.distribution.version}"}  # fmt: skip
        if isinstance(offer.info, ConnectorInfo):
            one["can"] = [str(cap.name).lower() for cap in offer.info.caps]
            one["maintainer"], one["issues"] = offer.info.maintainer, offer.info.issues
            one["settings"] = settings_schema(offer.info)
        told["offers"].append(one)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return 0
    for fault in told["faults"]:
        click.secho(f"fault: {fault}", fg="red")
    for offered in told["offers"]:
        click.echo(f"{offered['kind']} {offered['name']}: {offered['title']}  ({offered['from']})")
        if "can" in offered:
            click.echo(f"  can: {', '.join(offered['can']) or 'nothing beyond the basics'}")
            for key, each in offered["settings"]["properties"].items():
                needed = " (required)" if key in offered["settings"].get("required", ()) else ""
                click.echo(f"  {key}{needed}: {each.get('description', '')}")
    return 0


class _Extra(click.Group):
    """Plug-ins as groups, and their commands; a plug-in is loaded when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of plug-ins."""
        from syncrun.registry import Registry

        return [each.name for each in Registry().listed]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The commands of one plug-in, as a group."""
        from syncrun.registry import Registry, imported

        registry = Registry()
        offers = [each for each in registry.load(cmd_name) if each.kind == "command"]
        if cmd_name not in {each.name for each in registry.listed}:
            return None
        group = click.Group(cmd_name, help=f"Commands of the plug-in {cmd_name}.")
        for offer in offers:
            path = getattr(offer.info, "command", "")
            group.add_command(imported(path, cmd_name), offer.info.name)
        return group


@click.command(cls=_Extra, name="x")
def extra() -> None:
    """Commands that plug-ins add: syncrun x PLUGIN COMMAND."""
