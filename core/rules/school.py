"""Which schools the rows of an upload may belong to: the one that it is for, or those that are registered.

A row belongs to another school by what it says, by what it names, or because the record that it would overwrite does in
the accepted roster. What such a row asks for is left to an upload for the whole district.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from syncrun.intake.land import SCHEMA, Landed
from syncrun.intake.upload import SCHOOL_COLUMNS, Scope
from syncrun.rules.cells import VALUED
from syncrun.rules.table import FINDINGS, REJECTED
from syncrun.scratch import has
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BEFORE = "before"
ELSEWHERE = "elsewhere"
"""Records of the accepted roster that are not the one school's alone: (entity, sourcedId)."""
REGISTERED = "registered_orgs"
"""The orgs that rows of an upload for a district may name."""
_STRANGERS = "strangers"
"""People of the accepted roster who have nothing to do with the one school."""

_USERS_OF_1_1 = "SELECT sourcedId AS person, unnest(orgSourcedIds) AS org FROM before.users"
_USERS_OF_1_2 = "SELECT userSourcedId AS person, orgSourcedId AS org FROM before.roles"
_NAMES_OTHERS = {
    "classes": "schoolSourcedId <> {school}",
    "users": "len(list_filter(orgSourcedIds, lambda each: each <> {school})) > 0",
    "enrollments": "schoolSourcedId <> {school}",
}
"""What a row says of its school."""
_NAMES_OF_OTHERS = {
    ("enrollments", "classSourcedId"): "classSourcedId IN (SELECT sourcedId FROM elsewhere WHERE entity = 'classes')",
    ("enrollments", "userSourcedId"): "userSourcedId IN (FROM strangers)",
    (
        "guardians",
        "studentSourcedIds",
    ): "list_has_any(studentSourcedIds, (SELECT coalesce(list(sourcedId), []) FROM strangers))",
    ("studentAttributes", "userSourcedId"): "userSourcedId IN (FROM strangers)",
}
"""What a row names, by entity and column."""


def prepare(connection: DuckDBPyConnection) -> None:
    """Make the tables, empty."""
    connection.execute(f"CREATE TEMP TABLE {ELSEWHERE} (entity VARCHAR, sourcedId VARCHAR)")
    connection.execute(f"CREATE TEMP TABLE {REGISTERED} (sourcedId VARCHAR)")
    connection.execute(f"CREATE TEMP TABLE {_STRANGERS} (sourcedId VARCHAR)")


def keep_to(connection: DuckDBPyConnection, landed: Mapping[str, Landed], scope: Scope) -> None:
    """Reject the rows that are outside the scope. The accepted roster is open as `before.<entity>`."""
    if scope.school:
        _find_others(connection, scope.school)
        for entity, each in landed.items():
            for column, test in _tests(entity, literal(scope.school)):
                _reject(connection, each, "R-SCHOOL-01", column, test)
        return
    _register(connection, landed, scope)
    for entity, column in SCHOOL_COLUMNS.items():
        if entity in landed:
            _reject(connection, landed[entity], "R-SCHOOL-02", column, _unregistered(column))
    _tell_unregistered(connection, landed)


def _tests(entity: str, school: str) -> Iterator[tuple[str | None, str]]:
    """Columns and conditions by which a row belongs to another school."""
    if entity in _NAMES_OTHERS:
        yield SCHOOL_COLUMNS[entity], _NAMES_OTHERS[entity].format(school=school)
    for (named, column), test in _NAMES_OF_OTHERS.items():
        if named == entity:
            yield column, test
    yield None, f"sourcedId IN (SELECT sourcedId FROM {ELSEWHERE} WHERE entity = {literal(entity)})"


def _find_others(connection: DuckDBPyConnection, school: str) -> None:
    """Who and what of the accepted roster belongs to other schools."""
    here = literal(school)
    people = _USERS_OF_1_2 if has(connection, BEFORE, "roles") else _USERS_OF_1_1
    conditions = {"classes": f"schoolSourcedId <> {here}", "enrollments": f"schoolSourcedId <> {here}"}
    if has(connection, BEFORE, "users"):
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {_STRANGERS} AS SELECT sourcedId FROM {BEFORE}.users
            WHERE sourcedId NOT IN (SELECT person FROM ({people}) WHERE org = {here})""")
        shared = f"sourcedId IN (SELECT person FROM ({people}) WHERE org <> {here})"
        conditions["users"] = f"{shared} OR sourcedId IN (FROM {_STRANGERS})"
        others = f"SELECT sourcedId FROM {ELSEWHERE} WHERE entity = 'users'"
        conditions["guardians"] = (
            f"list_has_any(studentSourcedIds, (SELECT coalesce(list(sourcedId), []) FROM ({others})))"
        )
        conditions["studentAttributes"] = f"userSourcedId IN ({others})"
    for entity, condition in conditions.items():
        if has(connection, BEFORE, entity):
            connection.execute(f"""
                INSERT INTO {ELSEWHERE} SELECT {literal(entity)}, sourcedId FROM {BEFORE}.{name(entity)} WHERE {condition}""")


def _register(connection: DuckDBPyConnection, landed: Mapping[str, Landed], scope: Scope) -> None:
    """The orgs that were accepted before, those that people decided on, and those that come along."""
    found = [f"SELECT {literal(each)}" for each in sorted(scope.registered)]
    found += [f"SELECT sourcedId FROM {BEFORE}.orgs"] * has(connection, BEFORE, "orgs")
    found += [f"SELECT sourcedId FROM {SCHEMA}.orgs"] * ("orgs" in landed)
    if found:
        connection.execute(f"INSERT INTO {REGISTERED} {' UNION '.join(found)}")


def _unregistered(column: str) -> str:
    if column == "orgSourcedIds":
        return f"NOT list_has_any({column}, (SELECT coalesce(list(sourcedId), []) FROM {REGISTERED}))"
    return f"{column} NOT IN (FROM {REGISTERED})"


def _reject(connection: DuckDBPyConnection, landed: Landed, code: str, column: str | None, test: str) -> None:
    entity, file = literal(landed.entity), literal(landed.file.name)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE outside AS SELECT id, line, sourcedId FROM {VALUED}.{name(landed.entity)} WHERE {test}"
    )
    connection.execute(
        f"INSERT INTO {FINDINGS} SELECT ?, {file}, line, sourcedId, ?, NULL, 1, '' FROM outside", [code, column]
    )
    connection.execute(f"INSERT INTO {REJECTED} SELECT {entity}, id, sourcedId, false FROM outside")


def _tell_unregistered(connection: DuckDBPyConnection, landed: Mapping[str, Landed]) -> None:
    """Each id that is not registered once, with the number of rows that it keeps back."""
    named = " UNION ALL ".join(
        f"SELECT {f'unnest({column})' if column == 'orgSourcedIds' else column} AS org "
        f"FROM {VALUED}.{name(entity)} WHERE {_unregistered(column)}"
        for entity, column in SCHOOL_COLUMNS.items() if entity in landed
    )  # fmt: skip
    if named:
        connection.execute(f"""
            INSERT INTO {FINDINGS} SELECT 'R-SCHOOL-03', NULL, NULL, org, NULL, NULL, count(*),
                'school ' || org || ' keeps back ' || count(*) || ' rows'
            FROM ({named}) WHERE org IS NOT NULL GROUP BY org""")
