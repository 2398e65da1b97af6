"""Two lists of the same made-up students, as two systems have them, and which is which.

Names follow Zipf's law, as names do. Between the lists lie a summer and other people's typing: nicknames, slips of the
pen, names in each other's place, marks and hyphens lost, second family names dropped, moved schools, changed and missing
e-mail addresses, identifiers and birthdays; twins and siblings; those who left and those who came, some of whom have a
leaver's number, address or name. The nicknames here are a list of their own, not the one that the matcher has.

Everything follows from the seed. Nobody in it exists.
"""

from __future__ import annotations

import datetime
import itertools
import random
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from syncrun.sqltext import literal, name

SEED = 20_270_817
GIVEN = """
    James Mary Michael Patricia Robert Jennifer John Linda David Elizabeth William Barbara Richard Susan Joseph Jessica
    Thomas Karen Christopher Sarah Charles Lisa Daniel Nancy Matthew Sandra Anthony Ashley Mark Emily Steven Kimberly
    Andrew Margaret Joshua Donna Kenneth Michelle Kevin Carol Brian Amanda Timothy Melissa Ronald Deborah Jason Stephanie
    Edward Rebecca Jeffrey Sharon Ryan Laura Jacob Cynthia Nicholas Amy Gary Kathleen Eric Angela Jonathan Stephen Anna
    Larry Brenda Justin Pamela Scott Emma Brandon Nicole Benjamin Helen Samuel Samantha Gregory Katherine Alexander
    Christine Patrick Rachel Frank Carolyn Raymond Janet Jack Maria José Juan Luis Carlos Jesús Ana Sofía Guadalupe
    Francisco Miguel Alejandro Diego Valentina Ximena Camila Mateo Santiago Mohammed Ahmed Fatima Aisha Omar Yusuf Amina
    Wei Li Mei Jun Nguyên Thảo Minh Priya Arjun Ananya Rohan Kwame Ama Zoë Chloé Renée François Björn Søren Łukasz Zofia
    Mario Marie Marta Marcus Martin Martina Dana Dane Erin Aaron Jayden Jaden Kayla Kaylee Aiden Hayden Liam Noah Olivia
    Ava Isabella Mia Charlotte Amelia Evelyn Abigail Harper Ethan Logan Lucas Mason Elijah Oliver Theodore Eleanor Mary-Ann
    Anne-Marie Jean-Luc De'Andre La'Keisha
""".split()
FAMILY = [*"""
    Smith Johnson Williams Brown Jones García Miller Davis Rodríguez Martínez Hernández López González Wilson Anderson
    Thomas Taylor Moore Jackson Martin Lee Pérez Thompson White Harris Sánchez Clark Ramírez Lewis Robinson Walker Young
    Allen King Wright Scott Torres Nguyễn Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts
    Gómez Phillips Evans Turner Díaz Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook Rogers Gutiérrez
    Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim Cox Ward Richardson Watson Brooks Chávez Wood James
    Bennett Gray Mendoza Ruiz Hughes Price Álvarez Castillo Sanders Patel Myers Long Ross Foster Jiménez O'Brien O'Connor
    McDonald MacLeod D'Angelo Müller Schröder Weiß Østergaard Łukaszewicz Çelik Hansen Hanson Jensen Johansson Chen Wang
    Li Zhang Singh Kaur Khan Ali Hassan Ahmed Okafor Mensah Tran Phạm Lê Petrov Ivanova Kowalski Nowak Rossi Silva Santos
""".split(), "van der Berg", "de la Cruz", "Al-Hassan", "bin Rashid", "von Braun", "St. John", "El-Amin", "de Souza"]  # fmt: skip
CALLED = {
    "James": "Jim Jimmy Jamie", "Michael": "Mike Mikey", "Robert": "Bob Rob Bobby", "Jennifer": "Jen Jenny",
    "David": "Dave", "Elizabeth": "Liz Beth Lizzie Betsy Ellie", "William": "Bill Will Billy Liam", "Richard": "Rick Dick",
    "Susan": "Sue Susie", "Joseph": "Joe Joey", "Jessica": "Jess Jessie", "Thomas": "Tom Tommy", "Christopher": "Chris Topher",
    "Charles": "Charlie Chuck", "Daniel": "Dan Danny", "Matthew": "Matt", "Anthony": "Tony", "Emily": "Em Emmy",
    "Steven": "Steve", "Kimberly": "Kim", "Andrew": "Andy Drew", "Margaret": "Maggie Meg Peggy", "Joshua": "Josh",
    "Kenneth": "Ken Kenny", "Timothy": "Tim", "Melissa": "Mel Missy", "Ronald": "Ron", "Deborah": "Deb Debbie",
    "Stephanie": "Steph", "Edward": "Ed Eddie Ted", "Rebecca": "Becca Becky", "Jeffrey": "Jeff", "Jacob": "Jake",
    "Cynthia": "Cindy", "Nicholas": "Nick Nico", "Kathleen": "Kathy", "Angela": "Angie", "Jonathan": "Jon", "Stephen": "Steve",
    "Benjamin": "Ben Benny", "Samuel": "Sam", "Samantha": "Sam Sammy", "Gregory": "Greg", "Katherine": "Kate Katie Kat",
    "Alexander": "Alex Xander", "Christine": "Chris Tina", "Patrick": "Pat", "Maria": "Mari", "José": "Pepe Joe",
    "Juan": "Juanito", "Jesús": "Chuy", "Guadalupe": "Lupe", "Francisco": "Paco Pancho", "Miguel": "Mike", "Alejandro": "Alex",
    "Santiago": "Santi", "Mohammed": "Mo", "Abigail": "Abby", "Theodore": "Theo Teddy", "Eleanor": "Ellie Nora",
    "Isabella": "Bella Izzy", "Olivia": "Liv Livvy", "Charlotte": "Lottie Charlie", "Amelia": "Millie", "Jaden": "JJ",
    "Guillermo": "Memo", "Lucas": "Luke", "Mateo": "Teo", "Evelyn": "Evie", "Mason": "Mace", "Logan": "Lo",
}  # fmt: skip
SYLLABLES = """
    ba be bo ka ke ko da de do fa fe ga go ha ho ja jo la le li lo ma me mi mo na ne ni no pa pe ra re ri ro sa se
""".split()
ENDS = ("", "n", "s", "r", "son", "ski", "man", "ton", "ez", "ova", "ley", "berg")
PARTICLES = ("van ", "von ", "de ", "bin ", "Al-", "El-", "St. ")
COLUMNS = ("id", "givenName", "familyName", "middleName", "email", "identifier", "birthDate", "grade", "school")


@dataclass(frozen=True)
class Person:
    """One student in one list; `id` is that list's own."""

    id: str
    givenName: str
    familyName: str
    middleName: str | None
    email: str | None
    identifier: str | None
    birthDate: str | None
    grade: str | None
    school: str | None


@dataclass(frozen=True)
class Pair:
    """Two lists and the truth: by incoming id the existing one."""

    incoming: list[Person]
    existing: list[Person]
    truth: dict[str, str]


def made(students: int, seed: int = SEED) -> Pair:
    """The two lists, about `students` long each."""
    return _Maker(students, seed).make()


class _Maker:
    def __init__(self, students: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.students = students
        self.schools = [f"school-{n}" for n in range(max(2, students // 700))]
        self.given = _Zipf(self.dice, GIVEN + _coined(1200), 0.75)
        self.family = _Zipf(self.dice, FAMILY + _coined(6000, ends=ENDS), 0.8)
        self.numbers = itertools.count(100_000)
        self.taken: dict[str, int] = {}

    def chance(self, percent: float) -> bool:
        return self.dice.random() * 100 < percent

    def make(self) -> Pair:
        before: list[Person] = []
        while len(before) < self.students:
            before += self.household()
        incoming, existing, truth, left = [], [], {}, []
        for n, person in enumerate(before):
            existing.append(replace(self.thinned(person, 12, 10, 15), id=f"e{n}"))
            if self.chance(9):
                left.append(person)
                continue
            incoming.append(replace(self.thinned(self.summer(person), 4, 10, 5), id=f"i{n}"))
            truth[f"i{n}"] = f"e{n}"
        fresh = 0
        while fresh < self.students * 0.1:
            for person in self.household():
                new = person
                if left and self.chance(3):
                    gone = self.dice.choice(left)  # a namesake at the same school, who may get the address that is free
                    new = replace(new, givenName=gone.givenName, familyName=gone.familyName, school=gone.school,
                                  email=gone.email if self.chance(30) else new.email)  # fmt: skip
                if left and self.chance(2):
                    new = replace(new, identifier=self.dice.choice(left).identifier)
                if left and self.chance(1):
                    new = replace(new, email=self.dice.choice(left).email)
                incoming.append(replace(self.thinned(new, 4, 10, 5), id=f"n{fresh}"))
                fresh += 1
        self.dice.shuffle(incoming)
        return Pair(incoming, existing, truth)

    def household(self) -> Iterator[Person]:
        """One child, or siblings, or twins."""
        family, school, birth = self.family(), self.dice.choice(self.schools), self.birthday()
        if self.chance(12):
            family = f"{family}{self.dice.choice((' ', '-'))}{self.family()}"
        first = self.given()
        yield self.child(first, family, birth, school)
        if self.chance(1.5):
            other = self.given()
            while other == first:
                other = self.given()
            yield self.child(other, family, birth, school)
        elif self.chance(25):
            shift = self.dice.choice((-1, 1)) * self.dice.randint(300, 1500)
            yield self.child(self.given(), family, birth + datetime.timedelta(shift), school)

    def birthday(self) -> datetime.date:
        return datetime.date(2008, 9, 1) + datetime.timedelta(self.dice.randrange(13 * 365))

    def child(self, given: str, family: str, birth: datetime.date, school: str) -> Person:
        number = str(next(self.numbers))
        grade = max(0, min(12, 12 - (birth - datetime.date(2008, 9, 1)).days // 365))
        middle = self.given() if self.chance(40) else None
        return Person(
            "", given, family, middle, self.address(given, family), number, birth.isoformat(), f"{grade:02d}", school
        )

    def address(self, given: str, family: str) -> str:
        stem = f"{_ascii(given)}.{_ascii(family)}"
        self.taken[stem] = count = self.taken.get(stem, 0) + 1
        return f"{stem}{count if count > 1 else ''}@district.example"

    def thinned(self, person: Person, identifier: float, email: float, birth: float) -> Person:
        """What a list happens to know."""
        return replace(person, identifier=None if self.chance(identifier) else person.identifier,
                       email=None if self.chance(email) else person.email,
                       birthDate=None if self.chance(birth) else person.birthDate,
                       middleName=None if self.chance(30) else person.middleName)  # fmt: skip

    def summer(self, person: Person) -> Person:
        """The same person as the other system has it, a year later."""
        given, family = self.called(person), self.familied(person.familyName)
        birth = person.birthDate
        if self.chance(25):
            given, family = _ascii_letters(given), _ascii_letters(family)
        if self.chance(5):
            given, family = given.upper(), family.upper()
        if self.chance(0.7):
            given, family = family, given
        if birth and self.chance(0.7):
            birth = f"{birth[:-1]}{self.dice.randrange(10)}"
        moved = self.chance(5)
        return replace(person, givenName=given, familyName=family, birthDate=birth,
                       email=self.address(given, family) if self.chance(6) else person.email,
                       grade=f"{min(12, int(person.grade or 0) + 1):02d}" if self.chance(95) else person.grade,
                       school=self.dice.choice(self.schools) if moved else person.school)  # fmt: skip

    def called(self, person: Person) -> str:
        """The given name: a nickname, a slip, both names, or as it was."""
        given = person.givenName
        if given in CALLED and self.chance(12):
            return self.dice.choice(CALLED[given].split())
        if self.chance(1.5):
            return self.slip(given)
        if person.middleName and self.chance(2):
            return f"{given} {person.middleName}"
        return given

    def familied(self, family: str) -> str:
        """The family name: a slip, a hyphen more or less, one of two, another one, one more, or as it was."""
        if self.chance(2):
            return self.slip(family)
        if (" " in family or "-" in family) and not family.startswith(PARTICLES):
            if self.chance(15):
                return family.replace("-", " ") if "-" in family else family.replace(" ", "-")
            return family.replace("-", " ").split()[-1 if self.chance(30) else 0] if self.chance(15) else family
        if self.chance(0.5):
            return self.family()
        return f"{family}-{self.family()}" if self.chance(1) else family

    def slip(self, text: str) -> str:
        """One slip of the pen, not in the first letter more often than elsewhere."""
        if len(text) < 4:
            return text
        at = self.dice.randrange(len(text) - 1)
        letter = self.dice.choice("abcdefghijklmnopqrstuvwxyz")
        return self.dice.choice((
            text[:at] + text[at + 1] + text[at] + text[at + 2 :], text[:at] + text[at + 1 :],
            text[:at] + letter + text[at + 1 :], text[: at + 1] + text[at] + text[at + 1 :],
        ))  # fmt: skip


class _Zipf:
    """Draws from names by rank, the second half as often as the first."""

    def __init__(self, dice: random.Random, names: Sequence[str], power: float) -> None:
        self.dice, self.names = dice, names
        self.heap = list(itertools.accumulate(1 / (rank + 3) ** power for rank in range(len(names))))

    def __call__(self) -> str:
        return self.dice.choices(self.names, cum_weights=self.heap)[0]


def _coined(count: int, ends: Sequence[str] = ("", "n", "l", "ra", "sha", "vin")) -> list[str]:
    """Names that nobody needs to have: three syllables and an end."""
    dice = random.Random(count)
    found: dict[str, None] = {}
    while len(found) < count:
        word = "".join(dice.choice(SYLLABLES) for _ in range(dice.randint(2, 3))) + dice.choice(ends)
        found[word.capitalize()] = None
    return list(found)


def _ascii_letters(text: str) -> str:
    plain = text.translate(str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d"}))
    return "".join(each for each in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(each))


def _ascii(text: str) -> str:
    return "".join(each for each in _ascii_letters(text).lower() if each.isalnum())


def write(pair: Pair, folder: Path) -> None:
    """Write `incoming.parquet`, `existing.parquet` and `truth.parquet` (incoming_id, existing_id)."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for side, people in (("incoming", pair.incoming), ("existing", pair.existing)):
            _write(
                connection,
                {each: [getattr(person, each) for person in people] for each in COLUMNS},
                folder / f"{side}.parquet",
            )
        _write(
            connection,
            {"incoming_id": list(pair.truth), "existing_id": list(pair.truth.values())},
            folder / "truth.parquet",
        )


def _write(connection: duckdb.DuckDBPyConnection, columns: dict[str, list[str | None]], path: Path) -> None:
    cells = ", ".join(f"unnest(?::VARCHAR[]) AS {name(each)}" for each in columns)
    connection.execute(f"COPY (SELECT {cells}) TO {literal(str(path))} (FORMAT parquet)", list(columns.values()))
