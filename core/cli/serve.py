"""`syncrun serve`."""

from __future__ import annotations

import os
import signal

import click

from syncrun.cli.opening import open_state
from syncrun.errors import EXIT_DEGRADED, EXIT_DONE, EXIT_RETRY


@click.command()
@click.option("--at-once", default=2, show_default=True, type=click.IntRange(1, 1000), envvar="SYNCRUN_AT_ONCE",
              show_envvar=True, help="How many runs may be at work side by side.")  # fmt: skip
@click.option("--per-source", default=2, show_default=True, type=click.IntRange(1, 1000), envvar="SYNCRUN_PER_SOURCE",
              show_envvar=True, help="How many of them may ask the same server.")  # fmt: skip
@click.option("--memory-mb", default=4096, show_default=True, type=click.IntRange(64), envvar="SYNCRUN_MEMORY_MB",
              show_envvar=True, help="The memory that one run may take; then it is ended.")  # fmt: skip
@click.option("--minutes", default=360.0, show_default=True, type=click.FloatRange(0, min_open=True),
              envvar="SYNCRUN_MINUTES", show_envvar=True, help="How long one run may take; then it is ended.")  # fmt: skip
@click.option("--grace-seconds", default=60.0, show_default=True, type=click.FloatRange(0),
              help="How long a run that was asked to end may still take for it.")  # fmt: skip
@click.option("--once", is_flag=True, help="Begin what is due now, wait for it, and leave: for a timer of your own.")
@click.option("--no-digests", is_flag=True, help="Do not tell people that they are needed (see `syncrun digest`).")
@click.option("--log-json", is_flag=True, help="Write the log as a JSON object a line (also: SYNCRUN_LOG=json).")
def serve(
    at_once: int, per_source: int, memory_mb: int, minutes: float, grace_seconds: float, once: bool, no_digests: bool,
    log_json: bool,
) -> int:  # fmt: skip
    """Run the districts of districts/ by themselves: at their scheduled times, and when files have come.

    Each run is a process of its own, the same as `syncrun --district X`. What is to be tried again is tried again; what a
    person is needed for is told each hour. District files may change meanwhile. SIGTERM or Ctrl-C: runs break off,
    and go on from the last chunk that is in when a server is there again; so they do after a crash. Any number of servers
    may work on one state database. With --once it ends with 4 when a run did not
    end well, else with 75 when one is still to be tried again.
    """
    from syncrun.config.district import home
    from syncrun.run.journal import VARIABLE, chosen
    from syncrun.serve.executor import Limits
    from syncrun.serve.log import Log
    from syncrun.serve.process import Processes
    from syncrun.serve.service import Service

    form = chosen(as_json=log_json) or "text"
    limits = Limits(at_once, per_source, memory_mb, minutes, grace_seconds)
    state = open_state()
    executor = Processes(home() / "serve", limits, {**os.environ, VARIABLE: form})
    service = Service(state, executor, limits, Log(form, state.clock), digests=not no_digests)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: service.stop())
    service.serve(once=once)
    if once and not service.all_good:
        return EXIT_DEGRADED
    return EXIT_RETRY if once and service.owes else EXIT_DONE
