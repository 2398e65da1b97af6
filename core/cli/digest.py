"""`syncrun digest`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from syncrun.cli.opening import json_option, open_state

if TYPE_CHECKING:
    from syncrun.notice.deliver import Sent
    from syncrun.state.store import State


@click.group()
def digest() -> None:
    """Tell people that they are needed: by webhook and mail."""


@digest.command()
@json_option
def send(as_json: bool) -> int:
    """Send what people are to be told, and what did not arrive earlier and is due again.

    Each thing is told once. What does not arrive is tried again by later calls, less and less often, for days; call this
    from the same timer as the runs. Districts without a good run for `alarm_hours` are told of here.
    """
    from syncrun.config.district import home
    from syncrun.errors import EXIT_DONE, EXIT_RETRY
    from syncrun.notice.deliver import send as send_all

    state = open_state()
    _ring(state)
    found = send_all(state, home())
    if as_json:
        click.echo(json.dumps([_told(each) for each in found], indent=2))
    else:
        for each in found:
            what = f"{each.channel}: {each.notices} notice{'' if each.notices == 1 else 's'}"
            if each.error is None:
                click.echo(f"sent      {what}")
            else:
                click.echo(f"{each.status:9} {what}: {each.error.code}  {each.error.message}", err=True)
        if not found:
            click.echo("Nothing to send.")
    return EXIT_RETRY if any(each.error for each in found) else EXIT_DONE


def _ring(state: State) -> None:
    from syncrun.cli.status import opened
    from syncrun.config.district import District, find
    from syncrun.notice.alarm import ring, ring_unusable

    for name, found in opened():
        if isinstance(found, District):
            ring(found, state)
        else:
            ring_unusable(name, find(name), found, state)


def _told(sent: Sent) -> dict[str, object]:
    return {"batch": sent.batch, "channel": sent.channel, "notices": sent.notices, "status": sent.status,
            "error": sent.error.as_dict() if sent.error else None}  # fmt: skip


@digest.command()
@json_option
def show(as_json: bool) -> int:
    """Show what waits to be sent, as it would be written, and how far the last deliveries are."""
    from syncrun.notice.deliver import over
    from syncrun.notice.letter import written
    from syncrun.state import outbox

    state = open_state()
    waiting = {each.notice.id: each.notice for each in outbox.listed(state, "waiting")}
    waiting |= {each.id: each for each in outbox.unplanned(state) if not over(state, each)}
    letter = written("preview", [waiting[each] for each in sorted(waiting)], state.clock.now())
    deliveries = outbox.listed(state, limit=20)
    if as_json:
        rows = [
            {"at": each.notice.at.isoformat(), "district": each.notice.district, "channel": each.channel,
             "status": each.status, "batch": each.batch, "attempts": each.attempts, "next_at": each.next_at.isoformat(),
             "sent_at": each.sent_at.isoformat() if each.sent_at else None, "error": each.error}
            for each in deliveries
        ]  # fmt: skip
        click.echo(json.dumps({"waiting": json.loads(letter.body)["needs"], "deliveries": rows}, indent=2))
        return 0
    if waiting:
        click.echo(f"{letter.subject}\n\n{letter.text}")
    else:
        click.echo("Nothing waits to be sent.")
    for each in deliveries:
        error = f" ({each.error}, tried {each.attempts} times)" if each.error else ""
        click.echo(
            f"{each.status:9} {each.notice.at:%Y-%m-%d %H:%M} UTC  {each.notice.district}  {each.channel}{error}"
        )
    return 0
