"""Rows that a sink had before the first sync, in schools that take part, and what people chose for them.

A choice for a row goes before one for its school, and that before one for the district. Choices for schools and the
district count at the first sync; later only rows that a person named are set aside or brought back, so that what people
make by hand from then on is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncrun.errors import UndecidedError
from syncrun.match.relink import OBSERVED, Derive, released
from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.diff import BEFORE, GIVEN_UP, LINKS
from syncrun.plan.shape import SCHEMA as SHAPED
from syncrun.sdk import Table
from syncrun.sqltext import literal, name
from syncrun.state.policy import Policy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS = "existing_rows"
"""The rows of one table that were there before: (id, school, choice), `school` being the sourcedId."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of the rows of one table: how many by choice ('' where there is none), by school."""

    table: str
    counts: Mapping[tuple[str, str], int]

    def of(self, *choices: str) -> int:
        """How many have one of the choices."""
        return sum(count for (_, choice), count in self.counts.items() if choice in choices)


def school_map(connection: DuckDBPyConnection, tables: Sequence[Table], derive: Derive) -> Table | None:
    """Make `sink_schools` (id, key) of schools that take part and that the sink has already; the table of schools."""
    schools = next((each for each in tables if each.mapping == "orgs"), None)
    if schools is None:
        return None
    own = derive(schools.name, "was.key")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE sink_schools AS
        SELECT sink_id AS id, key FROM {LINKS} WHERE "table" = {literal(schools.name)}
        UNION SELECT coalesce(was.sink_id, {own}), was.key FROM {APPLIED}.{name(schools.name)} AS was
        SEMI JOIN {SHAPED}.{name(schools.name)} USING (key) WHERE NOT was.archived
    """)
    return schools


def collect(
    connection: DuckDBPyConnection, table: Table, tables: Sequence[Table], policies: Sequence[Policy], derive: Derive
) -> Decided | None:
    """Make `ROWS` of a table that was observed: rows that nobody's sync owns, that nobody archived and that are not
    taken over. None where the table names no school."""
    schools = school_map(connection, tables, derive)
    column = next((c for c, parent in table.parents.items() if schools and parent == schools.name), None)
    if column is None:
        return None
    chosen = [
        {"scope": each.scope, "id": each.scope_id, "choice": each.choice} for each in policies if each.table == table.name
    ]  # fmt: skip
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {ROWS} AS
        WITH chosen AS (SELECT unnest(?::STRUCT(scope VARCHAR, id VARCHAR, choice VARCHAR)[], recursive := true))
        SELECT row.sink_id AS id, school.key AS school,
            coalesce(of_row.choice, of_school.choice, of_all.choice, '') AS choice
        FROM {OBSERVED}.{name(table.name)} AS row JOIN sink_schools AS school ON school.id = row.{name(column)}
        LEFT JOIN chosen AS of_row ON of_row.scope = 'row' AND of_row.id = row.sink_id
        LEFT JOIN (SELECT key, any_value(choice) AS choice FROM chosen JOIN sink_schools AS known
                   ON chosen.id IN (known.id, known.key) WHERE scope = 'school' GROUP BY key) AS of_school
            ON of_school.key = school.key
        LEFT JOIN chosen AS of_all ON of_all.scope = 'district'
        WHERE NOT row.owned AND NOT row.archived
            AND row.sink_id NOT IN (SELECT sink_id FROM {LINKS} WHERE "table" = {literal(table.name)})
        """,
        [chosen],
    )
    counts = connection.execute(f"SELECT school, choice, count(*) FROM {ROWS} GROUP BY ALL ORDER BY ALL").fetchall()
    return Decided(table.name, {(school, choice): count for school, choice, count in counts})


def settle(
    connection: DuckDBPyConnection, table: Table, tables: Sequence[Table], policies: Sequence[Policy], derive: Derive, *,
    first: bool,
) -> list[str]:  # fmt: skip
    """Note what is set aside and what is brought back; advice. Raises `UndecidedError` before a first sync while a
    choice is missing that must be made."""
    found = collect(connection, table, tables, policies, derive)
    if found is None:
        return []
    if first and table.existing == "require":
        _confirm(found)
    retired = f"SELECT sink_id FROM {APPLIED}.{name(table.name)} WHERE starts_with(key, {literal(BEFORE)})"
    named = [each.scope_id for each in policies if each.table == table.name and each.scope == "row"]
    connection.execute(
        f"""
        INSERT INTO {GIVEN_UP}
        SELECT {literal(table.name)}, 'retire', {literal(BEFORE)} || id, school, id, NULL FROM {ROWS}
        WHERE choice = 'archive' AND id NOT IN ({retired}) AND ({first} OR id IN (SELECT unnest(?::VARCHAR[])))
        """,
        [named],
    )
    records = f"SELECT sink_id FROM {APPLIED}.{name(table.name)} WHERE NOT starts_with(key, {literal(BEFORE)})"
    connection.execute(
        f"""
        INSERT INTO {GIVEN_UP}
        SELECT {literal(table.name)}, 'release', key, school, sink_id, NULL FROM {APPLIED}.{name(table.name)}
        WHERE starts_with(key, {literal(BEFORE)}) AND sink_id IN (SELECT unnest(?::VARCHAR[]))
            AND sink_id NOT IN ({released(table)})
            AND sink_id NOT IN (FROM ({records}) WHERE sink_id IS NOT NULL)
        """,
        [brought_back(table, policies)],
    )
    return _advice(connection, table, found) if first else []


def brought_back(table: Table, policies: Sequence[Policy]) -> list[str]:
    """Ids of the sink's rows that a person named and that are not to be set aside."""
    return [
        each.scope_id for each in policies
        if each.table == table.name and each.scope == "row" and each.choice != "archive"
    ]  # fmt: skip


def _confirm(found: Decided) -> None:
    open_, unlinked = found.of(""), found.of("connect")
    if not (open_ or unlinked):
        return
    schools = ", ".join(sorted({school for school, choice in found.counts if choice in {"", "connect"}}))
    told = [f"{open_} {found.table} were in the sink before, and nobody chose what becomes of them"] * bool(open_)
    told += [f"{unlinked} {found.table} are to be taken over and are connected with nothing"] * bool(unlinked)
    raise UndecidedError(f"{'; '.join(told)} (schools {schools}).")


def _advice(connection: DuckDBPyConnection, table: Table, found: Decided) -> list[str]:
    advice = []
    aside, left = found.of("archive"), found.of("leave", "")
    if aside:
        advice.append(f"{aside} {table.name} that were there before are archived.")
    if left:
        twins = _twins(connection, table)
        advice.append(f"{left} {table.name} that were there before stay beside the new ones; {twins} of them have the name of a "
                      "new one in the same school.")  # fmt: skip
    return advice


def _twins(connection: DuckDBPyConnection, table: Table) -> int:
    """Rows left that have the texts by which people know them in common with a new row of their school."""
    known = [column.name for column in table.columns if column.name in {"title", "name", "given_name", "family_name"}]
    if not known:
        return 0
    same = " AND ".join(f"lower(trim(row.{name(each)})) = lower(trim(new.{name(each)}))" for each in known)
    found = connection.execute(f"""
        SELECT count(*) FROM {ROWS} AS left_row JOIN {OBSERVED}.{name(table.name)} AS row ON row.sink_id = left_row.id
        WHERE left_row.choice IN ('leave', '') AND EXISTS (
            FROM {SHAPED}.{name(table.name)} AS new WHERE new.school = left_row.school AND {same}
                AND new.key NOT IN (SELECT key FROM {LINKS} WHERE "table" = {literal(table.name)}))
    """).fetchone()
    return int(found[0]) if found else 0
