"""The group of commands. Each is imported when it is called."""

from __future__ import annotations

import importlib
from typing import Any

import click

from syncrun import __version__
from syncrun.cli.opening import additions_option

COMMANDS = {
    "approve": ("syncrun.cli.approve:approve", "Let a held plan go, whole or by school."),
    "check": ("syncrun.cli.check:check", "Check a district's set-up, or files, without a sync."),
    "completion": ("syncrun.cli.completion:completion", "Print the completion script for a shell."),
    "connect": ("syncrun.cli.connect:connect", "Say that a classroom of the sink is a class of the source."),
    "demo": ("syncrun.cli.demo:demo", "See a first sync and the day after, in a minute."),
    "digest": ("syncrun.cli.digest:digest", "Tell people that they are needed: by webhook and mail."),
    "disconnect": ("syncrun.cli.connect:disconnect", "Let go of a classroom that was connected."),
    "existing": ("syncrun.cli.existing:existing", "See and choose what becomes of what was in a sink before."),
    "explain": ("syncrun.cli.explain:explain", "Follow a person from the source to the sinks, and say why not."),
    "init": ("syncrun.cli.init:init", "Write a district file to start from."),
    "map": ("syncrun.cli.map:map_", "Decide which record of the source is which of the sink."),
    "merge": ("syncrun.cli.merge:merge", "Make a student and one whom the sink had before one record."),
    "plan": ("syncrun.cli.plan:plan", "Make a plan and show it; nothing is written to a sink."),
    "plugins": ("syncrun.cli.plugins:plugins", "List plug-ins, or tell about one."),
    "powerschool": ("syncrun.cli.powerschool:powerschool", "Make and check what a district installs in PowerSchool."),
    "reject": ("syncrun.cli.approve:reject", "Turn a held plan down."),
    "report": ("syncrun.cli.report:report", "Write what became of each row, a CSV a file."),
    "runs": ("syncrun.cli.runs:runs", "List runs and how they ended."),
    "schedule": ("syncrun.cli.schedule:schedule", "Say when a district runs by itself, and see when that is."),
    "schema": ("syncrun.cli.schema:schema", "Print the JSON schema of the district file."),
    "serve": ("syncrun.cli.serve:serve", "Run the districts by themselves, as scheduled."),
    "sftp": ("syncrun.cli.sftp:sftp", "Take files in over SFTP: the drop box and its accounts."),
    "show": ("syncrun.cli.plan:show", "Show a plan: what, where, and why it waits."),
    "status": ("syncrun.cli.status:status", "Show how districts stand, and what a person is needed for."),
    "testserver": (
        "syncrun.cli.testserver:testserver",
        "Serve a roster like a OneRoster server, to try connectors on.",
    ),
    "unmerge": ("syncrun.cli.merge:unmerge", "Take a merge back."),
    "upload": ("syncrun.cli.upload:upload", "Bring files by hand, for a district or one school."),
    "x": ("syncrun.cli.plugins:extra", "Commands that plug-ins add."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with what they are for, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _districts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from syncrun.config.district import district_names

    return [name for name in district_names() if name.startswith(incomplete)]


EXITS = """\b
Exit codes:
  0   done, also when there was nothing to do
  2   refused: configuration, credentials or input cannot be used; nothing written
  3   held: a person must approve; nothing of the held part written
  4   degraded: some sinks or rows done, the rest reported
  70  a fault in syncrun or a plug-in
  75  try again later: network, throttling, busy lease, asked to end
"""


@click.group(cls=LazyGroup, invoke_without_command=True, epilog=EXITS, context_settings={"max_content_width": 100})
@click.option(
    "-d", "--district", metavar="X", shell_complete=_districts, help="A name in districts/, or the path of a file."
)
@click.option("--full", "mode", flag_value="full", help="Also read the sinks and put right what has drifted.")
@click.option("--incremental", "mode", flag_value="incremental", help="Trust what is on record of the sinks (default).")
@additions_option
@click.option("--dry-run", is_flag=True, help="Stop before the first write; all before it is the same.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option(
    "--log-json", is_flag=True, help="Write a log to stderr, a JSON object a line (also: SYNCRUN_LOG=json|text)."
)
@click.version_option(__version__, prog_name="syncrun")
@click.pass_context
def app(
    ctx: click.Context, district: str | None, mode: str | None, additions_only: bool | None, as_json: bool, dry_run: bool,
    log_json: bool,
) -> Any:  # fmt: skip
    """Carry school rosters to the apps that need them, without harm.

    \b
    syncrun --district X      run a district: read, check, plan, hold or apply, report
    syncrun demo              see it work
    """  # noqa: D301 # the sign is click's for lines to be left as they are
    ctx.obj = district
    if ctx.invoked_subcommand is not None:
        return None
    if district is None:
        click.echo(ctx.get_help())
        return 0
    from syncrun.cli.sync import run

    return run(district, mode=mode or "incremental", dry_run=dry_run, as_json=as_json, additions_only=additions_only,
               log_json=log_json)  # fmt: skip
