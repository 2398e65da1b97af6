"""DuckDB expressions that several formats need, over the text of a cell."""

from __future__ import annotations

from collections.abc import Mapping


def words(column: str, known: Mapping[str, str], otherwise: str = "") -> str:
    """The cell with known words put into OneRoster's, case aside; others as they are, or as `otherwise` says."""
    cases = " ".join(f"WHEN '{word.lower()}' THEN '{meant}'" for word, meant in known.items())
    return f"CASE lower(trim({column})) {cases} ELSE {otherwise or column} END"


def flag(column: str) -> str:
    """A truth value as OneRoster writes it; other texts as they are."""
    return words(column, {**dict.fromkeys(("y", "yes", "true", "1"), "true"),
                          **dict.fromkeys(("n", "no", "false", "0"), "false")})  # fmt: skip


def school_year(day: str, otherwise: str = "'$year'") -> str:
    """The calendar year in which the school year ends that a day, `YYYY-MM-DD`, is in; it turns on the first of July."""
    year = f"CAST(substr({day}, 1, 4) AS INTEGER) + CASE WHEN substr({day}, 6, 2) >= '07' THEN 1 ELSE 0 END"
    return (
        f"CASE WHEN regexp_matches({day}, '^[0-9]{{4}}-[0-9]{{2}}') THEN CAST({year} AS VARCHAR) ELSE {otherwise} END"
    )


def year_dates(year: str) -> Mapping[str, str]:
    """The columns of a school year that no file describes, by the year in which it ends."""
    before = f"CAST(CAST({year} AS INTEGER) - 1 AS VARCHAR)"
    return {
        "sourcedId": f"'schoolYear-' || {year}", "title": f"{before} || '-' || {year}", "type": "'schoolYear'",
        "startDate": f"{before} || '-07-01'", "endDate": f"{year} || '-06-30'", "schoolYear": year,
    }  # fmt: skip


def id_of(*parts: str) -> str:
    """An id made of several texts, without characters that an id should not have."""
    return f"regexp_replace(concat_ws('_', {', '.join(parts)}), '[^0-9A-Za-z._/@-]+', '-', 'g')"
