"""What most commands begin with: the district, the plug-ins, the state, and the options that say which."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from syncrun.errors import UsageError

if TYPE_CHECKING:
    from syncrun.run.session import Session
    from syncrun.state.store import Run, State


def district_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--district X`, also taken from before the command's name."""

    def chosen(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        return value or ctx.find_root().obj

    return click.option(
        "-d", "--district", metavar="X", callback=chosen, help="A name in districts/, or the path of a file."
    )(command)


additions_option = click.option(
    "--additions-only/--with-removals", "additions_only", default=None,
    help="Add and update, and remove nothing; or the contrary (default: as the schedule says of today).",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def needed(district: str | None) -> str:
    """The district, or an error that says how to name it."""
    if not district:
        raise UsageError(
            "No district is named.", next_step="Add --district X, where X is a name in districts/ or a file."
        )
    return district


def person() -> str:
    """Who is at the keyboard, for the audit."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return f"uid@{socket.gethostname()}"


def open_state() -> State:
    """The state of this installation."""
    from syncrun.clock import SystemClock
    from syncrun.config.district import home
    from syncrun.state import database
    from syncrun.state.store import State

    return State(database.open_state(home()), SystemClock())


def open_session(district: str | None, **options: Any) -> Session:
    """A session for a district; every problem of its file is raised at once."""
    from syncrun.config.district import load
    from syncrun.registry import Registry
    from syncrun.run.session import Session

    registry = Registry()
    return Session(load(needed(district), registry), registry, open_state(), person(), **options)


def sources(session: Session) -> dict[str, dict[str, str | None]]:
    """By sink and table the entity whose rows it takes."""
    return {name: {table.name: table.source for table in sink.tables} for name, sink in session.sinks().items()}


def pick_run(session: Session, wanted: str | None) -> Run:
    """A run by its id or the beginning of it; without one, the newest that made a plan."""
    district = session.district.name
    found = [run for run in session.state.runs(district, limit=1000) if run.id.startswith(wanted or "")]
    found = found if wanted else [run for run in found if run.plan_run]
    if not found:
        raise UsageError(f"District {district} has no such run." if wanted else f"District {district} has no run with a plan.",
                         next_step=f"See `syncrun runs --district {district}`.")  # fmt: skip
    if wanted and len(found) > 1 and found[0].id != wanted:
        raise UsageError("More than one run begins so.", next_step="Give more of the run's id.")
    return found[0]
