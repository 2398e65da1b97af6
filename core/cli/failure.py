"""From errors to messages and exit codes."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

import click

from syncrun.errors import EXIT_FAULT, EXIT_REFUSED, ConfigError, FaultError, SyncError, UsageError

INTERRUPTED = 130


def guarded(work: Callable[[], Any]) -> int:
    """Run a command; its exit code. Errors are told on stderr, or as JSON on stdout when `--json` was given."""
    try:
        found = work()
        return found if isinstance(found, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. What was written is recorded in the sink; the next run goes on from there.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        if "--json" in sys.argv:
            tell(UsageError(error.format_message()), as_json=True)
        else:
            error.show()
        return EXIT_REFUSED
    except SyncError as error:
        tell(error, as_json="--json" in sys.argv)
        return error.exit_code
    except SystemExit as leave:
        if type(sys.stdout).__name__.endswith(
            "PacifyFlushWrapper"
        ):  # click's way to leave a reader who has seen enough
            return 0
        return leave.code if isinstance(leave.code, int) else EXIT_FAULT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001 # the last guard: an operator never sees a traceback
        tell(_fault(), as_json="--json" in sys.argv)
        return EXIT_FAULT


def _fault() -> FaultError:
    """Keep the trace in a file that only the operator can read."""
    handle, path = tempfile.mkstemp(prefix="syncrun-fault-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(traceback.format_exc())
    return FaultError("A fault in syncrun stopped the command.",
                      next_step=f"Report it with the file {path}, after a look for names in it.")  # fmt: skip


def tell(error: SyncError, *, as_json: bool) -> None:
    """Say what happened, what is safe and what to do next."""
    if as_json:
        click.echo(
            json.dumps({"outcome": error.outcome, "exit_code": error.exit_code, "error": error.as_dict()}, indent=2)
        )
        return
    click.secho(f"{error.outcome}  {error.code}  {error.message}", fg="red", err=True)
    if isinstance(error, ConfigError):
        for problem in error.problems:
            hint = f"  ({problem.hint})" if problem.hint else ""
            click.echo(f"  {problem.code}  {problem.path}: {problem.message}{hint}", err=True)
    for finding in getattr(error, "findings", ())[:20]:
        where = ":".join(str(each) for each in (finding.file, finding.line) if each)
        from syncrun.rules.rule import RULES  # only where there are findings

        what = ": ".join(filter(None, (RULES[finding.code].title, finding.column, finding.words)))
        click.echo(f"  {finding.code}  {where}  {what}", err=True)
    click.echo(f"Safe: {error.safe}", err=True)
    click.echo(f"Next: {error.next_step}", err=True)
