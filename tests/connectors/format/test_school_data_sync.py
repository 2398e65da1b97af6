"""The files of School Data Sync 2.1 become the roster that they mean; those of version 1 are named and refused."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from syncrun.connectors.format import AUTO
from syncrun.run.reading import SetRefusedError

if TYPE_CHECKING:
    from desk import Desk

SHARED = Path(__file__).parents[4] / "shared" / "data"
FILES = {
    "orgs": "sourcedId,name,type,parentSourcedId\nd,Riverside,district,\ns,Oak,school,d\nc,College,college,d\n",
    "academicSessions": "sourcedId,title,type,schoolYear,startDate,endDate\n"
    "y,2026-2027,schoolYear,2026,2026-08-17,2027-06-12\nq,Autumn,quarter,2026,2026-08-17,2026-11-01\n",
    "courses": "sourcedId,orgSourcedId,title,code,schoolYearSourcedId,subject,grade\n"
    "m,s,Mathematics,M1,y,02,9\na,s,Art,A1,y,Visual arts,10\n",
    "classes": "sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId,code\n"
    'm-1,s,Mathematics 1,"y,q",m,M1-1\nclub,s,Chess,,,\n',
    "users": "sourcedId,username,givenName,familyName,password,activeDirectoryMatchId,email,phone,sms\n"
    "p,ana,Ana,Berg,canary-1,ana@x.org,,,\nt,tom,Tom,Chen,canary-1,,tom@x.org,,\ng,eva,Eva,Berg,canary-1,,,555,556\n",
    "roles": "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate,roleEndDate\n"
    "p,s,student,y,9,TRUE,2026-08-17,2027-06-12\nt,s,professor,y,,TRUE,,\n",
    "enrollments": "classSourcedId,userSourcedId,role\nm-1,p,student\nm-1,t,professor\nclub,p,student\n",
    "demographics": "userSourcedId,sex,birthDate,birthCity,birthState,birthCountry,ethnicityCodes,raceCodes\n"
    'p,female,2012-02-09,Oslo,,NO,hispanicOrLatinoEthnicity,"asian,white"\n',
    "relationships": "userSourcedId,relationshipUserSourcedId,relationshipRole\np,g,guardian\n",
    "userFlags": "userSourcedId,flag\np,iep\n",
}


def put(desk: Desk, files: dict[str, str]) -> None:
    for name, content in files.items():
        desk.put(f"{name}.csv", content)


def test_sample_becomes_a_roster(desk: Desk) -> None:
    put(desk, FILES)
    night = desk.read(form=AUTO)
    assert night.codes == {"R-FORM-02", "R-FILE-05", "R-GRADE-02", "R-ROW-11"}
    assert {entity: night.keys(entity) for entity in night.rows} == {
        "orgs": ["c", "d", "s"],
        "academicSessions": ["q", "schoolYear-2027", "y"],
        "courses": ["a", "course-of-club", "m"],
        "classes": ["club", "m-1"],
        "users": ["g", "p", "t"],
        "roles": ["g_s_guardian", "p_s_student_y", "t_s_professor_y"],
        "enrollments": ["club_p_student", "m-1_p_student", "m-1_t_professor"],
        "demographics": ["p"],
    }


def test_cells_are_read_as_meant(desk: Desk) -> None:
    put(desk, FILES)
    night = desk.read(form=AUTO)
    assert night.row("orgs", "c")["type"] == "ext:college"
    quarter = night.row("academicSessions", "q")
    assert (quarter["type"], quarter["schoolYear"]) == ("gradingPeriod", 2027), "the year in which it ends"
    assert [night.row("courses", key)["subjectCodes"] for key in ("m", "a")] == [["02"], None]
    assert [night.row("courses", key)["subjects"] for key in ("m", "a")] == [None, ["Visual arts"]]
    assert night.row("classes", "m-1")["termSourcedIds"] == ["y", "q"]
    assert night.row("classes", "club")["courseSourcedId"] == "course-of-club"
    ana = night.row("users", "p")
    assert (ana["grades"], ana["agentSourcedIds"], ana["userIds"]) == (["09"], ["g"], "{activeDirectory:ana@x.org}")
    role = night.row("roles", "p_s_student_y")
    assert (role["roleType"], role["beginDate"]) == ("primary", datetime.date(2026, 8, 17))
    assert night.row("roles", "t_s_professor_y")["role"] == "teacher"
    assert {row["role"] for row in night.rows["enrollments"]} == {"student", "teacher"}
    assert {row["schoolSourcedId"] for row in night.rows["enrollments"]} == {"s"}
    facts = night.row("demographics", "p")
    assert [facts[each] for each in ("asian", "white", "blackOrAfricanAmerican", "hispanicOrLatinoEthnicity")] == [
        True, True, False, True,
    ]  # fmt: skip


def test_guardian_without_a_role_is_one_by_the_relationship(desk: Desk) -> None:
    put(desk, FILES)
    with desk.opened(form=AUTO) as (connection, _):
        assert connection.execute("FROM relationships").fetchall() == [("p", "g", "guardian")]


@pytest.mark.parametrize("name", ["orgs", "users", "roles"])
def test_file_that_is_needed_is_missed(desk: Desk, name: str) -> None:
    put(desk, {each: content for each, content in FILES.items() if each != name})
    with pytest.raises(SetRefusedError) as caught:
        desk.read(form=AUTO)
    assert ("R-SET-02", f"{name}.csv") in [(each.code, each.file) for each in caught.value.findings]


def test_finding_names_file_line_and_column(desk: Desk) -> None:
    put(desk, {**FILES, "enrollments": FILES["enrollments"] + "gone,p,student\nm-1,p,wizard\n"})
    night = desk.read(form=AUTO)
    (lost,), (word,) = night.found("R-REF-01"), night.found("R-WORD-01")
    assert (lost.file, lost.line, lost.column) == ("enrollments.csv", 5, "classSourcedId")
    assert (word.file, word.line, word.column, word.shape) == ("enrollments.csv", 6, "role", "aaaaaa")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the samples of others do not stand beside the project")
def test_sample_of_the_vendor_is_read_without_a_rejected_row(desk: Desk) -> None:
    for path in sorted((SHARED / "sds-v2.1").glob("*.csv")):
        desk.put(path.name, path.read_bytes())
    night = desk.read(form=AUTO)
    assert {name: each.rejected for name, each in night.read.figures.items() if each.rejected} == {}
    assert len(night.rows["users"]) == 8


@pytest.mark.requirement("S2-2")
@pytest.mark.skipif(not SHARED.is_dir(), reason="the samples of others do not stand beside the project")
def test_sample_of_version_1_is_named_and_refused(desk: Desk) -> None:
    for path in sorted((SHARED / "sds-v1").glob("*.csv")):
        desk.put(path.name, path.read_bytes())
    with pytest.raises(SetRefusedError, match="School Data Sync, version 1") as caught:
        desk.read(form=AUTO)
    assert [each.code for each in caught.value.findings] == ["R-FORM-03"]
