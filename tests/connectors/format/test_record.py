"""Records as JSON, drawn into the canonical roster: the same district as files and over REST; what providers are known
to send; what is hard to read."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import AUTUMN, Desk, Night

from syncrun.config.district import Limits
from syncrun.config.schema import LimitsSchema
from syncrun.connectors.format.record import records, spelled
from syncrun.intake.arrival import Arrival
from syncrun.run import reading
from syncrun.run.checking import EVERYTHING
from syncrun.run.progress import Silent
from syncrun.run.pulling import Pull
from syncrun.scratch import scratch
from syncrun.sdk import Mark, Page
from syncrun.testing.clock import FixedClock
from syncrun.testing.roster_server.file import read_roster
from syncrun.testing.roster_server.roster import Roster

Records = dict[str, list[dict[str, Any]]]
BORN = ("countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus")


class Sent:
    """A source that sends what it was given, two records a page."""

    deltas = None

    def __init__(self, found: Records, version: str) -> None:
        self.format = records(version, demographics=True)
        self._found = found

    def check(self) -> None:
        """All is well."""

    def mark(self) -> Mark:
        """Always the same."""
        return Mark("1")

    def read(self, collection: str, since: object, cursor: str | None) -> Iterator[Page]:
        """The pages."""
        found = self._found.get(collection.removeprefix("sent_"), [])
        pages = [found[place : place + 2] for place in range(0, len(found), 2)]
        for number, page in enumerate(pages or [[]], 1):
            last = number >= len(pages)
            yield Page(spelled(collection.removeprefix("sent_"), page), None if last else str(number), complete=last)

    def close(self) -> None:
        """Nothing is open."""


class Office:
    """Reads records with the engine's own parts, without a district, a state or a sink."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)

    def arrival(self, found: Records, version: str = "1.1") -> Arrival:
        """The records on disk."""
        folder = self.folder / f"pull-{next(self._numbers)}"
        pull = Pull(Sent(found, version), folder, Mark("1"), None, clock=_clock(), progress=Silent(), rests_on="")
        return pull.arrival()

    def read(self, found: Records, version: str = "1.1") -> Night:
        """Read them."""
        arrival, number = self.arrival(found, version), next(self._numbers)
        with scratch(self.folder / f"spill-{number}", [self.folder]) as connection:
            return Night(connection, reading.read(
                connection, arrival, None, staged=EVERYTHING, limits=Limits(**LimitsSchema().load({})), today=AUTUMN,
                home=self.folder, snapshots=self.folder / f"rest-{number}", run=f"rest-{number}", progress=Silent(),
            ))  # fmt: skip


def _clock() -> FixedClock:
    import datetime

    return FixedClock(datetime.datetime.combine(AUTUMN, datetime.time(12), datetime.UTC))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office in an empty folder."""
    return Office(tmp_path)


# -- the same district, three ways ---------------------------------------------------------------------------------------

IDS = ("007", "a|b", "Zoë-1", "x y", "12.50", "1e5", "O'Neill", "null-ish", "a_b", "_")


def district() -> dict[str, list[dict[str, str]]]:
    """A district with all that is awkward in ids, names and lists, in OneRoster 1.1."""
    schools = ["0012", "élan|1"]
    files: dict[str, list[dict[str, str]]] = {
        "orgs": [
            {"sourcedId": "00", "name": "Landkreis Süd", "type": "district", "identifier": "0001"},
            *({"sourcedId": each, "name": f"Schule {each} “Nord”", "type": "school", "identifier": "007",
               "parentSourcedId": "00"} for each in schools),
        ],
        "academicSessions": [
            {"sourcedId": "2027", "title": "2026/27", "type": "schoolYear", "startDate": "2026-08-17",
             "endDate": "2027-06-12", "schoolYear": "2027"},
            *({"sourcedId": each, "title": each, "type": "term", "startDate": "2026-08-17", "endDate": "2027-06-12",
               "parentSourcedId": "2027", "schoolYear": "2027"} for each in ("t|1", "t 2")),
        ],
        "courses": [{"sourcedId": "c,1", "title": "Mathe, Stufe 1", "courseCode": "01", "orgSourcedId": "00", "grades": "01,02",
                     "schoolYearSourcedId": "2027", "subjects": "Mathe,Física", "subjectCodes": "001,02"}],
        "classes": [
            {"sourcedId": f"k{n}", "title": f"Klasse {n}", "classCode": f"0{n}", "classType": "scheduled", "location": "R 1",
             "courseSourcedId": "c,1", "schoolSourcedId": school, "termSourcedIds": "t|1,t 2", "grades": "01,02",
             "subjects": "Mathe", "subjectCodes": "001", "periods": "1,2"} for n, school in enumerate(schools)
        ],
        "users": [
            {"sourcedId": key, "enabledUser": "false" if key == "_" else "true", "role": "student", "username": f"ü{key}",
             "orgSourcedIds": ",".join(schools) if key == "007" else schools[0], "givenName": "Null", "familyName": f"Ñ{key}",
             "middleName": "d'Été", "identifier": f"00{n}", "email": f"{n}@example.org", "sms": "0123", "phone": "+1 (2) 3",
             "userIds": "{Fed:0099},{SIS:x|1}" if n else "", "agentSourcedIds": "pa,pb" if n < 2 else "", "grades": "01"}
            for n, key in enumerate(IDS)
        ] + [
            {"sourcedId": key, "enabledUser": "true", "role": role, "username": key, "orgSourcedIds": schools[0],
             "givenName": "Ana", "familyName": "García"}
            for key, role in (("pa", "parent"), ("pb", "guardian"), ("te", "teacher"), ("ad", "administrator"))
        ],
        "enrollments": [
            {"sourcedId": f"e {key}", "classSourcedId": "k0", "schoolSourcedId": schools[0], "userSourcedId": key,
             "role": "teacher" if key == "te" else "student", "primary": "true" if key == "te" else "",
             "beginDate": "2026-08-17", "endDate": "2027-01-01"} for key in (*IDS, "te")
        ],
        "demographics": [
            {"sourcedId": key, "birthDate": "2015-02-28", "sex": "female", "asian": "true", "white": "false",
             "countryOfBirthCode": "DE", "stateOfBirthAbbreviation": "BY", "cityOfBirth": "Köln"} for key in IDS[:4]
        ],
    }  # fmt: skip
    return files


def accepted(night: Night, entity: str) -> list[Any]:
    """The rows of an entity as a set that can be compared: without where they stood, and when they changed."""
    without = {"line", "place", "status", "dateLastModified"}
    if entity == "roles":
        without |= {"sourcedId"}
    return sorted(
        (
            sorted((k, v) for k, v in row.items() if k not in without and v not in (None, []))
            for row in night.rows[entity]
        ),
        key=repr,
    )


def _as_records(desk: Desk) -> Roster:
    return read_roster(desk.inbox)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_the_same_district_is_the_same_roster_over_rest(tmp_path: Path, version: str) -> None:
    desk = Desk(tmp_path)
    files = district()
    if version == "1.2":
        files = lifted(files)
    desk.write(files, version=version)
    csv_night = desk.read()
    roster = _as_records(desk)
    sent = {each: [record.facts(version) for record in roster.records(each)] for each in files if each != "roles"}  # type: ignore[arg-type] # the words of a version
    rest_night = Office(tmp_path / "rest").read(sent, version)
    assert rest_night.codes == csv_night.codes
    assert not any(each.rejected for night in (csv_night, rest_night) for each in night.read.figures.values())
    for entity in files:
        assert accepted(rest_night, entity) == accepted(csv_night, entity), entity


def lifted(files: dict[str, list[dict[str, str]]]) -> dict[str, list[dict[str, str]]]:
    """The same in OneRoster 1.2: roles in a table of their own, with what only that version has."""
    found = {**files, "roles": []}
    users = []
    for row in files["users"]:
        orgs, role = row["orgSourcedIds"].split(","), row["role"]
        for number, org in enumerate(orgs):
            found["roles"].append({
                "sourcedId": f"{row['sourcedId']}-{org}", "userSourcedId": row["sourcedId"], "orgSourcedId": org,
                "roleType": "secondary" if number else "primary",
                "role": "siteAdministrator" if role == "administrator" else role,
                "beginDate": "2026-08-17" if number else "",
            })  # fmt: skip
        kept = {key: cell for key, cell in row.items() if key not in {"orgSourcedIds", "role"}}
        users.append({**kept, "userMasterIdentifier": f"0{row['sourcedId']}", "primaryOrgSourcedId": orgs[0],
                      "preferredGivenName": "Zé", "preferredFamilyName": "Ünal", "pronouns": "they/them"})  # fmt: skip
    return {**found, "users": users}


# -- roles of 1.2 ----------------------------------------------------------------------------------------------------


def plain(version: str = "1.1") -> Records:
    """A district of one school, as JSON."""

    def ref(key: str) -> dict[str, str]:
        return {"sourcedId": key, "type": "x", "href": f"https://inner.invalid/{key}"}

    common = {"status": "active", "dateLastModified": "2026-08-01T00:00:00.000Z"}
    person = {**common, "enabledUser": "true", "givenName": "Ana", "familyName": "Berg"}
    users: list[dict[str, Any]] = []
    for key, role in (("teacher", "teacher"), ("pupil-1", "student"), ("pupil-2", "student"), ("parent", "parent")):
        held: dict[str, Any] = {"role": role, "orgs": [ref("school")]}
        if version == "1.2":
            held = {"roles": [{"roleType": "primary", "role": role, "org": ref("school")}]}
        users.append({**person, "sourcedId": key, "username": key, **held})
    return {
        "orgs": [{**common, "sourcedId": "district", "name": "Riverside", "type": "district"},
                 {**common, "sourcedId": "school", "name": "Oak", "type": "school", "parent": ref("district")}],
        "academicSessions": [
            {**common, "sourcedId": "year", "title": "2026-2027", "type": "schoolYear", "startDate": "2026-08-17",
             "endDate": "2027-06-12", "schoolYear": "2027"},
            {**common, "sourcedId": "fall", "title": "Fall", "type": "term", "startDate": "2026-08-17", "endDate": "2026-12-19",
             "parent": ref("year"), "schoolYear": "2027"}],
        "courses": [{**common, "sourcedId": "course", "title": "Mathematics", "org": ref("district"), "schoolYear": ref("year")}],
        "classes": [{**common, "sourcedId": "class", "title": "Mathematics 1", "course": ref("course"), "classType": "scheduled",
                     "school": ref("school"), "terms": [ref("fall")]}],
        "users": users,
        "enrollments": [{**common, "sourcedId": f"e-{key}", "class": ref("class"), "school": ref("school"), "user": ref(key),
                         "role": role} for key, role in (("teacher", "teacher"), ("pupil-1", "student"), ("pupil-2", "student"))],
    }  # fmt: skip


def test_ids_that_hold_the_sign_between_them_make_no_equal_roles(office: Office) -> None:
    """A user `a` in an org `b_c`, and a user `a_b` in an org `c`."""
    found = plain("1.2")
    for key, org in (("a", "b_c"), ("a_b", "c")):
        found["orgs"].append({**found["orgs"][1], "sourcedId": org, "name": org})
        held = [{"roleType": "primary", "role": "student", "org": {"sourcedId": org}}]
        found["users"].append({**found["users"][1], "sourcedId": key, "username": key, "roles": held})
    night = office.read(found, "1.2")
    assert not night.codes
    assert {("a", "b_c"), ("a_b", "c")} <= {(row["userSourcedId"], row["orgSourcedId"]) for row in night.rows["roles"]}


def test_a_user_without_roles_and_one_with_several(office: Office) -> None:
    found = plain("1.2")
    found["users"][3]["roles"] = []
    found["users"][0]["roles"] *= 2
    night = office.read(found, "1.2")
    assert [row["userSourcedId"] for row in night.rows["roles"]].count("parent") == 0
    assert [row["userSourcedId"] for row in night.rows["roles"]].count("teacher") == 1


# -- what providers are known to send  -----------------------------------------------------


def _flat(found: Records) -> None:
    for collection in found.values():
        for record in collection:
            for key, value in list(record.items()):
                if isinstance(value, dict) and "sourcedId" in value:
                    record[f"{key}SourcedId"] = record.pop(key)["sourcedId"]
                elif isinstance(value, list) and value and isinstance(value[0], dict) and "sourcedId" in value[0]:
                    record[f"{key.removesuffix('s')}SourcedIds"] = ",".join(
                        each["sourcedId"] for each in record.pop(key)
                    )


def _references(change: Any) -> Any:
    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(each) for each in value]
        if isinstance(value, dict):
            return change(value) if "href" in value else {key: walk(each) for key, each in value.items()}
        return value

    def apply(found: Records) -> None:
        for name, collection in found.items():
            found[name] = walk(collection)

    return apply


def _each(**fields: Any) -> Any:
    def apply(found: Records) -> None:
        for collection in found.values():
            for record in collection:
                record.update({key: value for key, value in fields.items() if key not in record or record[key] is None})

    return apply


def _users(**fields: Any) -> Any:
    def apply(found: Records) -> None:
        for record in found["users"]:
            record.update(fields)

    return apply


def _without_dates(found: Records) -> None:
    for collection in found.values():
        for record in collection:
            record.pop("status", None)
            record.pop("dateLastModified", None)


def _same_id(found: Records) -> None:
    found["orgs"].append({**found["orgs"][1], "sourcedId": "pupil-1", "name": "Elm"})


DEVIATIONS = {
    "4-doubled-href": _references(lambda ref: {**ref, "href": "hhttp://nowhere"}),
    "3-inner-href": _references(lambda ref: {**ref, "href": "http://10.0.0.1/x"}),
    "5-enabledUser-number": _users(enabledUser=1),
    "5-reference-type-wrong": _references(lambda ref: {**ref, "type": "user"}),
    "6-real-booleans": _users(enabledUser=True),
    "6-periods-text": lambda found: found["classes"][0].update(periods="1"),
    "7-keys-of-their-own": _each(_id=1, links=[{"a": {"b": []}}], **{"@type": "x"}),
    "8-flat-ids": _flat,
    "9-nulls-for-blanks": _each(middleName=None, email=None, sms=None, phone=None, grades=None, periods=None, identifier=None,
                                subjects=None, subjectCodes=None, agents=None, userIds=None, beginDate=None, endDate=None),
    "9-relative-href": _references(lambda ref: {**ref, "href": "/x/y"}),
    "10-lists-blank": _each(grades="", subjects="", subjectCodes=""),
    "10-primary-boolean": lambda found: found["enrollments"][0].update(primary=True),
    "10-primary-text": lambda found: found["enrollments"][0].update(primary="true"),
    "18-references-of-id-alone": _references(lambda ref: {"sourcedId": ref["sourcedId"]}),
    "18-no-status-no-date": _without_dates,
    "21-termSourcedId": lambda found: found["classes"][0].update(termSourcedId=found["classes"][0].pop("terms")[0]["sourcedId"]),
    "24-enabledUser-capital": _users(enabledUser="TRUE"),
    "25-null-words": _each(email="null", phone="NULL", sms="None", identifier="null"),
    "25-empty-objects": _each(email={}, grades=[], metadata={}),
    "34-same-id-in-two-collections": _same_id,
    "bare-ids": _references(lambda ref: ref["sourcedId"]),
    "demographics-in-small-letters": lambda found: found.update(demographics=[{"sourcedId": "pupil-1", "birthdate": "2015-02-28"}]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("number", "version"),
    [
        pytest.param(number, version, marks=() if version == "1.1" or "ids" in number else pytest.mark.slow)
        for number in DEVIATIONS
        for version in ("1.1", "1.2")
    ],
)
def test_what_providers_are_known_to_send(office: Office, number: str, version: str) -> None:
    """The roster is the one that a right provider would have sent, and no row is lost."""
    right, found = plain(version), plain(version)
    DEVIATIONS[number](found)
    usual, night = office.read(right, version), office.read(found, version)
    assert not [each for each in night.read.figures.values() if each.rejected]
    for entity in night.rows:
        told = accepted(night, entity)
        if entity == "demographics" and number.startswith("demographics"):
            assert "2015, 2, 28" in repr(told)
        elif number.startswith("10-primary") and entity == "enrollments":
            assert [cell for row in told for cell in row if cell[0] == "primary"] == [("primary", True)]
        elif number == "6-periods-text" and entity == "classes":
            assert ("periods", ["1"]) in told[0]
        elif number == "34-same-id-in-two-collections" and entity == "orgs":
            assert len(told) == 3
        else:
            assert told == (accepted(usual, entity) if entity in usual.rows else []), entity


@pytest.mark.parametrize(("sent", "code"), [("Kindergarten", "KG"), ("9", "09"), ("K", "KG")])
def test_grades_in_other_words(office: Office, sent: str, code: str) -> None:
    """27: they are read as CEDS has them, or left out with a finding; the row stays."""
    found = plain()
    found["users"][1]["grades"] = [sent]
    night = office.read(found)
    assert night.row("users", "pupil-1")["grades"] in ([code], [sent])
    assert not night.read.figures["users"].rejected


def test_a_person_may_be_called_null(office: Office) -> None:
    found = plain()
    found["users"][1] |= {"givenName": "Null", "familyName": "None"}
    row = office.read(found).row("users", "pupil-1")
    assert (row["givenName"], row["familyName"]) == ("Null", "None")


def test_ids_that_are_numbers(office: Office) -> None:
    found = plain()
    found["orgs"][1]["sourcedId"] = 7
    found["classes"][0]["school"] = {"sourcedId": 7}
    for each in found["enrollments"]:
        each["school"] = {"sourcedId": 7}
    for each in found["users"]:
        each["orgs"] = [{"sourcedId": 7}]
    night = office.read(found)
    assert night.keys("orgs") == ["7", "district"]
    assert len(night.rows["enrollments"]) == 3


# -- what is hard to read ------------------------------------------------------------------------------------------------

NAMES = [
    "A\0B",
    "\U0001f600",
    "e\u0301",
    "\u202eabc",
    '"quoted", and comma',
    "line\nbreak",
    "{not json",
    "[nor this",
    "'",
    "\\",
]


@pytest.mark.parametrize("told", NAMES, ids=[ascii(each) for each in NAMES])
def test_letters_of_any_kind(office: Office, told: str) -> None:
    """The set is read; a row that is not used is said to be so."""
    found = plain()
    found["users"][1]["givenName"] = told
    night = office.read(found)
    if night.read.figures["users"].rejected:
        assert night.codes
    else:
        assert night.row("users", "pupil-1")["givenName"].strip() == told.strip()
    assert "pupil-2" in night.keys("users")


@pytest.mark.parametrize("size", [3_000_000, 20_000_000], ids=["3 MB", "20 MB"])
def test_a_record_as_large_as_a_file(office: Office, size: int) -> None:
    """What nobody asked for does no harm, however large."""
    found = plain()
    found["users"][1]["metadata"] = {"photo": "x" * size}
    assert office.read(found).keys("users") == ["parent", "pupil-1", "pupil-2", "teacher"]


ANYTHING = [{"a": {"b": 1}}, [[1], [2]], 12.5, -1, True, 10**18, "x" * 100_000, [None], [{}], "{", "[1"]


@pytest.mark.parametrize(
    "key", ["givenName", "grades", "agents", "enabledUser", "orgs", "sourcedId", "status", "userIds"]
)
def test_anything_in_any_place_stops_no_other_row(office: Office, key: str) -> None:
    found = plain()
    found["users"] += [{**found["users"][3], "sourcedId": f"odd-{n}", key: each} for n, each in enumerate(ANYTHING)]
    night = office.read(found)
    assert {"parent", "pupil-1", "pupil-2", "teacher"} <= set(night.keys("users"))


@pytest.mark.parametrize("name", ["sourcedId=x", "name=Elm", "it's", "{a}"])
def test_folders_of_any_name(tmp_path: Path, name: str) -> None:
    """A path says nothing about columns."""
    night = Office(tmp_path / name).read(plain())
    assert night.keys("orgs") == ["district", "school"]
    assert night.row("orgs", "school")["name"] == "Oak"


def test_records_are_counted_where_they_came(office: Office) -> None:
    """A finding names the record by its number, over all pages."""
    found = plain()
    found["users"][2]["enabledUser"] = "perhaps"
    (finding,) = [each for each in office.read(found).findings if each.column == "enabledUser"]
    assert (finding.file, finding.line) == ("users", 3)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_no_two_columns_of_a_collection_differ_by_case_alone(version: str) -> None:
    for kind in records(version, demographics=True).kinds:
        found = Counter(column.name.lower() for column in kind.columns)
        assert [name for name, times in found.items() if times > 1] == [], "no table could hold both"


def test_birthdate_is_put_right_where_a_service_writes_it_small() -> None:
    sent = [{"sourcedId": "a", "birthdate": "2010-01-02"}, {"sourcedId": "b", "birthDate": "2011-01-02"}]
    assert [each["birthDate"] for each in spelled("demographics", sent)] == ["2010-01-02", "2011-01-02"]
    assert spelled("users", sent) is sent


def test_credentials_are_dropped_before_anything_is_kept() -> None:
    sent = [{"sourcedId": "a", "password": "x", "userProfiles": [{"credentials": []}]}, {"sourcedId": "b"}]
    assert spelled("users", sent) == [{"sourcedId": "a"}, {"sourcedId": "b"}]


def test_a_record_that_comes_twice_leaves_its_collection_unproved(office: Office) -> None:
    found = plain()
    found["users"].append(dict(found["users"][0]))
    doubts = [(each.file, each.code) for each in office.read(found).findings if each.code == "R-PULL-01"]
    assert doubts == [("users", "R-PULL-01")]
