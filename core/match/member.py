"""Members of classrooms that are taken over: who is in the source too is taken over with the classroom; for the others
people choose to keep them, to remove them, or to be asked, which is what happens unless they chose.

Where a person becomes another one of the sink, or is taken over later than a classroom, the seat that this one has in the
classroom already is taken over too, so that nobody sits there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncrun.match.relink import OBSERVED, Derive, released
from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.diff import BEFORE, GIVEN_UP, LINKS, RELINKED
from syncrun.plan.model import Reason
from syncrun.plan.shape import SCHEMA as SHAPED
from syncrun.sdk import Table
from syncrun.sqltext import literal, literals, name
from syncrun.state.policy import Policy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def taken_over(connection: DuckDBPyConnection, table: Table) -> int:
    """Make `taken_classes` (key, sink_id, now) of classrooms that this plan takes over (`now`) and, where it takes over
    people, of those that were taken over before; how many."""
    parent = table.parents[str(table.shrink)]
    people = [each for column, each in table.parents.items() if column != table.shrink]
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE taken_classes AS
        SELECT key, sink_id, true AS now FROM {LINKS} WHERE "table" = {literal(parent)}
            AND key IN (SELECT key FROM {SHAPED}.{name(parent)})
        UNION ALL SELECT key, sink_id, false FROM {APPLIED}.{name(parent)} WHERE sink_id IS NOT NULL AND NOT archived
            AND key IN (SELECT key FROM {SHAPED}.{name(parent)})
            AND key NOT IN (SELECT key FROM {RELINKED} WHERE "table" = {literal(parent)})
            AND EXISTS (FROM {LINKS} WHERE "table" IN ({literals(people)}))
    """)
    found = connection.execute("SELECT count(*) FROM taken_classes").fetchone()
    return int(found[0]) if found else 0


def settle(
    connection: DuckDBPyConnection, table: Table, policies: Sequence[Policy], derive: Derive
) -> tuple[list[str], dict[str, list[Reason]]]:
    """Note which members are taken over and which are set aside; advice, and by school what a person is asked. The
    table was observed, and `taken_over` found some."""
    place = name(str(table.shrink))
    _pair(connection, table, place, derive)
    _replace_own(connection, table, place, derive)
    chosen = {(each.scope, each.scope_id): each.choice for each in policies if each.table == table.name}
    left = connection.execute(f"""
        SELECT class.school, coalesce(school.id, ''), count(*), count(DISTINCT taken.key)
        FROM {_left(table, place)} LEFT JOIN sink_schools AS school ON school.key = class.school GROUP BY ALL ORDER BY ALL
    """).fetchall()
    advice: list[str] = []
    reasons: dict[str, list[Reason]] = defaultdict(list)
    for school, school_id, count, classes in left:
        choice = (
            chosen.get(("school", school)) or chosen.get(("school", school_id)) or chosen.get(("district", ""), "ask")
        )
        words = f"{count} members of {classes} taken-over {table.parents[str(table.shrink)]} are not in the source"
        if choice == "ask":
            reasons[school or ""].append(Reason("P-MEMBERS-1", words))
        else:
            advice.append(f"{words} and are {'kept' if choice == 'keep' else 'removed'} (school {school}).")
        if choice == "remove":
            _remove(connection, table, place, school)
    return advice, reasons


def _remove(connection: DuckDBPyConnection, table: Table, place: str, school: str | None) -> None:
    """Note the members of a school's taken-over classrooms who are not taken over. Who was set aside already, in a
    classroom that becomes another class's, is not given back for that."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE removed AS
        SELECT {literal(BEFORE)} || member.sink_id AS key, class.school, member.sink_id, taken.key AS parent
        FROM {_left(table, place)} WHERE class.school IS NOT DISTINCT FROM ?
        """,
        [school],
    )
    connection.execute(f"""
        DELETE FROM {GIVEN_UP} WHERE "table" = {literal(table.name)} AND action = 'release' AND key IN (SELECT key FROM removed)
    """)
    connection.execute(f"INSERT INTO {GIVEN_UP} SELECT {literal(table.name)}, 'retire', * FROM removed")


def _free(table: Table, row: str) -> str:
    """The condition for a row of the sink that nobody's sync owns, and that nobody archived, once the plan has given back
    what it gives back. What the sync made itself is not."""
    taken = f"SELECT sink_id FROM {APPLIED}.{name(table.name)} WHERE sink_id IS NOT NULL"
    return f"""(NOT {row}.owned AND NOT {row}.archived
        OR {row}.sink_id IN ({released(table)}) AND {row}.sink_id IN ({taken}))"""


def _left(table: Table, place: str) -> str:
    """The FROM clause for members of taken-over classrooms who are not taken over."""
    parent = table.parents[str(table.shrink)]
    return f"""(FROM taken_classes WHERE now) AS taken JOIN {SHAPED}.{name(parent)} AS class ON class.key = taken.key
        JOIN {OBSERVED}.{name(table.name)} AS member ON member.{place} = taken.sink_id
            AND {_free(table, "member")} AND member.sink_id NOT IN (SELECT sink_id FROM {LINKS} WHERE "table" = {literal(table.name)})"""


def _pair(connection: DuckDBPyConnection, table: Table, place: str, derive: Derive) -> None:
    """Put members that both sides have into the table of links, one to one."""
    people = [column for column in table.parents if column != table.shrink]
    ids = {column: _id(table.parents[column], f"new.{name(column)}", derive) for column in people}
    both = " AND ".join(f"old.{name(column)} IS NOT DISTINCT FROM {ids[column]}" for column in people)
    someone = " OR ".join(f"old.{name(column)} IS NOT NULL" for column in people)
    other = " OR ".join(
        f'new.{name(column)} IN (SELECT key FROM {RELINKED} WHERE "table" = {literal(parent)})'
        for column, parent in table.parents.items()
    )
    connection.execute(f"""
        INSERT INTO {LINKS}
        SELECT {literal(table.name)}, new.key, old.sink_id
        FROM {SHAPED}.{name(table.name)} AS new JOIN taken_classes AS taken ON taken.key = new.{place}
        JOIN {OBSERVED}.{name(table.name)} AS old ON old.{place} = taken.sink_id
            AND {_free(table, "old")} AND ({someone}) AND {both}
        LEFT JOIN {APPLIED}.{name(table.name)} AS was ON was.key = new.key
        WHERE was.key IS NULL OR new.key IN (SELECT key FROM {RELINKED} WHERE "table" = {literal(table.name)})
            OR was.sink_id IS NULL AND NOT was.archived AND ({other})
        QUALIFY row_number() OVER (PARTITION BY new.key ORDER BY old.sink_id) = 1
            AND row_number() OVER (PARTITION BY old.sink_id ORDER BY new.key) = 1
    """)


def _replace_own(connection: DuckDBPyConnection, table: Table, place: str, derive: Derive) -> None:
    """Set aside the seats that the sync made and in whose place others are taken over now."""
    own = derive(table.name, "was.key")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE replaced AS
        SELECT was.key, new.school, {own} AS sink_id, was.{place} AS parent
        FROM {APPLIED}.{name(table.name)} AS was JOIN {SHAPED}.{name(table.name)} AS new ON new.key = was.key
        WHERE was.sink_id IS NULL AND NOT was.archived
            AND was.key IN (SELECT key FROM {LINKS} WHERE "table" = {literal(table.name)})
    """)
    connection.execute(
        f"INSERT INTO {RELINKED} SELECT {literal(table.name)}, key, {literal(BEFORE)} || sink_id FROM replaced"
    )
    connection.execute(f"""
        INSERT INTO {GIVEN_UP}
        SELECT {literal(table.name)}, 'release', {literal(BEFORE)} || sink_id, school, sink_id, parent FROM replaced
    """)


def _id(table: str, key: str, derive: Derive) -> str:
    """The sink's id of the row that a key names, after this plan."""
    linked = f'SELECT any_value(sink_id) FROM {LINKS} AS l WHERE l."table" = {literal(table)} AND l.key = {key}'
    taken = f"""SELECT any_value(sink_id) FROM {APPLIED}.{name(table)} AS a WHERE a.key = {key}
        AND a.key NOT IN (SELECT key FROM {RELINKED} WHERE "table" = {literal(table)})"""
    return f"coalesce(({linked}), ({taken}), {derive(table, key)})"
