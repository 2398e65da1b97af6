"""The queries of the plug-in, run on a small PowerSchool that holds everything at which joins go wrong."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping

import pytest
from registrar import EXPECTED, answer, registrar

from syncrun.connectors.powerschool.package import Plugin
from syncrun.connectors.powerschool.package.roster import data_sets


def rows(
    plugin: Plugin, name: str, today: str = "2026-11-20", swap: tuple[str, str] | None = None
) -> list[dict[str, str]]:
    """The rows of one data set; with `swap`, one text in the query stands for another."""
    (found,) = (each for each in data_sets(plugin) if each.name == name)
    sql = found.sql(quotes=True)
    if swap:
        assert swap[0] in sql, "the query has changed; change the swap"
        sql = sql.replace(*swap)
    names, values = answer(registrar(), sql, today)
    assert names == list(found.columns)
    return [dict(zip(names, (each or "" for each in row), strict=True)) for row in values]


def by(column: str, found: list[dict[str, str]]) -> dict[str, Mapping[str, str]]:
    return {each[column]: each for each in found}


@pytest.mark.parametrize("name", list(EXPECTED))
def test_rows_are_those_written_by_hand(plugin: Plugin, name: str) -> None:
    assert rows(plugin, name) == EXPECTED[name]


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("users", "s.DCID = a.STUDENTDCID", "s.ID = a.STUDENTDCID"),  # ID for DCID
        ("enrollments", "s.ID = p.STUDENTID", "s.DCID = p.STUDENTID"),
        ("enrollments", "ABS(x.SECTIONID)", "x.SECTIONID"),  # negative is not dropped
        ("enrollments", "x.DATELEFT > x.DATEENROLLED AND ", ""),  # nothing: the next rule has it, see below
        ("enrollments", "x.DATELEFT > TRUNC(SYSDATE)", "x.DATELEFT >= TRUNC(SYSDATE)"),  # the day after the last
        ("enrollments", "p.DATELEFT - 1", "p.DATELEFT"),
        ("enrollments", "WHERE p.PLACE = 1", ""),  # two rows for one place
        ("enrollments", "WHERE t.PLACE = 1", ""),
        ("enrollments", "WHERE EXISTS (SELECT 1 FROM posts p WHERE p.USERS_DCID = f.USERS_DCID)", "WHERE 1 = 1"),
        ("enrollments", "AND (a.END_DATE IS NULL OR a.END_DATE >= TRUNC(SYSDATE))", ""),
        ("enrollments", " AND x.DATEENROLLED <= o.UNTIL", ""),
        ("enrollments", "JOIN pupils s ON", "JOIN STUDENTS s ON"),  # somebody who is gone
        ("classes", "t.ID = s.TERMID AND t.SCHOOLID = s.SCHOOLID", "t.ID = s.TERMID"),
        ("classes", "AND y.YEARID = t.YEARID", ""),  # all years
        ("classes", "NULLIF(s.GRADE_LEVEL, 0) AS GRADE_LEVEL", "s.GRADE_LEVEL"),  # unset is no kindergarten
        ("classes", "COALESCE(o.EXTERNAL_EXPRESSION, o.EXPRESSION)", "o.EXPRESSION"),
        ("users", "f.STATUS = 1 AND f.SCHOOLID", "f.SCHOOLID"),  # who has left
        ("users", "f.SCHOOLID <> 999999", "1 = 1"),
        ("users", "s.ENROLL_STATUS IN (0)", "s.ENROLL_STATUS < 9"),
        ("users", "ORDER BY p.AWAY, p.SCHOOLID", "ORDER BY p.SCHOOLID"),  # the home school first
        ("users", "EXISTS (SELECT 1 FROM teaching t WHERE t.USERS_DCID = u.DCID) OR", ""),
        ("users", "c.PLACE <= 6", "c.PLACE <= 7"),
        ("users", "AND d.ISCUSTODIAL = 1", ""),
        ("users", "d.ISACTIVE = 1 AND", ""),
        ("users", "n.ISACTIVE = 1 AND", ""),
        ("users", "(s.PERSON_ID IS NULL OR s.PERSON_ID <> a.PERSONID)", "1 = 1"),  # nobody is their own guardian
        ("users", "SELECT DISTINCT c.PERSONID", "SELECT c.PERSONID"),
        ("users", "a.ISPRIMARYEMAILADDRESS DESC, ", ""),
        ("users", "AND x.MOBILE = 1 AND x.PLACE = 1", "AND x.MOBILE = 1"),  # multiplied by telephones
        ("users", "NOT LIKE '##%'", "NOT LIKE '#?%'"),
        ("users", "NOT LIKE '~~%'", "NOT LIKE '~?%'"),
        ("orgs", "TO_CHAR(s.SCHOOL_NUMBER), s.NAME", "TO_CHAR(s.ID), s.NAME"),
        ("terms", "w.SCHOOLID = t.SCHOOLID AND w", "w"),
        ("courses", "WHERE EXISTS (SELECT 1 FROM offered o WHERE o.COURSE_NUMBER = c.COURSE_NUMBER)", ""),
    ],
)
def test_each_trap_is_in_the_tables(plugin: Plugin, name: str, right: str, wrong: str) -> None:
    if "DATELEFT > x.DATEENROLLED" in right:  # a no-show counts only where the day itself is not over yet
        assert rows(plugin, name, "2026-08-19", (right, wrong)) != rows(plugin, name, "2026-08-19")
    else:
        assert rows(plugin, name, swap=(right, wrong)) != EXPECTED[name]


def test_numbers_instead_of_keys_change_people_everywhere(plugin: Plugin) -> None:
    numbered = dataclasses.replace(plugin, identifiers="number")
    ids = set(by("sourcedId", rows(numbered, "users")))
    assert {"S1001", "S1004", "TN71", "G811"} <= ids
    assert {each["userSourcedId"] for each in rows(numbered, "enrollments")} <= ids


@pytest.mark.parametrize("identifiers", ["dcid", "number"])
def test_every_reference_leads_somewhere(plugin: Plugin, identifiers: str) -> None:
    plugin = dataclasses.replace(plugin, identifiers=identifiers)
    found = {each.name: rows(plugin, each.name) for each in data_sets(plugin)}
    ids = {name: {each["sourcedId"] for each in those} for name, those in found.items()}
    assert all(len(ids[name]) == len(found[name]) for name in found)
    assert {org for each in found["users"] for org in each["orgSourcedIds"].split(",")} <= ids["orgs"]
    assert {agent for each in found["users"] for agent in each["agentSourcedIds"].split(",") if agent} <= ids["users"]
    assert {each["courseSourcedId"] for each in found["classes"]} <= ids["courses"]
    assert {each["termSourcedIds"] for each in found["classes"]} <= ids["terms"]
    assert {each["classSourcedId"] for each in found["enrollments"]} <= ids["classes"]
    assert {each["userSourcedId"] for each in found["enrollments"]} <= ids["users"]


def test_choices_of_the_vendor(plugin: Plugin) -> None:
    everybody = by("sourcedId", rows(dataclasses.replace(plugin, staff="all"), "users"))
    assert (everybody["T74"]["role"], everybody["T74"]["orgSourcedIds"], everybody["T73"]["role"]) == (
        "aide",
        "0",
        "teacher",
    )
    assert "S5" in by("sourcedId", rows(dataclasses.replace(plugin, pre_registered=True), "users"))
    seeing = by("sourcedId", rows(dataclasses.replace(plugin, guardians_of="data_access"), "users"))
    assert [seeing[each]["agentSourcedIds"] for each in ("S2", "S71", "S3")] == ["G814", "G811", ""]
    without = by("sourcedId", rows(dataclasses.replace(plugin, guardians=False), "users"))
    assert not [each for each in without if each.startswith("G")]
    assert {each["agentSourcedIds"] for each in without.values()} == {""}


@pytest.mark.parametrize(
    ("today", "lead", "years"),
    [
        ("2026-08-05", 14, {"3500"}),  # the new year begins in 15 days at one school, and in 19 at the other
        ("2026-08-06", 14, {"3500", "3600"}), ("2027-07-20", 14, {"3600"}), ("2027-08-09", 14, {"3600", "3700"}),
        ("2027-08-08", 14, {"3600"}), ("2027-08-08", 15, {"3600", "3700"}),
    ],
)  # fmt: skip
def test_the_old_year_stays_through_the_summer(plugin: Plugin, today: str, lead: int, years: set[str]) -> None:
    found = rows(dataclasses.replace(plugin, lead_days=lead), "terms", today)
    expected = years if today != "2026-08-06" else {"3600"}
    assert {each["sourcedId"][4:] for each in found if each["type"] == "schoolYear"} == expected


def test_the_short_set_has_no_columns_that_it_cannot_fill(plugin: Plugin) -> None:
    short = dataclasses.replace(plugin, data_sets=("users", "classes", "enrollments"))
    assert [each.name for each in data_sets(short)] == ["users", "classes", "enrollments"]
    (classes,) = (each for each in data_sets(short) if each.name == "classes")
    assert {"courseSourcedId", "termSourcedIds"}.isdisjoint(classes.columns)
    columns = set(classes.columns)
    assert rows(short, "classes") == [{k: v for k, v in row.items() if k in columns} for row in EXPECTED["classes"]]


@pytest.mark.requirement("S2-11")
@pytest.mark.parametrize("name", list(EXPECTED))
def test_without_quotes_of_the_export_the_query_quotes_what_needs_it(plugin: Plugin, name: str) -> None:
    (found,) = (each for each in data_sets(plugin) if each.name == name)
    names, values = answer(registrar(), found.sql(quotes=False))
    text = "\r".join(",".join(cell or "" for cell in row) for row in [tuple(names), *values]) + "\r"
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == EXPECTED[name]
    assert '"Berg, Jr."' in text or name != "users"
    assert '"true"' not in text
