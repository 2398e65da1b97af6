"""The tables of the state database. Bulk data is in files; here are only pointers to them and what people decided."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa


class Instant(sa.TypeDecorator[datetime.datetime]):
    """A moment in UTC, aware on both databases; SQLite alone would lose the zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: sa.Dialect) -> Any:
        """On the way in."""
        return value.astimezone(datetime.UTC) if value else None

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime.datetime | None:
        """On the way out."""
        if value is None:
            return None
        moment: datetime.datetime = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
        return moment.astimezone(datetime.UTC)  # a server answers in its own zone


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s", "pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"
    }
)  # fmt: skip
_AT = Instant()


def _column(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null, primary_key=key)


installation = sa.Table(
    "installation", metadata, _column("id", key=True), sa.Column("created_at", _AT, nullable=False)
)  # fmt: skip

runs = sa.Table(
    "runs", metadata,
    _column("id", key=True), _column("district"), _column("mode"), sa.Column("dry_run", sa.Boolean, nullable=False),
    _column("status"), _column("outcome", null=True), sa.Column("exit_code", sa.Integer),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("started_at", _AT, nullable=False), sa.Column("finished_at", _AT),
    _column("host"), sa.Column("pid", sa.Integer, nullable=False),
    _column("identity", null=True), _column("plan_hash", null=True), _column("plan_run", null=True),
    _column("snapshot", null=True), _column("summary", null=True),
)  # fmt: skip
sa.Index("ix_runs_district", runs.c.district, runs.c.epoch)

snapshots = sa.Table(
    "snapshots", metadata, _column("district", key=True), _column("run"), _column("content"),
    sa.Column("accepted_at", _AT, nullable=False),
)  # fmt: skip

applied = sa.Table(
    "applied", metadata,
    _column("district", key=True), _column("sink", key=True), _column("table_name", key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False), _column("path"), _column("run"),
)  # fmt: skip

holds = sa.Table(
    "holds", metadata,
    _column("run", key=True), _column("sink", key=True), _column("part", key=True), _column("district"),
    _column("hash"), _column("reasons"),
)  # fmt: skip

approvals = sa.Table(
    "approvals", metadata,
    sa.Column("id", sa.Integer, primary_key=True), _column("district"), _column("run"), _column("verdict"),
    _column("plan_hash"), _column("school", null=True), _column("who"),
    sa.Column("at", _AT, nullable=False), sa.Column("expires_at", _AT, nullable=False),
)  # fmt: skip
sa.Index("ix_approvals_district", approvals.c.district)

decisions = sa.Table(
    "decisions", metadata,
    sa.Column("id", sa.Integer, primary_key=True), _column("district"), _column("sink"), _column("kind"),
    _column("source_id"), _column("decision"), _column("sink_id", null=True), _column("who"),
    sa.Column("at", _AT, nullable=False), sa.Column("current", sa.Boolean, nullable=False), _column("keep", null=True),
)  # fmt: skip
sa.Index("ix_decisions_district", decisions.c.district, decisions.c.sink)

policies = sa.Table(
    "policies", metadata,
    sa.Column("id", sa.Integer, primary_key=True), _column("district"), _column("sink"), _column("table_name"),
    _column("scope"), _column("scope_id"), _column("policy"), _column("who"),
    sa.Column("at", _AT, nullable=False), sa.Column("current", sa.Boolean, nullable=False),
)  # fmt: skip
sa.Index("ix_policies_district", policies.c.district, policies.c.sink)

schedules = sa.Table(
    "schedules", metadata,
    sa.Column("id", sa.Integer, primary_key=True), _column("district"), _column("mode"), _column("spec"),
    _column("source"), _column("who"), sa.Column("at", _AT, nullable=False), sa.Column("current", sa.Boolean, nullable=False),
    _column("paused_by", null=True), sa.Column("paused_at", _AT),
    sa.Column("next_at", _AT), sa.Column("settled", _AT, nullable=False), sa.Column("last_due_at", _AT),
    sa.Column("missed_at", _AT), _column("last_run", null=True),
)  # fmt: skip
sa.Index("ix_schedules_district", schedules.c.district)
sa.Index("ix_schedules_next_at", schedules.c.next_at)

jobs = sa.Table(
    "jobs", metadata,
    _column("district", key=True), sa.Column("number", sa.BigInteger, nullable=False), _column("mode"), _column("cause"),
    _column("mark", null=True), sa.Column("due_at", _AT, nullable=False), sa.Column("taken_at", _AT, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False), _column("server", null=True), sa.Column("begun_at", _AT),
    sa.Column("tries", sa.Integer, nullable=False), sa.Column("crashes", sa.Integer, nullable=False),
    sa.Column("again_at", _AT), sa.Column("ended_at", _AT), _column("ending", null=True),
    sa.Column("exit_code", sa.Integer), _column("run", null=True),
)  # fmt: skip
sa.Index("ix_jobs_ended_at", jobs.c.ended_at)

servers = sa.Table(
    "servers", metadata,
    _column("id", key=True), _column("host"), sa.Column("pid", sa.Integer, nullable=False), _column("born", null=True),
    sa.Column("started_at", _AT, nullable=False), sa.Column("seen_at", _AT, nullable=False),
)  # fmt: skip

notices = sa.Table(
    "notices", metadata,
    sa.Column("id", sa.Integer, primary_key=True), sa.Column("key", sa.Text, nullable=False, unique=True),
    _column("district"), _column("path"), _column("needs"), sa.Column("at", _AT, nullable=False),
)  # fmt: skip

deliveries = sa.Table(
    "deliveries", metadata,
    sa.Column("notice", sa.Integer, primary_key=True, autoincrement=False), _column("channel", key=True),
    _column("status"), _column("batch", null=True), sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", _AT, nullable=False), sa.Column("sent_at", _AT), _column("error", null=True),
)  # fmt: skip
sa.Index("ix_deliveries_status", deliveries.c.status)

leases = sa.Table(
    "leases", metadata,
    _column("district", key=True), sa.Column("epoch", sa.BigInteger, nullable=False), _column("run", null=True),
    _column("host", null=True), sa.Column("pid", sa.Integer), _column("born", null=True),
    sa.Column("taken_at", _AT), sa.Column("expires_at", _AT),
)  # fmt: skip

audit = sa.Table(
    "audit", metadata,
    sa.Column("id", sa.Integer, primary_key=True), sa.Column("at", _AT, nullable=False), _column("district"),
    _column("who"), _column("action"), _column("subject"), _column("detail"),
)  # fmt: skip
sa.Index("ix_audit_district", audit.c.district)
