"""Orgs, sessions and courses for a set that names them but does not carry them (`users.csv`, `classes.csv` and
`enrollments.csv` alone, or an upload). What is made up has its id as its name, and the report says so.

For a check of single files everything that they name is made up, since it cannot be known what else there is."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping

from syncrun.finding import Finding
from syncrun.intake.land import Landed
from syncrun.rules.cells import VALUED
from syncrun.snapshot.whole import references
from syncrun.sqltext import literal, name

NAMED_ORGS = {
    "users": "unnest(orgSourcedIds)",
    "classes": "schoolSourcedId",
    "enrollments": "schoolSourcedId",
}


def school_year(today: datetime.date) -> int:
    """The calendar year in which the school year of a day ends; a school year turns on the first of July."""
    return today.year + (1 if today.month >= 7 else 0)


def made_up(
    landed: Collection[str], today: datetime.date, registered: str | None = None
) -> tuple[dict[str, str], list[Finding]]:
    """By entity a query for the records to make up, and the findings that say so. `registered` is the relation of the
    orgs that may be made up; None: all."""
    year = school_year(today)
    year_id = f"schoolYear-{year}"
    dates = f"DATE '{year - 1}-07-01' AS startDate, DATE '{year}-06-30' AS endDate, {year} AS schoolYear"
    orgs = (
        " UNION ".join(
            f"SELECT {column} AS id FROM {VALUED}.{entity}" for entity, column in NAMED_ORGS.items() if entity in landed
        )
        or "SELECT NULL::VARCHAR AS id"
    )
    known = f" SEMI JOIN {registered} AS known ON known.sourcedId = id" if registered else ""
    terms = f"FROM (SELECT DISTINCT unnest(termSourcedIds) AS id FROM {VALUED}.classes)"
    queries = {
        "orgs": _made(f"SELECT id AS sourcedId, id AS name, 'school' AS type, id AS identifier FROM ({orgs}){known}"),
        "academicSessions": _made(f"""
            SELECT {literal(year_id)} AS sourcedId, {literal(f"{year - 1}-{year}")} AS title, 'schoolYear' AS type,
                NULL::VARCHAR AS parentSourcedId, {dates}
            UNION ALL
            SELECT id, id, 'term', {literal(year_id)}, {dates} {terms if "classes" in landed else "FROM (SELECT NULL::VARCHAR AS id) WHERE false"}"""),
        "courses": _made(f"""
            SELECT courseSourcedId AS sourcedId, courseSourcedId AS title, any_value(schoolSourcedId) AS orgSourcedId
            FROM {VALUED}.classes GROUP BY courseSourcedId"""),
    }  # fmt: skip
    if "classes" not in landed:
        del queries["courses"]
    words = {
        "orgs": "schools have their ids as names",
        "academicSessions": f"all terms belong to the school year {year_id}; name it in school_years to roster it",
        "courses": "courses have their ids as titles",
    }
    return queries, [Finding("R-SET-16", f"{entity}.csv", words=words[entity]) for entity in queries]


def named(landed: Mapping[str, Landed]) -> dict[str, str]:
    """By entity that did not land a query for the records that those which did name."""
    found: dict[str, list[str]] = {}
    for each in references():
        if each.entity in landed and each.column in landed[each.entity].columns and each.to not in landed:
            ref = f"unnest({name(each.column)})" if each.many else name(each.column)
            found.setdefault(each.to, []).append(f"SELECT {ref} AS sourcedId FROM {VALUED}.{name(each.entity)}")
    return {entity: _made(" UNION ".join(queries)) for entity, queries in found.items()}


def _made(query: str) -> str:
    """The query as a named part, so that the earlier ones can be added to it."""
    return f"""WITH made_up AS ({query})
        SELECT *, NULL::BIGINT AS line, NULL::BIGINT AS place FROM made_up WHERE sourcedId IS NOT NULL"""
