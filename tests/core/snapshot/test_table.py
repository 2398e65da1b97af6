"""What is kept of a snapshot."""

from __future__ import annotations

from pathlib import Path

from syncrun.snapshot.table import Snapshot, SnapshotTable

SNAPSHOT = Snapshot(
    "run-1", "1.1",
    {"orgs": SnapshotTable("a/orgs.parquet", 3, made_up=True), "users": SnapshotTable("a/users.parquet", 9, "ab", ended=False)},
)  # fmt: skip


def test_snapshot_comes_back_from_the_state_as_it_was() -> None:
    assert Snapshot.from_json(SNAPSHOT.to_json()) == SNAPSHOT


def test_snapshot_knows_where_its_rows_are_and_which_came_in_files() -> None:
    assert SNAPSHOT.paths(Path("/home")) == {
        "orgs": Path("/home/a/orgs.parquet"),
        "users": Path("/home/a/users.parquet"),
    }
    assert SNAPSHOT.arrived() == ["users"]
