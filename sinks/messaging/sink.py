"""The messaging app as a sink: its tables, its schema, and what a batch means for the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from syncrun.sdk import Batch, Context, Outcome
from syncrun.sdk.sql.sink import SqlSink
from syncrun.sdk.sql.write import Target
from syncrun.sinks.messaging.database import TARGETS, metadata
from syncrun.sinks.messaging.invitation import RECIPIENTS, follow
from syncrun.sinks.messaging.remark import remarks
from syncrun.sinks.messaging.shape import Wish
from syncrun.sinks.messaging.table import tables

if TYPE_CHECKING:
    import sqlalchemy as sa

CONTACTS = ("email", "login_phone", "second_phone")


class Messaging(SqlSink):
    """The messaging app's database."""

    title = "the messaging app's database"
    metadata = metadata

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        super().__init__(settings, context)
        wish = Wish(settings["login_phone"], settings["student_number"], settings["guardians_most"])
        self.tables = tables(wish, guardians=settings["manage_guardians"])
        self.remarks = remarks(wish) if settings["manage_guardians"] else ()
        self.targets = _targets(settings)
        self._recipients = [name for name in RECIPIENTS if name in {table.name for table in self.tables}]

    def settled(self, connection: sa.Connection, batch: Batch, exceptions: Sequence[Outcome]) -> None:
        """Keep the outbox in step with the accounts, in the transaction that changes them."""
        follow(connection, batch, self._recipients)


def _targets(settings: Mapping[str, Any]) -> dict[str, Target]:
    """The tables with what the settings leave to people."""
    keeps = {} if settings["update_contact_of_claimed"] else dict.fromkeys(CONTACTS, "claimed_at")
    if not settings["update_language"]:
        keeps["language"] = "language"
    return {name: replace(each, keeps=keeps) if name in RECIPIENTS else each for name, each in TARGETS.items()}
