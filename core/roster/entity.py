"""The canonical entities as marshmallow schemas, after OneRoster 1.2, with what 1.1 has and 1.2 has not.

From these classes come the checks in SQL (`syncrun.rules.cells`), the loading of single records, the docs tables and
what each column tells of a person. Column names are the standard's. `only="1.1"` marks columns that 1.2 gave up;
`lift` in `syncrun.roster.view` turns them into 1.2's form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from syncrun.roster import vocabulary as words
from syncrun.roster.cell import Cell, Code, Coded, Id, Instant, Mail, Password, Phone, Ref, Text, UserIds
from syncrun.roster.listed import GradeList, RefList, TextList
from syncrun.roster.rule import Rule, Severity, catalogue
from syncrun.roster.typed import Bool, Date, Word, Year

ROW_RULES = catalogue(
    Rule("R-ROW-01", "A row of a bulk file has a status or a date of change", Severity.NOTE,
         "Leave both blank in bulk files; `tobedeleted` was taken as a removal.", "OneRoster CSV 1.2, bulk mode"),
    Rule("R-ROW-02", "A row of a delta file lacks its status or its date of change", Severity.DROP_ROW,
         "Fill both in delta files.", "OneRoster CSV 1.2, delta mode"),
    Rule("R-ROW-03", "A session does not end after it begins", Severity.DROP_ROW,
         "Correct startDate and endDate.", "OneRoster 1.2, academicSession"),
    Rule("R-ROW-04", "An enrollment or role ends before it begins", Severity.NOTE,
         "Correct beginDate and endDate.", "OneRoster 1.2, enrollment"),
    Rule("R-ROW-05", "A row of a bulk file is marked tobedeleted", Severity.NOTE,
         "Leave the row out of bulk files; it was taken as a removal.", "OneRoster CSV 1.2, bulk mode"),
    Rule("R-ROW-06", "A change is dated more than a day ahead", Severity.NOTE,
         "Set the clock or the time zone of the source system right.", "practice"),
    Rule("R-ROW-07", "Some rows of a file have a status and others have none", Severity.NOTE,
         "Fill the status of all rows in a delta file, and of none in a bulk file.", "practice"),
    Rule("R-ROW-08", "A row has more subjects than subject codes, or fewer", Severity.NOTE,
         "Give each subject its code, in the same order, or give no codes.", "OneRoster CSV 1.2, subjectCodes"),
    Rule("R-ROW-09", "An enrollment is marked as primary, but not as a teacher's", Severity.NOTE,
         "Mark teachers only.", "OneRoster CSV 1.2, enrollment"),
    Rule("R-ROW-10", "Somebody who is no student has a grade", Severity.NOTE,
         "Leave the grades of others blank.", "OneRoster CSV 1.1, users"),
    Rule("R-ROW-11", "demographicRaceTwoOrMoreRaces does not agree with the races that are marked", Severity.NOTE,
         "Mark it where two or more races are marked, and nowhere else.", "practice"),
    Rule("R-ROW-12", "A person is named as their own agent", Severity.NOTE,
         "Name the guardian, or leave the cell blank.", "practice"),
    Rule("R-ROW-13", "A school year does not end in the year that it is given", Severity.NOTE,
         "Write the calendar year in which the session of type schoolYear ends.", "OneRoster CSV 1.2, Year"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowTest:
    """A rule about the values of one row together, in both executions: `sql` is true, false or NULL, `python` gets the
    values by column. `columns` are those that it asks; without one of them it is not looked at."""

    code: str
    columns: tuple[str, ...]
    sql: str
    python: Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one record means and which rules it breaks: pairs of column and code; row rules have column ''."""

    values: Mapping[str, Any]
    findings: frozenset[tuple[str, str]]


class Entity(Schema):
    """One kind of record. `load` gives the values of one record of cells or raises marshmallow's `ValidationError`
    whose messages are rule codes by column."""

    class Meta:
        """Columns that the entity does not have are passed over."""

        unknown = EXCLUDE

    entity: ClassVar[str]
    row_tests: ClassVar[tuple[RowTest, ...]] = ()

    sourcedId = Id(required=True, doc="key; unique in its file")
    status = Word(words.STATUS, words.STATUS_ALIASES, doc="blank in bulk, required in delta")
    dateLastModified = Instant(doc="blank in bulk, required in delta")

    @classmethod
    def cells(cls) -> dict[str, Cell]:
        """The columns in the standard's order."""
        return {name: field for name, field in cls._declared_fields.items() if isinstance(field, Cell)}

    def verdict(self, record: Mapping[str, str | None]) -> Verdict:
        """Judge one record of cells: the Python execution of what `syncrun.rules.cells` does in SQL."""
        readings = {name: cell.read(record.get(name)) for name, cell in self.cells().items() if name in self.fields}
        values = {name: reading.value for name, reading in readings.items()}
        findings = {(name, code) for name, reading in readings.items() for code in reading.codes}
        try:
            self.load({name: cell for name, cell in record.items() if cell is not None})
        except ValidationError as error:
            messages = cast("dict[str, list[str]]", error.messages)
            findings |= {(name, code) for name, codes in messages.items() for code in codes}
        findings |= {("", test.code) for test in self.row_tests if test.python(values)}
        return Verdict(values, frozenset(findings))


def _ends_before(begin: str, end: str, *, equal: bool) -> Callable[[Mapping[str, Any]], bool]:
    def test(values: Mapping[str, Any]) -> bool:
        start, stop = values[begin], values[end]
        return start is not None and stop is not None and (stop < start or (equal and stop == start))

    return test


def _uneven(values: Mapping[str, Any]) -> bool:
    subjects, codes = values["subjects"], values["subjectCodes"]
    return bool(subjects and codes) and len(subjects) != len(codes)


_ENDS_BEFORE_BEGIN = RowTest(
    "R-ROW-04", ("beginDate", "endDate"), "endDate < beginDate", _ends_before("beginDate", "endDate", equal=False)
)
_UNEVEN_SUBJECTS = RowTest("R-ROW-08", ("subjects", "subjectCodes"), "len(subjects) <> len(subjectCodes)", _uneven)
RACES = (
    *("americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican"),
    *("nativeHawaiianOrOtherPacificIslander", "white"),
)


def _races_disagree(values: Mapping[str, Any]) -> bool:
    told = values["demographicRaceTwoOrMoreRaces"]
    return told is not None and told != (sum(values[race] is True for race in RACES) > 1)


class Org(Entity):
    """A school, district or other body."""

    entity = "orgs"

    name = Text(required=True)
    type = Word(words.ORG_TYPES, words.ORG_TYPE_ALIASES, required=True, extensible=True)
    identifier = Code(doc="an id that people know, as the NCES id")
    parentSourcedId = Ref("orgs", dangling="drop value")


class AcademicSession(Entity):
    """A school year, semester, term or grading period."""

    entity = "academicSessions"
    row_tests = (
        RowTest("R-ROW-03", ("startDate", "endDate"), "endDate <= startDate",
                _ends_before("startDate", "endDate", equal=True)),
        RowTest("R-ROW-13", ("type", "endDate", "schoolYear"), "type = 'schoolYear' AND year(endDate) <> schoolYear",
                lambda row: row["type"] == "schoolYear" and None not in {row["endDate"], row["schoolYear"]}
                and row["endDate"].year != row["schoolYear"]),
    )  # fmt: skip

    title = Text(required=True)
    type = Word(words.SESSION_TYPES, words.SESSION_TYPE_ALIASES, required=True, extensible=True)
    startDate = Date(required=True)
    endDate = Date(required=True, doc="exclusive by the standard; many write the last day")
    parentSourcedId = Ref("academicSessions", dangling="drop value")
    schoolYear = Year(required=True, doc="the calendar year in which the school year ends")


class Course(Entity):
    """What is taught; a class is one occurrence of it."""

    entity = "courses"
    row_tests = (_UNEVEN_SUBJECTS,)

    schoolYearSourcedId = Ref("academicSessions", dangling="drop value")
    title = Text(required=True)
    courseCode = Code()
    grades = GradeList()
    orgSourcedId = Ref("orgs", required=True)
    subjects = TextList()
    subjectCodes = TextList()


class Class(Entity):
    """One class or section, in one school, over one or more sessions."""

    entity = "classes"
    row_tests = (_UNEVEN_SUBJECTS,)

    title = Text(required=True)
    grades = GradeList()
    courseSourcedId = Ref("courses", required=True)
    classCode = Text()
    classType = Word(words.CLASS_TYPES, required=True, extensible=True)
    location = Text(doc="room")
    schoolSourcedId = Ref("orgs", required=True)
    termSourcedIds = RefList("academicSessions", required=True)
    subjects = TextList()
    subjectCodes = TextList()
    periods = TextList()


class User(Entity):
    """A person."""

    entity = "users"
    row_tests = (
        RowTest("R-ROW-10", ("role", "grades"), "role <> 'student' AND grades IS NOT NULL",
                lambda row: row["role"] not in {None, "student"} and row["grades"] is not None),
        RowTest("R-ROW-12", ("sourcedId", "agentSourcedIds"), "list_contains(agentSourcedIds, sourcedId)",
                lambda row: row["sourcedId"] is not None and row["sourcedId"] in (row["agentSourcedIds"] or ())),
    )  # fmt: skip

    enabledUser = Bool(required=True, doc="false: the record is active, log-in is barred")
    orgSourcedIds = RefList("orgs", required=True, only="1.1")
    role = Word((*words.ROLES, "administrator"), words.ROLE_ALIASES, required=True, extensible=True, only="1.1")
    username = Text(required=True, privacy="contact")
    userIds = UserIds(privacy="identifier")
    givenName = Text(required=True, privacy="name")
    familyName = Text(required=True, privacy="name")
    middleName = Text(privacy="name")
    identifier = Code(privacy="identifier", doc="the local id that people know")
    email = Mail(privacy="contact")
    sms = Phone(privacy="contact")
    phone = Phone(privacy="contact")
    agentSourcedIds = RefList("users", dangling="drop value", doc="guardians of a student, children of a guardian")
    grades = GradeList(privacy="profile")
    password = Password(privacy="credential", doc="dropped on reading")
    userMasterIdentifier = Code(privacy="identifier", only="1.2")
    preferredGivenName = Text(privacy="name", only="1.2")
    preferredMiddleName = Text(privacy="name", only="1.2")
    preferredFamilyName = Text(privacy="name", only="1.2")
    primaryOrgSourcedId = Ref("orgs", dangling="drop value", only="1.2")
    pronouns = Text(privacy="profile", only="1.2")
    language = Text(privacy="profile", only="PowerSchool", doc="spoken at home; the standard has no such column")


class Role(Entity):
    """What a person is in an org. 1.1 has it as two columns of users."""

    entity = "roles"
    row_tests = (_ENDS_BEFORE_BEGIN,)

    userSourcedId = Ref("users", required=True)
    roleType = Word(words.ROLE_TYPES, required=True)
    role = Word(
        words.ROLES, {**words.ROLE_ALIASES, "administrator": "siteAdministrator"}, required=True, extensible=True
    )
    beginDate = Date()
    endDate = Date()
    orgSourcedId = Ref("orgs", required=True)
    userProfileSourcedId = Id()


class Enrollment(Entity):
    """One person in one class."""

    entity = "enrollments"
    row_tests = (
        _ENDS_BEFORE_BEGIN,
        RowTest("R-ROW-09", ("role", "primary"), "\"primary\" AND role <> 'teacher'",
                lambda row: row["primary"] is True and row["role"] not in {None, "teacher"}),
    )  # fmt: skip

    classSourcedId = Ref("classes", required=True)
    schoolSourcedId = Ref("orgs", required=True)
    userSourcedId = Ref("users", required=True)
    role = Word(
        words.ENROLLMENT_ROLES, {**words.ROLE_ALIASES, "sysadmin": "administrator"}, required=True, extensible=True
    )
    primary = Bool(doc="teachers only")
    beginDate = Date(doc="included")
    endDate = Date(doc="exclusive by the standard")


class Demographics(Entity):
    """Facts about a student that most apps have no business with; its `sourcedId` is the user's."""

    entity = "demographics"
    row_tests = (
        RowTest("R-ROW-11", ("demographicRaceTwoOrMoreRaces", *RACES),
                "demographicRaceTwoOrMoreRaces <> (" + " + ".join(f"coalesce({race}, false)::INT" for race in RACES) + " > 1)",
                _races_disagree),
    )  # fmt: skip

    sourcedId = Ref("users", required=True)
    birthDate = Date(privacy="demographic")
    sex = Word(words.SEXES, extensible=True, privacy="demographic")
    americanIndianOrAlaskaNative = Bool(privacy="demographic")
    asian = Bool(privacy="demographic")
    blackOrAfricanAmerican = Bool(privacy="demographic")
    nativeHawaiianOrOtherPacificIslander = Bool(privacy="demographic")
    white = Bool(privacy="demographic")
    demographicRaceTwoOrMoreRaces = Bool(privacy="demographic")
    hispanicOrLatinoEthnicity = Bool(privacy="demographic")
    countryOfBirthCode = Coded("[A-Z]{2}", privacy="demographic", doc="ISO 3166, two letters")
    stateOfBirthAbbreviation = Coded("[A-Z]{2}", privacy="demographic", doc="of the United States, two letters")
    cityOfBirth = Text(privacy="demographic")
    publicSchoolResidenceStatus = Coded("0165[2-6]", privacy="demographic", doc="CEDS code, 01652 to 01656")


class Guardian(Entity):
    """A parent or guardian of one or more students, as `guardians.csv` has them: lifted into users, roles and
    relationships. A guardian whose `sourcedId` is that of a user is that user."""

    entity = "guardians"

    studentSourcedIds = RefList("users", required=True, doc="the students, with commas between")
    noContactSourcedIds = RefList(
        "users", dangling="drop value", doc="those of them with whom there must be no contact, nor about them"
    )
    role = Word(words.GUARDIAN_ROLES, words.GUARDIAN_ALIASES, doc="`guardian` where it is blank")
    givenName = Text(required=True, privacy="name")
    familyName = Text(required=True, privacy="name")
    username = Text(privacy="contact")
    email = Mail(privacy="contact")
    sms = Text(privacy="contact")
    phone = Text(privacy="contact")


class StudentAttribute(Entity):
    """A named fact about a student that has no column of its own, as `student_attributes.csv` has them."""

    entity = "studentAttributes"

    userSourcedId = Ref("users", required=True, doc="the student")
    name = Text(required=True, doc="what it is called, like homeLanguage")
    value = Text(privacy="profile", doc="blank: it is not known")


class Relationship(Schema):
    """A student and a guardian; drawn from `agentSourcedIds` of either, and from guardians. Two between whom there must
    be no contact have none, whatever says that they belong together."""

    userSourcedId = fields.String(required=True, metadata={"doc": "the student"})
    agentSourcedId = fields.String(required=True, metadata={"doc": "the guardian"})
    type = fields.String(metadata={"doc": "the guardian's role word"})


class UserId(Schema):
    """An id of a person in another system; drawn from `userIds`."""

    userSourcedId = fields.String(required=True)
    type = fields.String(required=True)
    identifier = fields.String(required=True, metadata={"privacy": "identifier"})


ENTITIES: dict[str, type[Entity]] = {
    cls.entity: cls
    for cls in (Org, AcademicSession, Course, Class, User, Role, Enrollment, Demographics, Guardian, StudentAttribute)
}
"""The entities that arrive as files or collections, parents before children."""

DERIVED: dict[str, type[Schema]] = {
    "relationships": Relationship,
    "userIds": UserId,
}
"""Canonical tables that are drawn from columns of the entities."""
