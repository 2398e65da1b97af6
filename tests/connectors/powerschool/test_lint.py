"""Every rule has a package that breaks it, and nothing else; the package it is made from breaks none."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import pytest

from syncrun.connectors.powerschool.lint import RULES, Level, lint, lint_bytes
from syncrun.errors import InputError

MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<plugin xmlns="http://plugin.powerschool.pearson.com" name="Example" version="1.0" description="x">
  <oauth accessLevelV1Api="READ"/>
  <access_request>
    <field table="STUDENTS" field="DCID" access="ViewOnly"/>
    <field table="STUDENTS" field="LAST_NAME" access="ViewOnly"/>
  </access_request>
  <publisher name="Example Inc"><contact email="support@example.com" phone="555"/></publisher>
</plugin>
"""
QUERY = """<queries>
  <query name="com.example.product.area.students" coreTable="students" flattened="true">
    <summary>Students</summary>
    <args>
      <arg name="who" column="STUDENTS.DCID" default="1"/>
    </args>
    <columns>
      <column column="STUDENTS.DCID">id</column>
      <column column="STUDENTS.LAST_NAME">name</column>
    </columns>
    <sql><![CDATA[
SELECT s.DCID AS id, s.LAST_NAME AS name
FROM STUDENTS s WHERE s.DCID = :who
ORDER BY s.DCID
]]></sql>
  </query>
</queries>
"""
MAPPING = """<permission_mappings><permission name="/admin/home.html">
  <implies allow="post">/ws/schema/query/com.example.product.area.students</implies>
</permission></permission_mappings>
"""
PATHS = {"m": "plugin.xml", "q": "queries_root/com.example.product.named_queries.xml",
         "p": "permissions_root/com.example.permission_mappings.xml"}  # fmt: skip
GOOD = {PATHS["m"]: MANIFEST, PATHS["q"]: QUERY, PATHS["p"]: MAPPING}
ORDER = "ORDER BY s.DCID"
FROM = "FROM STUDENTS s WHERE s.DCID = :who"


def zipped(files: Mapping[str, str | bytes], *more: tuple[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in [*files.items(), *more]:
            archive.writestr(name, text)
    return out.getvalue()


def joined(condition: str, *tables: str) -> tuple[str, str, str]:
    """A query that joins tables besides, whose fields need not be requested for the test to be about the join."""
    return ("q", FROM, f"FROM STUDENTS s, {', '.join(tables)} WHERE s.DCID = :who AND {condition}")


def changed(*changes: tuple[str, str, str]) -> dict[str, str]:
    """The good package with texts swapped in its files; no access request is looked at where joins are."""
    found = dict(GOOD)
    for file, old, new in changes:
        assert old in found[PATHS[file]], old
        found[PATHS[file]] = found[PATHS[file]].replace(old, new, 1)
    return found


def codes(content: bytes) -> set[str]:
    return {each.code for each in lint_bytes(content, "package.zip")}


FILLER = '<field table="STUDENTS" field="LAST_NAME" access="ViewOnly"/>'
BROKEN: list[tuple[str, tuple[tuple[str, str, str], ...]]] = [
    ("L-PS-05", (("m", "</plugin>", ""),)),
    ("L-PS-05", (("q", "<summary>Students", "<summary>Students & all"),)),
    ("L-PS-06", (("m", "<plugin ", '<!DOCTYPE plugin [<!ENTITY a "b">]><plugin '),)),
    ("L-PS-07", (("m", "<oauth ", "<bogus/><oauth "),)),
    ("L-PS-07", (("m", 'version="1.0" d', 'version="1.0" color="red" d'),)),
    ("L-PS-07", (("m", 'xmlns="http://plugin.powerschool.pearson.com"', ""),)),
    ("L-PS-07", (("q", "<arg name", "<arg kind='x' name"),)),
    ("L-PS-07", (("q", 'flattened="true"', 'flattened="maybe"'),)),
    ("L-PS-10", (("m", 'name="Example"', f'name="{"x" * 41}"'),)),
    ("L-PS-10", (("m", 'name="Example" ', ""),)),
    ("L-PS-11", (("m", 'version="1.0" d', 'version="1.0-beta" d'),)),
    ("L-PS-12", (("m", ' version="1.0" d', " d"),)),
    ("L-PS-13", (("m", 'description="x"', f'description="{"x" * 257}"'),)),
    ("L-PS-14", (("m", 'name="Example Inc"', f'name="{"x" * 101}"'),)),
    ("L-PS-14", (("m", '<publisher name="Example Inc"><contact email="support@example.com" phone="555"/></publisher>', ""),)),
    ("L-PS-14", (("m", '<contact email="support@example.com" phone="555"/>', ""),)),
    ("L-PS-15", (("m", "support@", f"{'x' * 40}@"),)),
    ("L-PS-15", (("m", 'email="support@example.com" ', ""),)),
    ("L-PS-16", (("m", 'phone="555"', f'phone="{"5" * 21}"'),)),
    ("L-PS-20", (("m", ' accessLevelV1Api="READ"', ""),)),
    ("L-PS-21", (("m", '"READ"', '"read"'),)),
    ("L-PS-22", (("m", '"READ"', '"FULL"'),)),
    ("L-PS-23", (("m", 'LAST_NAME" access="ViewOnly"', 'LAST_NAME" access="Read"'),)),
    ("L-PS-24", (("m", 'LAST_NAME" access="ViewOnly"', 'LAST_NAME" access="FullAccess"'),)),
    ("L-PS-25", (("m", FILLER, FILLER * 2),)),
    ("L-PS-26", (("m", "<oauth ", '<registration url="http://example.com"/><oauth '),)),
    ("L-PS-27", (("m", "<oauth ", '<links><link display-text=""/></links><oauth '),)),
    ("L-PS-27", (("m", "<oauth ", '<links><link display-text="x"><ui_contexts><ui_context id="nowhere"/></ui_contexts></link></links><oauth '),)),
    ("L-PS-34", (("q", '<column column="STUDENTS.LAST_NAME">name</column>', ""),)),
    ("L-PS-35", (("q", ">name<", ">na-me<"),)),
    ("L-PS-35", (("q", ">name<", ">a.b.c<"),)),
    ("L-PS-36", (("q", ' coreTable="students"', ""),)),
    ("L-PS-37", (("q", 'coreTable="students"', 'coreTable="ps_enrollment_all"'),)),
    ("L-PS-38", (("q", ">name<", ">ID<"),)),
    ("L-PS-39", (("q", '<column column="STUDENTS.LAST_NAME">', '<column column="LAST_NAME">'),)),
    ("L-PS-39", (("q", '<column column="STUDENTS.LAST_NAME">', "<column>"),)),
    ("L-PS-40", (("q", "WHERE s.DCID = :who", "WHERE (s.DCID = :who"),)),
    ("L-PS-40", (("q", ORDER, f"{ORDER}; SELECT 1 AS id, 2 AS name FROM DUAL"),)),
    ("L-PS-41", (("q", "SELECT s.DCID AS id", "DELETE FROM x WHERE y = 1 -- "),)),
    ("L-PS-42", (("q", "s.LAST_NAME AS name", "UPPER(s.LAST_NAME)"),)),
    ("L-PS-43", (("q", "s.LAST_NAME AS name", "s.LAST_NAME AS ID"),)),
    ("L-PS-44", (("q", ORDER, ""),)),
    ("L-PS-45", (("q", "s.DCID AS id, s.LAST_NAME AS name", "s.*"),)),
    ("L-PS-46", (("q", "FROM STUDENTS s", "FROM STUDENTS s ~(tag)"),)),
    ("L-PS-47", (("q", 'default="1"', 'default="~(curschoolid)"'),)),
    ("L-PS-48", (("q", ' column="STUDENTS.DCID" default', " default"),)),
    ("L-PS-49", (("q", "<summary>Students", f"<summary>{'x' * 51}"),)),
    ("L-PS-50", (("q", ":who", ":whom"),)),
    ("L-PS-51", (("q", '<arg name="who" column="STUDENTS.DCID"', '<arg name="who" column="STUDENTS.ID"'),)),
    ("L-PS-52", (("q", "s.DCID = :who", "s.ID = :who"),)),
    ("L-PS-54", (("m", FILLER, FILLER + '<field table="STUDENTS" field="SSN" access="ViewOnly"/>'),)),
    ("L-PS-56", (("q", "s.LAST_NAME AS name", "s.LAST_NAME AS share"),)),
    ("L-PS-56", (("q", "s.LAST_NAME AS name", f"s.LAST_NAME AS {'n' * 31}"),)),
    ("L-PS-55", (("p", "area.students", "area.staff"),)),
]  # fmt: skip
EXPORT_ONLY = (("m", '<oauth accessLevelV1Api="READ"/>', ""), ("m", MANIFEST.partition("  <access_request>")[2].partition("</access_request>")[0], ""),
               ("m", "  <access_request></access_request>\n", ""))  # fmt: skip
JOINS: list[tuple[str, tuple[str, str, str]]] = [
    ("L-PS-53", ("q", FROM, "FROM STUDENTS s, CC c WHERE s.DCID = :who AND s.ID = c.STUDENTID AND DATELEFT > SYSDATE")),
    ("L-PS-60", joined("h.ID = s.SCHOOLID", "SCHOOLS h")),
    ("L-PS-60", joined("s.SCHOOLID = h.DCID", "SCHOOLS h")),
    ("L-PS-61", joined("x.TERMID = t.ID", "SECTIONS x", "TERMS t")),
    ("L-PS-62", joined("c.SECTIONID = x.ID", "SECTIONS x", "CC c")),
    ("L-PS-62", joined("t.ID = c.TERMID AND t.SCHOOLID = c.SCHOOLID", "TERMS t", "CC c")),
    ("L-PS-63", joined("c.STUDENTID = s.DCID", "CC c")),
    ("L-PS-63", joined("s.ID = a.STUDENTDCID", "STUDENTCONTACTASSOC a")),
    ("L-PS-63", joined("s.ID = w.KEY", "(SELECT a.STUDENTSDCID AS KEY FROM GUARDIANSTUDENT a) w")),
    ("L-PS-63", joined("f.DCID = t.TEACHERID", "SCHOOLSTAFF f", "SECTIONTEACHER t")),
    ("L-PS-64", joined("t.SCHOOLID = s.SCHOOLID", "TEACHERS t")),
    ("L-PS-65", joined("s.WHENMODIFIED > SYSDATE - 1", "DUAL")),
]


def test_the_good_package_is_good() -> None:
    assert lint_bytes(zipped(GOOD), "package.zip") == []
    assert lint_bytes(zipped(changed(*EXPORT_ONLY)), "package.zip") == []


@pytest.mark.parametrize(("code", "changes"), BROKEN)
def test_a_broken_twin_is_seen(code: str, changes: tuple[tuple[str, str, str], ...]) -> None:
    found = lint_bytes(zipped(changed(*changes)), "package.zip")
    assert code in {each.code for each in found}
    others = {each.code for each in found if each.rule.level is Level.ERROR} - {code}
    follow = {"L-PS-05", "L-PS-06", "L-PS-14", "L-PS-07", "L-PS-35", "L-PS-39", "L-PS-45", "L-PS-51", "L-PS-52"}
    assert not others or code in follow, "one fault, one error"


@pytest.mark.parametrize(("code", "change"), JOINS)
def test_a_join_that_gives_the_wrong_rows_is_seen(code: str, change: tuple[str, str, str]) -> None:
    assert codes(zipped(changed(*EXPORT_ONLY, change))) == {code}


@pytest.mark.parametrize("condition", [
    ("h.SCHOOL_NUMBER = s.SCHOOLID", "SCHOOLS h"), ("x.TERMID = t.ID AND x.SCHOOLID = t.SCHOOLID", "SECTIONS x", "TERMS t"),
    ("ABS(c.SECTIONID) = x.ID AND c.STUDENTID = s.ID", "SECTIONS x", "CC c"), ("s.DCID = a.STUDENTDCID", "STUDENTCONTACTASSOC a"),
    ("f.USERS_DCID = u.DCID AND f.ID = t.TEACHERID", "USERS u", "SCHOOLSTAFF f", "SECTIONTEACHER t"),
])  # fmt: skip
def test_joins_that_are_right_are_left_alone(condition: tuple[str, ...]) -> None:
    assert codes(zipped(changed(*EXPORT_ONLY, joined(*condition)))) == set()


def test_where_it_is_is_told_by_line() -> None:
    files = changed(("q", "s.LAST_NAME AS name", "UPPER(s.LAST_NAME)"), ("m", '"READ"', '"read"'))
    found = {each.code: (each.file, each.line) for each in lint_bytes(zipped(files), "package.zip")}
    assert found == {"L-PS-21": ("plugin.xml", 3), "L-PS-42": (PATHS["q"], 11)}


def test_values_are_not_repeated() -> None:
    secret = f"{'canary' * 9}@example.com"
    found = lint_bytes(zipped(changed(("m", "support@example.com", secret))), "package.zip")
    assert found
    assert "canary" not in str([each.as_dict() for each in found])


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("L-PS-01", b"PK\x03\x04 and no more"), ("L-PS-01", b"hello"), ("L-PS-01", b""),
        ("L-PS-01", zipped({**GOOD, "web_root/big": b"0" * (21 << 20)})),
        ("L-PS-02", zipped({f"wrapped/{name}": text for name, text in GOOD.items()})), ("L-PS-02", zipped({PATHS["q"]: QUERY})),
        ("L-PS-03", zipped({**GOOD, "__MACOSX/._plugin.xml": "x"})), ("L-PS-03", zipped({**GOOD, "README.md": "x"})),
        ("L-PS-03", zipped({**GOOD, "queries_root/queries.xml": QUERY})), ("L-PS-03", zipped({**GOOD, "web_root/.DS_Store": "x"})),
        ("L-PS-03", zipped({**GOOD, "web_root/../../x": "x"})),
        ("L-PS-04", zipped(GOOD, ("Plugin.XML", MANIFEST))),
        ("L-PS-30", zipped(changed(("q", 'name="com.example.product.area.students" ', ""), ("p", MAPPING, "<permission_mappings/>")))),
        ("L-PS-30", zipped(changed(("q", "area.students", "area." + "s" * 200)))),
        ("L-PS-31", zipped(changed(("q", "com.example.product.area.students", "students")))),
        ("L-PS-32", zipped({**GOOD, "queries_root/com.example.more.named_queries.xml": QUERY})),
        ("L-PS-33", zipped({PATHS["m"]: MANIFEST, "queries_root/mine.named_queries.xml": QUERY})),
    ],
)  # fmt: skip
def test_packages_that_are_none(code: str, content: bytes) -> None:
    assert code in codes(content)


def test_an_encrypted_package_is_told_as_such() -> None:
    content = bytearray(zipped(GOOD))
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    (remark,) = lint_bytes(bytes(content), "package.zip")
    assert (remark.code, remark.words) == ("L-PS-01", "it has a password")


def test_a_bare_manifest_is_a_package() -> None:
    bare = MANIFEST.replace("<field", "<!--").replace('access="ViewOnly"/>', "-->")
    assert codes(bare.encode()) == set()
    assert codes(("\ufeff" + bare).encode()) == set()


def test_entities_are_never_unfolded() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "0123456789"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    found = lint_bytes(MANIFEST.replace("<plugin ", f"{bomb}<plugin ").encode(), "plugin.xml")
    assert [each.code for each in found] == ["L-PS-06"]


def test_a_file_that_is_not_there_is_no_package(tmp_path) -> None:
    with pytest.raises(InputError) as error:
        lint(tmp_path / "none.zip")
    assert error.value.exit_code == 2


def test_every_rule_has_a_broken_twin() -> None:
    (packages,) = (mark.args[1] for mark in test_packages_that_are_none.pytestmark)
    broken = {code for code, _ in [*BROKEN, *JOINS, *packages]}
    assert broken == set(RULES)
