"""Sending what the outbox holds: planned by channel, gathered by place, each batch tried until it arrives or is given up.

A batch whose sender died is sent again with the same id. The receiver may therefore see one twice, never two ids.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from syncrun.config import secret
from syncrun.config.notify import Channel, Notify, for_district
from syncrun.errors import ConfigError, SyncError
from syncrun.notice import mail
from syncrun.notice.letter import Letter, written
from syncrun.sdk import SecretText
from syncrun.sdk.setting import Reference
from syncrun.state import history, outbox
from syncrun.state.outbox import Delivery, Notice
from syncrun.state.store import State


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one batch: `error` says why it did not arrive, `status` whether it is tried again."""

    batch: str
    channel: str
    notices: int
    status: outbox.Status
    error: SyncError | None = None


def send(state: State, home: Path) -> list[Sent]:
    """Send all that is due. Nothing is raised for what does not arrive; it is in the answer, and tried again later."""
    plan(state, home)
    return list(filter(None, (_send(state, home, group) for group in _groups(state, home))))


def plan(state: State, home: Path) -> None:
    """Give each new notice the channels that its district has now. One without any waits for them some days; one that is
    over is sent to nobody."""
    for notice in outbox.unplanned(state):
        if over(state, notice):
            outbox.settle(state, notice.id)
            continue
        try:
            found = for_district(Path(notice.path), home)
        except ConfigError:  # `syncrun status` and every run of the district say so
            continue
        if found:
            outbox.plan(state, notice.id, found[0].channels)


def over(state: State, notice: Notice) -> bool:
    """Whether a notice asks for something that was done meanwhile: a run of the district has ended well since."""
    good = history.last_good(state, notice.district)
    asks = any(each["asks"] != "know" for each in notice.needs)
    return asks and good is not None and good.finished_at is not None and good.finished_at > notice.at


def _groups(state: State, home: Path) -> Iterator[list[Delivery]]:
    """Deliveries that go out as one: those of a batch that was tried before, and new ones to one place."""
    groups: dict[str, list[Delivery]] = {}
    for each in outbox.due(state):
        groups.setdefault(each.batch or f"new {_place(each, home)}", []).append(each)
    yield from groups.values()


def _place(delivery: Delivery, home: Path) -> str:
    try:
        found = for_district(Path(delivery.notice.path), home)
    except ConfigError:
        found = None
    # relative paths of secrets start at the folder of the file
    return f"{found[1].parent} {found[0].destination(_channel(delivery))}" if found else delivery.notice.path


def _channel(delivery: Delivery) -> Channel:
    return "webhook" if delivery.channel == "webhook" else "mail"


def _send(state: State, home: Path, group: Sequence[Delivery]) -> Sent | None:
    """Send one batch; None when another process is sending it."""
    first = group[0]
    batch = first.batch or f"dg_{secrets.token_hex(12)}"
    if not outbox.claim(state, group, batch):
        return None
    try:
        found = for_district(Path(first.notice.path), home)
        if found is None or _channel(first) not in found[0].channels:
            raise ConfigError([], source="the section [notify], which is gone,")
        _post(found[0], found[1].parent, _channel(first), written(batch, [each.notice for each in group], state.clock.now()),
              state)  # fmt: skip
    except SyncError as error:
        status = outbox.failed(state, batch, error.code, first.attempts)
        return Sent(batch, first.channel, len(group), status, error)
    outbox.sent(state, batch)
    return Sent(batch, first.channel, len(group), "sent")


def _post(notify: Notify, folder: Path, channel: Channel, letter: Letter, state: State) -> None:
    now = state.clock.now()
    if channel == "webhook":
        from syncrun.notice import webhook  # noqa: PLC0415 # it loads HTTP libraries

        webhook.post(str(notify.webhook), _fetched(notify.webhook_key, folder, "webhook_key"), letter, now)
    else:
        password = _fetched(notify.smtp_password, folder, "smtp_password") if notify.smtp_password else None
        mail.post(notify, password, letter, now)


def _fetched(reference: Reference | None, folder: Path, name: str) -> SecretText:
    try:
        return secret.fetch(str(reference), folder)
    except secret.MissingSecretError as error:
        raise ConfigError([secret.problem(f"notify.{name}", error)], source="the section [notify]") from None
