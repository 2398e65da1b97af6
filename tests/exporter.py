"""The small world with an export in place of the planner, and what tests look for in what it publishes."""

from __future__ import annotations

import copy
import csv
import io
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desk import Desk, columns, text
from world import World

from syncrun.demo import roster
from syncrun.plan.model import Plan

if TYPE_CHECKING:
    from syncrun.run.ending import Result

Row = dict[str, str]
Canonical = dict[str, list[tuple[Any, ...]]]


class Exporter(World):
    """One district, `riverside`, that is exported into the folder `outbox`."""

    sink = "oneroster_csv"

    def __init__(self, folder: Path) -> None:
        self.outbox = folder / "outbox"
        self.outbox.mkdir(exist_ok=True)
        self.version = "1.1"
        super().__init__(folder)

    def configure(
        self, text: str | None = None, *, sink: str = "", limits: str = "", years: str = "[]", district: str = "riverside",
        place: str = 'path = "outbox"',
    ) -> None:  # fmt: skip
        """Write the district file; `sink` has further settings of the export."""
        super().configure(
            text
            or f"""
district = "{district}"
time_zone = "America/New_York"
[source]
connector = "oneroster_csv"
path = "inbox"
settle_seconds = 0
{f"[limits]{chr(10)}{limits}" if limits else ""}
[[sinks]]
sink = "{self.sink}"
school_years = {years}
{place}
{sink}
"""
        )

    def write(self, files: roster.Files | None = None) -> None:
        """Put the set into the inbox: also of 1.2, with demographics, and with files of our own."""
        if files is not None:
            self.files = copy.deepcopy(files)
        shutil.rmtree(self.inbox, ignore_errors=True)
        self.inbox.mkdir()
        for entity, rows in self.files.items():
            content = text(columns(entity, self.version), rows)
            (self.inbox / f"{entity}.csv").write_text(content, encoding="utf-8", newline="")
        modes = [{"propertyName": f"file.{entity}", "value": "bulk"} for entity in self.files]
        told = [{"propertyName": "manifest.version", "value": "1.0"},
                {"propertyName": "oneroster.version", "value": self.version}, *modes]  # fmt: skip
        (self.inbox / "manifest.csv").write_text(text(["propertyName", "value"], told), encoding="utf-8", newline="")

    def say_yes(self, *schools: str, district: str = "riverside") -> None:
        """Approve what waits, whole or by school, by the clock of the test."""
        state = self.state()
        run = next(each for each in state.runs(district, limit=3) if each.plan_run)
        plan = Plan.from_json(self.session().folders.plan(str(run.plan_run)).read_text())
        parts = [(plan.hash_of(school), school) for school in schools] or [(plan.held_hash, None)]
        state.decide(district, run.id, "approve", parts, "tester")

    def first(self) -> Result:
        """The first sync: held, approved, published."""
        self.write()
        held = self.sync()
        assert held.exit_code == 3, held.summary
        self.say_yes()
        result = self.sync()
        assert result.exit_code == 0, result.summary
        return result

    def night(self, **options: Any) -> Result:
        """What arrived, a day later; it must be done."""
        self.write()
        self.clock.move(days=1)
        result = self.sync(**options)
        assert result.exit_code == 0, result.summary
        return result

    # -- what came out ---------------------------------------------------------------------------------------------------

    def published(self) -> list[str]:
        """Names of all that is in the outbox, hidden or not."""
        return sorted(each.name for each in self.outbox.iterdir())

    def newest(self) -> Path:
        """The file that was written last."""
        return max(self.outbox.iterdir(), key=lambda each: (each.stat().st_mtime_ns, each.name))

    def tables(self, path: Path | None = None) -> dict[str, list[Row]]:
        """The rows of each file of an archive."""
        return unpacked((path or self.newest()).read_bytes())


def unpacked(archive: bytes) -> dict[str, list[Row]]:
    """The rows of each file of an archive, as a plain reader has them."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        for name in opened.namelist():
            text = opened.read(name).decode()
            found[name.removesuffix(".csv")] = list(csv.DictReader(io.StringIO(text, newline="")))
    return found


VIEWS = ("orgs", "academicSessions", "courses", "classes", "users", "roles", "enrollments", "demographics", "relationships",
         "userIds", "class_terms", "session_years")  # fmt: skip


DATED = VIEWS[:5] + VIEWS[6:8]
"""Those whose rows have a status and a date of change."""


def canonical(folder: Path, *sets: Path, dated: bool = True) -> Canonical:
    """The canonical roster after these sets have come one after the other: every cell of every table, or all but what
    says when a row came."""
    folder.mkdir()
    desk = Desk(folder)
    for each in sets[:-1]:
        _put(desk, each)
        desk.settle()
    _put(desk, sets[-1])
    found = {}
    with desk.opened() as (connection, read):
        assert not read.doubts
        for view in VIEWS:
            hidden = (
                ["ordinal"] if view == "roles" else [] if dated or view not in DATED else ["status", "dateLastModified"]
            )
            shown = f"* EXCLUDE ({', '.join(hidden)})" if hidden else "*"
            found[view] = connection.execute(f"SELECT {shown} FROM {view} ORDER BY ALL").fetchall()
        query = """SELECT userSourcedId, role, arg_min(orgSourcedId, (orgSourcedId IS DISTINCT FROM primaryOrgSourcedId,
            ordinal, orgSourcedId)) FROM roles JOIN users ON users.sourcedId = userSourcedId GROUP BY ALL ORDER BY ALL"""
        found["homes"] = connection.execute(query).fetchall()
    return found


def _put(desk: Desk, path: Path) -> None:
    shutil.rmtree(desk.inbox)
    desk.inbox.mkdir()
    for each in path.iterdir() if path.is_dir() else [path]:
        shutil.copy(each, desk.inbox)


def rich() -> roster.Files:
    """The demo district with everything that an export must carry: families, people of several schools, lists, letters."""
    files = copy.deepcopy(roster.first_day())
    person = dict(files["users"][0])
    people = {row["sourcedId"]: row for row in files["users"]}
    people["t100"].update(orgSourcedIds="school-2,school-1", email="t@example.org", userIds="{Fed:A-1},{State:99}")
    people["s1000"].update(givenName='=HYPERLINK("x")', familyName="O'Neil, \"Jr\"", middleName="Zoë Łucja", grades="03,04",
                           agentSourcedIds="g1,g2", sms="+1 555 0100", phone="555-0101")  # fmt: skip
    people["s1001"].update(agentSourcedIds="g1", identifier="007", userIds="{LDAP:cn=x}")
    for key, role, org, more in (
        ("g1", "parent", "school-1", {"agentSourcedIds": "s1000,s1001"}), ("g2", "relative", "school-1", {}),
        ("a1", "administrator", "school-3", {}), ("a2", "administrator", "district", {}),
        ("h1", "aide", "school-3", {"enabledUser": "false"}),
    ):  # fmt: skip
        files["users"].append({**person, "email": "", "sourcedId": key, "username": key, "identifier": key, "role": role,
                               "orgSourcedIds": org, **more})  # fmt: skip
    files["academicSessions"].append({"sourcedId": "q1", "title": "Q1", "type": "gradingPeriod", "startDate": "2026-08-17",
        "endDate": "2026-10-12", "parentSourcedId": "fall-2026", "schoolYear": "2027"})  # fmt: skip
    files["classes"][0].update(termSourcedIds="q1,fall-2026", periods="1,2", grades="03,04", subjects="Mathematics,Art",
                               subjectCodes="02001,05001", title='  -Math: 1A; "x"')  # fmt: skip
    files["courses"][0].update(grades="KG,01", courseCode="0012", schoolYearSourcedId="")
    files["demographics"] = [
        {"sourcedId": "s1000", "birthDate": "2017-02-28", "sex": "female", "asian": "true", "white": "true",
         "demographicRaceTwoOrMoreRaces": "true", "hispanicOrLatinoEthnicity": "false", "countryOfBirthCode": "US",
         "stateOfBirthAbbreviation": "NY", "cityOfBirth": "Albany", "publicSchoolResidenceStatus": "01652"},
        {"sourcedId": "s1001", "sex": "male"},
    ]  # fmt: skip
    return files


def rich_12() -> roster.Files:
    """The same as OneRoster 1.2, where a person has several roles."""
    files = rich()
    roles = []
    for row in files["users"]:
        orgs = row.pop("orgSourcedIds").split(",")
        word = row.pop("role")
        word = {"a1": "principal", "a2": "systemAdministrator", "h1": "counselor"}.get(row["sourcedId"], word)
        roles += [
            {"sourcedId": f"r-{row['sourcedId']}-{org}", "userSourcedId": row["sourcedId"], "roleType": "primary",
             "role": word, "orgSourcedId": org, "beginDate": "2026-08-17"} for org in orgs
        ]  # fmt: skip
        if row["sourcedId"] in {"s1000", "t100"}:
            row.update(
                preferredGivenName="Zo", pronouns="they/them", userMasterIdentifier="M1", primaryOrgSourcedId=orgs[0]
            )
    roles.append({"sourcedId": "r-more", "userSourcedId": "t100", "roleType": "secondary", "role": "parent",
                  "orgSourcedId": "school-3"})  # fmt: skip
    files["roles"] = roles
    return files
