"""Joins that work and give the wrong rows: what PowerSchool's keys invite to."""

from __future__ import annotations

from collections.abc import Iterator

from syncrun.connectors.powerschool.query import Field, Query

_BY_ID = {"CC.STUDENTID", "STUDENTRACE.STUDENTID", "ATTENDANCE.STUDENTID", "STOREDGRADES.STUDENTID"}
_BY_DCID = {"STUDENTDCID", "STUDENTSDCID"}
_USERS_DCID = {"USERS_DCID", "USERSDCID"}
_SIGNED = {"CC.SECTIONID", "CC.TERMID"}


def doubts(query: Query) -> Iterator[tuple[str, str]]:
    """Codes of rules that the joins of a query break, each with the fields that it is about."""
    if "TEACHERS" in query.tables:
        yield "L-PS-64", ""
    for field in sorted(query.fields):
        if field.name == "WHENMODIFIED":
            yield "L-PS-65", str(field)
    pairs = [(left, right, scope) for left, right, scope in query.comparisons()]
    told: set[tuple[str, str]] = set()
    with_school = {id(scope) for left, right, scope in pairs
                   if {"TERMS.SCHOOLID"} & {str(left), str(right)} and left.name == right.name == "SCHOOLID"}  # fmt: skip
    for left, right, scope in pairs:
        for one, other in ((left, right), (right, left)):
            code = _doubt(one, other, with_school=id(scope) in with_school)
            words = f"{one} = {other}"
            if code and (code, words) not in told:
                told.add((code, words))
                yield code, words


def _doubt(one: Field, other: Field, *, with_school: bool) -> str | None:
    """The rule that `one = other` breaks; only one of its two directions is asked for each."""
    if one.name == "SCHOOLID" and str(other) in {"SCHOOLS.ID", "SCHOOLS.DCID"}:
        return "L-PS-60"
    if str(one) == "TERMS.ID" and other.name == "TERMID" and not with_school:
        return "L-PS-61"
    if str(one) in _SIGNED and other.table != "CC":
        return "L-PS-62"
    if _mixes_keys(str(one), other):
        return "L-PS-63"
    return None


def _mixes_keys(key: str, reference: Field) -> bool:
    if key == "STUDENTS.DCID":
        return str(reference) in _BY_ID
    if key == "STUDENTS.ID":
        return reference.name in _BY_DCID
    if key in {"SCHOOLSTAFF.ID", "SCHOOLSTAFF.DCID"}:
        return reference.name in _USERS_DCID or (key == "SCHOOLSTAFF.DCID" and str(reference) in {
            "SECTIONTEACHER.TEACHERID", "SECTIONS.TEACHER", "CC.TEACHERID"})  # fmt: skip
    return False
