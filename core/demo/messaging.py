"""The messaging app as it was before a district's first sync: what teachers made by hand, in every state that this gets into.

Most schools are there under the district's code. Teachers made classrooms that are also in the source, under slightly
other titles, and some that are not; they put students into them by nicknames and with typos, mostly without a number,
and gave points. Some is archived, and a neighbour district keeps its own rows in the same database.
"""

from __future__ import annotations

import datetime
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from syncrun.demo.roster import Files, Row
from syncrun.sinks.messaging import database

NEIGHBOUR = "lakeside"
NICKNAMES = {"Liam": "Will", "José": "Pepe", "Tomás": "Tommy", "Priya": "Pri", "Ingrid": "Inga", "Amir": "Ami"}
SHORT = {"Mathematics": "Math", "Science": "Sci.", "English": "ELA"}
ARCHIVED = datetime.datetime(2026, 6, 20, 12, 0, tzinfo=datetime.UTC)
COLORS = ("teal", "plum", "amber")


@dataclass(frozen=True, slots=True)
class Before:
    """What was made, and what it is in the source: for each table, sourcedIds by the app's own ids. Rows that are in
    `by_hand` have no equal there; those in `archived` were set aside by their teachers."""

    schools: dict[str, str] = field(default_factory=dict)
    teachers: dict[str, str] = field(default_factory=dict)
    classrooms: dict[str, str] = field(default_factory=dict)
    students: dict[str, str] = field(default_factory=dict)
    by_hand: dict[str, list[str]] = field(default_factory=lambda: {"classrooms": [], "students": []})
    archived: dict[str, list[str]] = field(default_factory=lambda: {"classrooms": [], "students": []})


def own_id(*words: str) -> str:
    """An id of the app's own; the same words give the same id."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, ".".join((*words, "messaging.example.org"))))


def fill(connection: sa.Connection, files: Files, seed: int = 0) -> Before:
    """Make the app's tables and fill them with what was there before the roster `files` came; the same for the same
    seed. Example: `with engine.begin() as connection: fill(connection, first_day())`."""
    database.metadata.create_all(connection)
    made = _Maker(random.Random(seed), Before())  # noqa: S311 # no secret depends on it
    for org in files["orgs"]:
        if org["type"] == "school":
            made.school(org, files)
    made.neighbour()
    for table in database.metadata.sorted_tables:
        if table.name in made.rows:
            _insert(connection, table, made.rows[table.name])
    return made.before


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows may have different columns, and the database's defaults are for those that they have not."""
    for columns in sorted({tuple(row) for row in rows}):
        connection.execute(sa.insert(table), [row for row in rows if tuple(row) == columns])


class _Maker:
    """Rows that were not written yet, by table."""

    def __init__(self, chance: random.Random, before: Before) -> None:
        self.chance, self.before = chance, before
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def _add(self, table: str, *words: str, **columns: Any) -> str:
        row = {"id": own_id(table, *words), **columns}
        self.rows.setdefault(table, []).append(row)
        return str(row["id"])

    def school(self, org: Row, files: Files) -> None:
        """A school with its teachers, its classrooms and those whom their teachers put into them."""
        key = org["sourcedId"]
        school = self._add("schools", key, name=org["name"].removesuffix(" School"), code=org["identifier"])
        self.before.schools[school] = key
        people = {row["sourcedId"]: row for row in files["users"] if row["orgSourcedIds"] == key}
        teachers = {row["sourcedId"]: self._teacher(school, row) for row in people.values() if row["role"] == "teacher"}
        students = {
            row["sourcedId"]: self._student(school, row)
            for row in people.values()
            if row["role"] == "student" and self.chance.random() < 0.4
        }
        for row in files["classes"]:
            if row["schoolSourcedId"] == key and self.chance.random() < 0.6:
                members = [
                    each["userSourcedId"] for each in files["enrollments"] if each["classSourcedId"] == row["sourcedId"]
                ]
                self._classroom(school, row, [teachers[each] for each in members if each in teachers],
                                [students[each] for each in members if each in students])  # fmt: skip
        self._club(school, key, next(iter(teachers.values())))

    def _teacher(self, school: str, row: Row) -> str:
        found = self._add("teachers", row["sourcedId"], school_id=school, given_name=row["givenName"],
                          family_name=row["familyName"], email=row["email"].replace("@", "@mail."), claimed_at=ARCHIVED)  # fmt: skip
        self.before.teachers[found] = row["sourcedId"]
        return found

    def _student(self, school: str, row: Row) -> str:
        """The same student as a teacher wrote them: with a nickname, a typo, or without what a teacher does not know."""
        given, family = row["givenName"], row["familyName"]
        kind = self.chance.choice(("same", "nickname", "typo", "initial"))
        given = {"nickname": NICKNAMES.get(given, given), "initial": f"{given[0]}."}.get(kind, given)
        family = _swapped(family) if kind == "typo" else family
        number = row["identifier"] if kind == "same" and self.chance.random() < 0.5 else None
        found = self._add("students", row["sourcedId"], school_id=school, given_name=given, family_name=family,
                          grade=row["grades"].lstrip("0"), number=number, points=self.chance.randrange(1, 90))  # fmt: skip
        self.before.students[found] = row["sourcedId"]
        return found

    def _classroom(self, school: str, row: Row, teachers: Sequence[str], students: Sequence[str]) -> None:
        title = row["title"]
        for long, short in SHORT.items():
            if self.chance.random() < 0.5:
                title = title.replace(long, short)
        if self.chance.random() < 0.3:
            title = f"{title.lower()} (period {row['periods']})"
        aside = self.chance.random() < 0.15
        found = self._add("classrooms", row["sourcedId"], school_id=school, title=title, nickname=f"Room of {title[:4]}",
                          color=self.chance.choice(COLORS), notes="Field trip in May", archived_at=ARCHIVED if aside else None)  # fmt: skip
        self.before.classrooms[found] = row["sourcedId"]
        if aside:
            self.before.archived["classrooms"].append(found)
        for teacher in teachers:
            self._add("memberships", found, teacher, classroom_id=found, teacher_id=teacher, is_lead=True)
        for student in students:
            if self.chance.random() < 0.8:
                self._add("memberships", found, student, classroom_id=found, student_id=student,
                          points=self.chance.randrange(1, 30))  # fmt: skip

    def _club(self, school: str, key: str, teacher: str) -> None:
        """A classroom and students that the source has nothing like."""
        found = self._add("classrooms", key, "club", school_id=school, title="Chess Club", color="plum")
        self.before.by_hand["classrooms"].append(found)
        self._add("memberships", found, teacher, classroom_id=found, teacher_id=teacher, is_lead=True)
        for name, aside in (("Guest", None), ("Former", ARCHIVED)):
            student = self._add("students", key, name, school_id=school, given_name=name, family_name="Player", points=7,
                                archived_at=aside)  # fmt: skip
            self.before.by_hand["students"].append(student)
            if aside:
                self.before.archived["students"].append(student)
            self._add("memberships", found, student, classroom_id=found, student_id=student, points=3)

    def neighbour(self) -> None:
        """Another district's rows, which look much like ours."""
        mine = {"managed_by": NEIGHBOUR}
        school = self._add("schools", NEIGHBOUR, name="Oak High School", code="S003", external_id="n-school", **mine)
        room = self._add(
            "classrooms", NEIGHBOUR, school_id=school, title="Mathematics 3A", external_id="class-3-0", **mine
        )
        student = self._add("students", NEIGHBOUR, school_id=school, given_name="Ana", family_name="Berg", number="S3000",
                            external_id="s3000", **mine)  # fmt: skip
        guardian = self._add("guardians", NEIGHBOUR, school_id=school, given_name="Eva", family_name="Berg",
                             email="eva@lakeside.example.org", external_id="g-1", **mine)  # fmt: skip
        self._add("memberships", NEIGHBOUR, classroom_id=room, student_id=student, external_id="n-seat", **mine)
        self._add("guardianships", NEIGHBOUR, student_id=student, guardian_id=guardian, relationship="parent", **mine)


def _swapped(word: str) -> str:
    """The word with two letters in the middle the wrong way round."""
    middle = len(word) // 2
    return word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
