"""The district a day later: 1 % of the users, classes and enrollments differ, the rest are byte for byte the same.

Half of the 1 % are edited, a quarter is gone, a quarter is new (a copy of another row under ids of its own). What named
a record that is gone is gone too.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RATE = 0.01


@dataclass(frozen=True, slots=True)
class Edit:
    """How the rows of one file change: in an edited row `column` becomes `to`; in a new one the `ids` begin with
    `new-`; `stays` is the condition for a row to stay when the records in the tables `gone_*` have left."""

    file: str
    column: str
    to: str
    ids: tuple[str, ...]
    stays: str = "true"


EDITS = (
    Edit("users", "givenName", "Renamed", ("sourcedId", "username", "identifier", "email")),
    Edit("classes", "location", "Room X", ("sourcedId",)),
    Edit(
        "enrollments", "endDate", "2027-05-31", ("sourcedId",),
        "userSourcedId NOT IN (FROM gone_users) AND classSourcedId NOT IN (FROM gone_classes)",
    ),
)  # fmt: skip
UNTOUCHED = ("manifest", "academicSessions", "orgs", "courses")
LEFT_AGENTS = """
CREATE TABLE left_agents AS
SELECT sourcedId, string_agg(agent, ',' ORDER BY nth) FILTER (agent NOT IN (FROM gone_users)) AS agents
FROM (
    SELECT sourcedId, unnest(all_of_them) AS agent, generate_subscripts(all_of_them, 1) AS nth
    FROM (SELECT sourcedId, string_split(agentSourcedIds, ',') AS all_of_them FROM next_users))
GROUP BY sourcedId HAVING bool_or(agent IN (FROM gone_users))
"""
USERS = """
SELECT next_users.* REPLACE (CASE WHEN left_agents.sourcedId IS NULL THEN agentSourcedIds ELSE coalesce(agents, '') END
    AS agentSourcedIds)
FROM next_users LEFT JOIN left_agents USING (sourcedId)
"""


def write(before: Path, folder: Path, seed: int, rate: float = RATE) -> None:
    """Write the files of the day after the one in `before` into a new folder."""
    folder.mkdir(parents=True)
    for file in UNTOUCHED:
        shutil.copyfile(before / f"{file}.csv", folder / f"{file}.csv")
    with duckdb.connect() as connection:
        for edit in EDITS:
            _read(connection, before, edit.file)
            _pick(connection, edit, seed, rate)
            _change(connection, edit)
        connection.execute(LEFT_AGENTS)
        _save(connection, USERS, folder / "users.csv")
        for edit in EDITS[1:]:
            _save(connection, f"FROM next_{edit.file} WHERE {edit.stays}", folder / f"{edit.file}.csv")
        _read(connection, before, "demographics")
        _save(connection, "FROM demographics WHERE sourcedId NOT IN (FROM gone_users)", folder / "demographics.csv")


def _read(connection: DuckDBPyConnection, folder: Path, file: str) -> None:
    """The rows of a file as text; they are ordered by `is_new`, `n`."""
    path = literal(str(folder / f"{file}.csv"))
    connection.execute(f"""
        CREATE TABLE {file} AS SELECT *, row_number() OVER () AS n, false AS is_new
        FROM read_csv({path}, header = true, all_varchar = true, allow_quoted_nulls = false, delim = ',', quote = '"')
    """)


def _pick(connection: DuckDBPyConnection, edit: Edit, seed: int, rate: float) -> None:
    """Draw the rows to edit, to drop and to copy: `fates` (n, fate)."""
    found = connection.execute(f"SELECT count(*) FROM {edit.file}").fetchone()
    count = max(1, int((found[0] if found else 0) * rate))
    dropped = count // 2 + count // 4
    connection.execute(f"""
        CREATE OR REPLACE TABLE fates AS
        SELECT n, CASE WHEN place <= {count // 2} THEN 'edit' WHEN place <= {dropped} THEN 'drop' ELSE 'copy' END AS fate
        FROM (SELECT n, row_number() OVER (
            ORDER BY md5_number_lower({literal(f"{seed} a day later ")} || sourcedId), sourcedId) AS place FROM {edit.file})
        WHERE place <= {count}
    """)


def _change(connection: DuckDBPyConnection, edit: Edit) -> None:
    """Make `next_<file>`, and `gone_<file>` with the ids of what has left."""
    column = name(edit.column)
    changed = f"CASE WHEN fate = 'edit' THEN {literal(edit.to)} ELSE {column} END AS {column}"
    renamed = ", ".join(f"'new-' || {name(each)} AS {name(each)}" for each in edit.ids)
    connection.execute(f"""
        CREATE TABLE next_{edit.file} AS
        SELECT {edit.file}.* REPLACE ({changed}) FROM {edit.file} LEFT JOIN fates USING (n)
        WHERE fate IS DISTINCT FROM 'drop'
        UNION ALL
        SELECT {edit.file}.* REPLACE ({renamed}, true AS is_new) FROM {edit.file} SEMI JOIN (FROM fates WHERE fate = 'copy') USING (n)
    """)
    connection.execute(f"""
        CREATE TABLE gone_{edit.file} AS
        SELECT sourcedId FROM {edit.file} SEMI JOIN (FROM fates WHERE fate = 'drop') USING (n)
    """)


def _save(connection: DuckDBPyConnection, query: str, target: Path) -> None:
    """Write rows in the order of the day before, new ones last."""
    ordered = f"SELECT * EXCLUDE (n, is_new) FROM ({query}) ORDER BY is_new, n"
    connection.execute(f"COPY ({ordered}) TO {literal(str(target))} (FORMAT csv, HEADER)")
