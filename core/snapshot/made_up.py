"""Orgs, sessions and courses for a set that names them but does not carry them (`users.csv`, `classes.csv` and
`enrollments.csv` alone). What is made up has its id as its name, and the report says so."""

from __future__ import annotations

import datetime
from collections.abc import Collection

from syncrun.finding import Finding
from syncrun.rules.cells import VALUED
from syncrun.sqltext import literal

NAMED_ORGS = {
    "users": "unnest(orgSourcedIds)",
    "classes": "schoolSourcedId",
    "enrollments": "schoolSourcedId",
}


def school_year(today: datetime.date) -> int:
    """The calendar year in which the school year of a day ends; a school year turns on the first of July."""
    return today.year + (1 if today.month >= 7 else 0)


def made_up(landed: Collection[str], today: datetime.date) -> tuple[dict[str, str], list[Finding]]:
    """By entity a query for the records to make up, and the findings that say so."""
    year = school_year(today)
    year_id = f"schoolYear-{year}"
    dates = f"DATE '{year - 1}-07-01' AS startDate, DATE '{year}-06-30' AS endDate, {year} AS schoolYear"
    orgs = " UNION ".join(
        f"SELECT {column} AS id FROM {VALUED}.{entity}" for entity, column in NAMED_ORGS.items() if entity in landed
    )
    queries = {
        "orgs": _made(f"SELECT id AS sourcedId, id AS name, 'school' AS type, id AS identifier FROM ({orgs})"),
        "academicSessions": _made(f"""
            SELECT {literal(year_id)} AS sourcedId, {literal(f"{year - 1}-{year}")} AS title, 'schoolYear' AS type,
                NULL::VARCHAR AS parentSourcedId, {dates}
            UNION ALL
            SELECT id, id, 'term', {literal(year_id)}, {dates} FROM (
                SELECT DISTINCT unnest(termSourcedIds) AS id FROM {VALUED}.classes)"""),
        "courses": _made(f"""
            SELECT courseSourcedId AS sourcedId, courseSourcedId AS title, any_value(schoolSourcedId) AS orgSourcedId
            FROM {VALUED}.classes GROUP BY courseSourcedId"""),
    }  # fmt: skip
    words = {
        "orgs": "schools have their ids as names",
        "academicSessions": f"all terms belong to the school year {year_id}; name it in school_years to roster it",
        "courses": "courses have their ids as titles",
    }
    return queries, [Finding("R-SET-16", f"{entity}.csv", words=text) for entity, text in words.items()]


def _made(query: str) -> str:
    """The query as a named part, so that the earlier ones can be added to it."""
    return f"""WITH made_up AS ({query})
        SELECT *, NULL::BIGINT AS line, NULL::BIGINT AS place FROM made_up WHERE sourcedId IS NOT NULL"""
