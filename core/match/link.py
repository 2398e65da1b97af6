"""Taking over rows that the sink had before: by a person's decision, or because an identifier says that they are the
same. Only rows that nobody's sync owns are taken over; where two might be meant, a person must say which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncrun.match import relink
from syncrun.match.relink import Derive
from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.diff import LINKS
from syncrun.plan.shape import SCHEMA as SHAPED
from syncrun.scratch import has
from syncrun.sdk import Sink, Table
from syncrun.sqltext import literal, name
from syncrun.state.decision import Decision

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "observed"


def see(connection: DuckDBPyConnection, sink: Sink, table: Table, folder: Path) -> None:
    """Read one table of the sink, unless it was read for this plan before."""
    if not has(connection, SCHEMA, table.name):
        observe(connection, sink, table, folder)


def observe(connection: DuckDBPyConnection, sink: Sink, table: Table, folder: Path) -> None:
    """Read one table of the sink into `observed.<table>`: sink_id, owned, archived, and the table's columns with
    references as the sink's own ids. An empty text is read as nothing."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    path = folder / f"observed-{table.name}.csv"
    types = {"sink_id": "VARCHAR", "owned": "BOOLEAN", "archived": "BOOLEAN"} | {
        column.name: "VARCHAR" if column.parent else column.sql_type for column in table.columns
    }
    columns = ", ".join(f"{literal(column)}: {literal(kind)}" for column, kind in types.items())
    path.touch(mode=0o600)
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            for row in sink.observe(table.name):
                stream.write(",".join(map(_cell, (row.sink_id, row.owned, row.archived, *row.values))) + "\n")
        connection.execute(
            f"CREATE OR REPLACE TABLE {SCHEMA}.{name(table.name)} AS FROM read_csv({literal(str(path))}, header = false, "
            f"auto_detect = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\n', columns = {{{columns}}})"
        )
    finally:
        path.unlink()


def _cell(value: Any) -> str:
    """A cell, always quoted: people put line ends of any kind into texts, and Python's writer leaves some bare."""
    return "" if value is None else '"' + str(value).replace('"', '""') + '"'


def find(
    connection: DuckDBPyConnection, sink: Sink, tables: Sequence[Table], decisions: Sequence[Decision], folder: Path,
    derive: Derive, *, releases: bool = True,
) -> dict[str, str]:  # fmt: skip
    """Put the rows to take over into the table of links; by school, why a person must decide first. Unless the sink
    `releases`, a row that was taken stays the row that it is, whatever people decide later."""
    doubts: dict[str, list[str]] = defaultdict(list)
    for table in tables:
        linked = [each for each in decisions if each.kind == table.mapping and each.decision == "link"]
        creates = bool(table.match or linked) and _creates(connection, table)
        relinks = releases and relink.may_relink(connection, table, decisions, derive)
        if not (creates or relinks):
            continue
        see(connection, sink, table, folder)
        if relinks:
            for school, words in relink.find(connection, table, tables, decisions, derive).items():
                doubts[school].append(words)
        if linked:
            _by_decision(connection, table, linked)
            for school, words in _lost(connection, table, [each.source_id for each in linked]).items():
                doubts[school].append(words)
        decided = [each.source_id for each in decisions if each.kind == table.mapping]
        if table.match and creates:
            for school, words in _by_identifier(connection, table, decided).items():
                doubts[school].append(words)
    return {school: "; ".join(words) for school, words in doubts.items()}


def _by_decision(connection: DuckDBPyConnection, table: Table, linked: Sequence[Decision]) -> None:
    """Put the rows that people linked and that are free, or given back by this plan, into the table of links."""
    connection.executemany(
        f"""INSERT INTO {LINKS} SELECT ?, ?, sink_id FROM {SCHEMA}.{name(table.name)}
        WHERE sink_id = ? AND (NOT owned OR sink_id IN ({relink.released(table)}))""",
        [(table.name, each.source_id, each.sink_id) for each in linked],
    )
    relink.bring_back(connection, table)


def _creates(connection: DuckDBPyConnection, table: Table) -> bool:
    found = connection.execute(
        f"SELECT 1 FROM {SHAPED}.{name(table.name)} ANTI JOIN {APPLIED}.{name(table.name)} USING (key) LIMIT 1"
    ).fetchone()
    return found is not None


def _lost(connection: DuckDBPyConnection, table: Table, linked: Sequence[str]) -> dict[str, str]:
    """Schools with new rows that somebody linked to a row which the sink does not have, or which is not free."""
    found = connection.execute(
        f"""
        SELECT coalesce(school, ''), count(*)
        FROM (FROM {SHAPED}.{name(table.name)} ANTI JOIN {APPLIED}.{name(table.name)} USING (key))
        WHERE key IN (SELECT unnest(?::VARCHAR[]))
            AND key NOT IN (SELECT key FROM {LINKS} WHERE "table" = {literal(table.name)})
        GROUP BY ALL
        """,
        [list(linked)],
    ).fetchall()
    return {school: f"{count} {table.name} are linked to rows that the sink does not have or that are not free; correct "
            "the mapping file" for school, count in found}  # fmt: skip


def _by_identifier(connection: DuckDBPyConnection, table: Table, decided: Sequence[str]) -> dict[str, str]:
    """Pair new rows with unowned ones that agree in the columns of `match`; schools where more than one pair fits."""
    same = " AND ".join(f"new.{name(column)} = old.{name(column)}" for column in table.match)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE pairs AS
        SELECT new.key, new.school, old.sink_id,
            count(*) OVER (PARTITION BY new.key) AS of_key, count(*) OVER (PARTITION BY old.sink_id) AS of_row
        FROM (FROM {SHAPED}.{name(table.name)} ANTI JOIN {APPLIED}.{name(table.name)} USING (key)) AS new
        JOIN {SCHEMA}.{name(table.name)} AS old ON {same} AND NOT old.owned AND NOT old.archived
        WHERE new.key NOT IN (SELECT unnest(?::VARCHAR[]))
            AND old.sink_id NOT IN (SELECT sink_id FROM {LINKS} WHERE "table" = {literal(table.name)})
        """,
        [list(decided)],
    )
    connection.execute(f"""
        INSERT INTO {LINKS} SELECT {literal(table.name)}, key, sink_id FROM pairs WHERE of_key = 1 AND of_row = 1
    """)
    doubtful = connection.execute("""
        SELECT coalesce(school, ''), count(DISTINCT key) FROM pairs WHERE of_key > 1 OR of_row > 1 GROUP BY ALL
    """).fetchall()
    by = " and ".join(table.match)
    return {school: f"{count} {table.name} fit several rows of the sink by {by}; decide in the mapping file"
            for school, count in doubtful}  # fmt: skip
