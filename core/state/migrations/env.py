"""Alembic's entry: runs the migrations on the connection that `syncrun.state.database` gives, inside its
transaction. There is no other way to run them."""

from __future__ import annotations

from alembic import context

from syncrun.state.model import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
