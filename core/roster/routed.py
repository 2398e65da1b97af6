"""The canonical roster as the schools of one sink see it: views of the same names that stand before the roster's own.

Every table that names a school is rewritten, and no other: `orgs`, `courses`, `classes`, `enrollments`, `roles`, and the
primary org of `users`. Records keep their `sourcedId`, so what changes its school is moved in the sink, not made again. A
person with a role in a school that is split over several gets a role in each; the first keeps its `sourcedId`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from syncrun.sqltext import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from syncrun.roster.route import Route

TABLES = ("orgs", "courses", "classes", "enrollments", "roles", "users", "demographics", "relationships", "userIds")
"""The canonical tables before which a view may stand."""
_NEW_SCHOOLS = "CREATE OR REPLACE TEMP TABLE route_new_schools (sourcedId VARCHAR, source VARCHAR, name VARCHAR, identifier VARCHAR)"
QUERIES = {
    "orgs": """
        SELECT org.* REPLACE (CASE WHEN above.gone THEN above.target ELSE parentSourcedId END AS parentSourcedId)
        FROM {orgs} AS org LEFT JOIN route_schools AS above ON above.source = org.parentSourcedId
        WHERE org.sourcedId NOT IN (SELECT source FROM route_schools WHERE gone)
        UNION ALL BY NAME
        SELECT new.sourcedId, coalesce(new.name, org.name) AS name, coalesce(new.identifier, CASE WHEN new.name IS NULL
            THEN org.identifier END) AS identifier, 'school' AS type, org.parentSourcedId
        FROM route_new_schools AS new JOIN {orgs} AS org ON org.sourcedId = new.source
        WHERE new.sourcedId IN (SELECT target FROM route_roles UNION ALL SELECT target FROM route_classes
            UNION ALL SELECT target FROM route_schools)
    """,
    "courses": """
        SELECT course.* REPLACE (coalesce(school.target, orgSourcedId) AS orgSourcedId)
        FROM {courses} AS course LEFT JOIN route_schools AS school ON school.source = course.orgSourcedId
    """,
    "classes": """
        SELECT class.* REPLACE (coalesce(place.target, school.target, schoolSourcedId) AS schoolSourcedId)
        FROM {classes} AS class LEFT JOIN route_classes AS place ON place.class = class.sourcedId
        LEFT JOIN route_schools AS school ON school.source = class.schoolSourcedId
    """,
    "enrollments": """
        SELECT enrolled.* REPLACE (coalesce(CASE WHEN class.source = schoolSourcedId THEN class.target END,
            school.target, schoolSourcedId) AS schoolSourcedId)
        FROM {enrollments} AS enrolled LEFT JOIN route_classes AS class ON class.class = enrolled.classSourcedId
        LEFT JOIN route_schools AS school ON school.source = enrolled.schoolSourcedId
    """,
    "roles": """
        SELECT role.* REPLACE (
            role.sourcedId || CASE WHEN place.rank > 1 THEN '_' || place.target ELSE '' END AS sourcedId,
            coalesce(place.target, orgSourcedId) AS orgSourcedId, ordinal + (coalesce(place.rank, 1) - 1) / 1000 AS ordinal)
        FROM {roles} AS role LEFT JOIN route_roles AS place ON place.role = role.sourcedId
        ANTI JOIN route_doubles AS twice ON twice.role = role.sourcedId AND twice.target = coalesce(place.target, orgSourcedId)
    """,
    "users": """
        SELECT person.* REPLACE (coalesce(home.target, school.target, primaryOrgSourcedId) AS primaryOrgSourcedId)
        FROM {users} AS person
        LEFT JOIN route_schools AS school ON school.source = person.primaryOrgSourcedId
        LEFT JOIN (SELECT person, source, arg_min(target, (rank, role)) AS target FROM route_roles GROUP BY ALL) AS home
            ON home.person = person.sourcedId AND home.source = person.primaryOrgSourcedId
    """,
}
"""By table, the view over the placements of `syncrun.roster.placement`. Who has one role twice in a school, since two
schools became one, has it once: the first."""


def clear(connection: DuckDBPyConnection) -> dict[str, str]:
    """Take away the views of another sink; by canonical table, how SQL names the roster's own."""
    for table in TABLES:
        connection.execute(f"DROP VIEW IF EXISTS temp.{name(table)}")
    found = connection.execute("SELECT current_database()").fetchone()
    return {table: f"{name(str(found and found[0]))}.main.{name(table)}" for table in TABLES}


def show(connection: DuckDBPyConnection, queries: Mapping[str, str]) -> None:
    """Put a view before each canonical table that has a query."""
    for table, query in queries.items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name(table)} AS {query}")


def queries(
    connection: DuckDBPyConnection, routes: Iterable[Route], orgs: Collection[str], tables: Mapping[str, str]
) -> dict[str, str]:
    """The query of each table once everybody is placed. `orgs`: those that the source has; other targets are new."""
    connection.execute(_NEW_SCHOOLS)
    new: dict[str, tuple[str, str | None, str | None]] = {}
    for route in routes:
        if route.to not in orgs:
            source, called, identifier = new.get(route.to, (route.sources[0], None, None))
            new[route.to] = source, called or route.name, identifier or route.identifier
    if new:
        connection.executemany(
            "INSERT INTO route_new_schools VALUES (?, ?, ?, ?)", [(key, *told) for key, told in new.items()]
        )
    return {table: query.format_map(tables) for table, query in QUERIES.items()}
