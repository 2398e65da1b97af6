"""`syncrun plugins` and `syncrun x`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from syncrun.cli.opening import json_option
from syncrun.errors import ContractError, UsageError

if TYPE_CHECKING:
    from syncrun.registry import Listed, Offer, Registry


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
    found = registry.load_all() if load else None
    rows = [_row(registry, each, found) for each in registry.listed]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return 0
    from rich.markup import escape
    from rich.table import Table

    from syncrun.cli.screen import console

    table = Table(
        "name", "from", "offers" if load else "module", "status", box=None, pad_edge=False, header_style="dim"
    )
    for row in rows:
        status = f"[red]fault: {escape('; '.join(row['faults']))}[/]" if row["faults"] else row["status"]
        offers = ", ".join(row["offers"]) if load else row["module"]
        source = f"{row['distribution']} {row['version']}"
        table.add_row(escape(row["name"]), escape(source), escape(offers) or "-", status)
    console().print(table, soft_wrap=False)
    return 0


def _row(registry: Registry, listed: Listed, offers: list[Offer] | None) -> dict[str, Any]:
    faults = [f"{each.reason} ({each.stage})" for each in registry.faults
              if each.plugin == listed.name and each.distribution == listed.distribution]  # fmt: skip
    mine = [f"{each.kind} {each.info.name}" for each in offers or () if each.plugin == listed.name]
    status = "fault" if faults else "not loaded" if offers is None else "ready"
    return {"name": listed.name, "distribution": listed.distribution.name, "version": listed.distribution.version,
            "module": listed.module, "offers": mine if not faults else [], "status": status, "faults": faults}  # fmt: skip


@plugins.command()
@click.argument("name")
@json_option
def info(name: str, as_json: bool) -> int:
    """Tell about one plug-in: what it offers, what it can do, its settings."""
    from syncrun.config.jsonschema import settings_schema
    from syncrun.registry import Registry, imported
    from syncrun.sdk import ConnectorInfo
    from syncrun.sdk.info import stage_of

    registry = Registry()
    offers = registry.load(name)
    faults = [each for each in registry.faults if each.plugin == name]
    if name not in {each.name for each in registry.listed}:
        raise UsageError(f"No plug-in named {name} is installed.", next_step="See `syncrun plugins list`.")
    told: dict[str, Any] = {"name": name, "faults": [f"{each.stage}: {each.reason}" for each in faults], "offers": []}
    for offer in offers:
        one: dict[str, Any] = {"kind": offer.kind, "name": offer.info.name, "title": offer.info.title,
               "from": f"{offer.distribution.name} {offer.distribution.version}"}  # fmt: skip
        if isinstance(offer.info, ConnectorInfo):
            one["can"] = [str(cap.name).lower() for cap in offer.info.caps]
            one["stage"] = stage_of(offer.info, "source" if offer.kind == "source" else "sink")
            one["maintainer"], one["issues"] = offer.info.maintainer, offer.info.issues
            try:
                one["settings"] = settings_schema(offer.info)
                imported(offer.info.cls, name)
            except ContractError as error:
                told["faults"].append(error.message)
        told["offers"].append(one)
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return 0
    for fault in told["faults"]:
        click.secho(f"fault: {fault}", fg="red")
    for offered in told["offers"]:
        click.echo(f"{offered['kind']} {offered['name']}: {offered['title']}  ({offered['from']})")
        if "can" in offered:
            click.echo(f"  stage: {offered['stage']}")
            click.echo(f"  can: {', '.join(offered['can']) or 'nothing beyond the basics'}")
            settings = offered.get("settings", {})
            for key, each in settings.get("properties", {}).items():
                needed = " (required)" if key in settings.get("required", ()) else ""
                click.echo(f"  {key}{needed}: {each.get('description', '')}")
    return 0


class _Extra(click.Group):
    """Plug-ins as groups; a plug-in is loaded when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of plug-ins."""
        from syncrun.registry import Registry

        return sorted({each.name for each in Registry().listed})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The commands of one plug-in, as a group."""
        return _Plugin(cmd_name) if cmd_name in self.list_commands(ctx) else None


class _Plugin(click.Group):
    """The commands of one plug-in; each is imported when it is called."""

    def __init__(self, name: str) -> None:
        super().__init__(name, help=f"Commands of the plug-in {name}.")

    def _paths(self) -> dict[str, str]:
        """Where each command is, by its name. Raises `ContractError` when the plug-in has a fault."""
        from syncrun.registry import Registry
        from syncrun.sdk import CommandInfo

        registry = Registry()
        fault = registry.fault(str(self.name))
        if fault:
            raise ContractError(f"The plug-in {self.name} cannot be loaded: {fault.reason} ({fault.stage}).")
        infos = [offer.info for offer in registry.load(str(self.name))]
        return {info.name: info.command for info in infos if isinstance(info, CommandInfo)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of its commands."""
        return sorted(self._paths())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself."""
        from syncrun.registry import imported

        path = self._paths().get(cmd_name)
        if path is None:
            return None
        command = imported(path, str(self.name))
        if not isinstance(command, click.Command):
            raise ContractError(f"The plug-in {self.name} names {path}, which is no click command.")
        return command


@click.command(cls=_Extra, name="x")
def extra() -> None:
    """Commands that plug-ins add: syncrun x PLUGIN COMMAND."""
