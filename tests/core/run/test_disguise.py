"""One roster in many disguises gives one plan; what cannot be read for certain is refused, each with its own code.

A disguise is a function that changes the set in a folder. The tables `DISGUISES` and `IMPOSSIBLE` are the whole harness:
a new way in which files come is one function and one line.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from desk import Desk, small, user

from syncrun.connectors.format import AUTO
from syncrun.run.reading import SetRefusedError

if TYPE_CHECKING:
    from world import World

Disguise = Callable[[Path], None]
Label = Callable[[str], str]
TABLES = {"users": "USERS", "classes": "SECTIONS", "enrollments": "CC"}


# -- changing files ------------------------------------------------------------------------------------------------------


def data_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.csv")) if path.name != "manifest.csv"]


def read(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def write(path: Path, rows: list[list[str]], end: str = "\r\n") -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(rows)
    path.write_bytes(out.getvalue().encode())


def labelled(change: Callable[[str, str, int], str]) -> Disguise:
    """A disguise of every label: the file's word, the label, its place."""

    def disguise(folder: Path) -> None:
        for path in data_files(folder):
            head, *rows = read(path)
            write(path, [[change(path.stem, label, place) for place, label in enumerate(head)], *rows])

    return disguise


def relabelled(**changes: str) -> Disguise:
    """A disguise of some labels."""
    return labelled(lambda file, label, place: changes.get(label, label))


def reordered(folder: Path) -> None:
    for path in data_files(folder):
        write(path, [row[::-1] for row in read(path)])


def shuffled(folder: Path) -> None:
    for path in data_files(folder):
        write(path, [row[3:] + row[:3] for row in read(path)])


def extra(*columns: str, first: bool = False) -> Disguise:
    """Columns of the exporter's own."""

    def disguise(folder: Path) -> None:
        for path in data_files(folder):
            head, *rows = read(path)
            more = [[f"x{n}"] * len(columns) for n, _ in enumerate(rows)]
            added = [list(columns), *more]
            write(path, [m + r if first else r + m for r, m in zip([head, *rows], added, strict=True)])

    return disguise


def renamed(change: Label) -> Disguise:
    """A disguise of every file's name."""

    def disguise(folder: Path) -> None:
        for path in data_files(folder):
            path.rename(folder / f"new {change(path.name)}")
        for path in folder.glob("new *"):
            path.rename(folder / path.name.removeprefix("new "))

    return disguise


def in_folder(folder: Path) -> None:
    (folder / "export").mkdir()
    for path in list(folder.glob("*.csv")):
        path.rename(folder / "export" / path.name)


def zipped(inside: str = "", change: Label = str) -> Disguise:
    """The set as an archive."""

    def disguise(folder: Path) -> None:
        paths = list(folder.glob("*.csv"))
        with zipfile.ZipFile(folder / "district.zip", "w") as made:
            made.writestr(f"{inside}README.txt", "Nightly export")
            made.writestr(f"__MACOSX/{inside}._users.csv", b"\x00\x05\x16\x07")
            for path in paths:
                made.write(path, inside + (change(path.name) if path.name != "manifest.csv" else path.name))
                path.unlink()

    return disguise


def beside(folder: Path) -> None:
    (folder / "README.txt").write_text("Nightly export")
    (folder / "users_old.csv").write_bytes((folder / "users.csv").read_bytes())
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    (folder / ".DS_Store").write_bytes(b"\x00")
    (folder / "users.csv.filepart").write_bytes(b"sourcedId,")
    (folder / "lineItems.csv").write_text("sourcedId,title\n1,a\n")
    (folder / "students.csv").write_text("School_id,Student_id,Last_name,First_name,Grade\n1,1,Berg,Ana,9\n")


def without_manifest(folder: Path) -> None:
    (folder / "manifest.csv").unlink()


def bytewise(change: Callable[[bytes], bytes]) -> Disguise:
    """A disguise of the bytes of every file, the manifest too."""

    def disguise(folder: Path) -> None:
        for path in folder.glob("*.csv"):
            path.write_bytes(change(path.read_bytes()))

    return disguise


def recoded(encoding: str, mark: str = "") -> Disguise:
    """The text in another encoding."""
    return bytewise(lambda content: (mark + content.decode()).encode(encoding))


def separated(sign: str) -> Disguise:
    """Another sign between cells."""

    def disguise(folder: Path) -> None:
        for path in folder.glob("*.csv"):
            out = io.StringIO()
            csv.writer(out, delimiter=sign, lineterminator="\n").writerows(read(path))
            path.write_bytes(out.getvalue().encode())

    return disguise


def mixed_ends(content: bytes) -> bytes:
    return b"".join(line + (b"\n", b"\r\n", b"\r")[n % 3] for n, line in enumerate(content.splitlines()))


def both(*disguises: Disguise) -> Disguise:
    """One disguise over another."""

    def disguise(folder: Path) -> None:
        for each in disguises:
            each(folder)

    return disguise


def letters(file: str, label: str, place: int) -> str:
    return f"{'abcdefghijklmnopqrstuvwxyz'[place]}_{label}"


def snake(label: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in label)


ALIASES = {
    "dateLastModified": "dataLastModified", "givenName": "firstName", "familyName": "lastName", "grades": "grade",
    "subjects": "subject", "termSourcedIds": "termSourcedId", "classSourcedId": "classSourceId",
    "agentSourcedIds": "agentSourcedId", "periods": "period", "email": "emailAddress",
}  # fmt: skip

DISGUISES: dict[str, Disguise] = {
    "UTF-8 with a mark": recoded("utf-8", "\ufeff"),
    "UTF-16": recoded("utf-16"),
    "UTF-16 without a mark": recoded("utf-16-le"),
    "UTF-16 of the other order": recoded("utf-16-be", "\ufeff"),
    "UTF-32": recoded("utf-32"),
    "tabs": separated("\t"),
    "semicolons": separated(";"),
    "bars": separated("|"),
    "LF": bytewise(lambda content: content.replace(b"\r\n", b"\n")),
    "CR": bytewise(lambda content: content.replace(b"\r\n", b"\r")),
    "mixed line ends": bytewise(mixed_ends),
    "blank lines": bytewise(lambda content: content.replace(b"\r\n", b"\r\n\r\n")),
    "sign for the end": bytewise(lambda content: content + b"\x1a"),
    "a cell too many at the end": bytewise(lambda content: content.replace(b"\r\n", b",\r\n")),
    "UTF-16 with tabs": both(separated("\t"), recoded("utf-16")),
    "upper case": labelled(lambda file, label, place: label.upper()),
    "lower case": labelled(lambda file, label, place: label.lower()),
    "capitals": labelled(lambda file, label, place: label[0].upper() + label[1:]),
    "words with underscores": labelled(lambda file, label, place: snake(label)),
    "words with blanks": labelled(lambda file, label, place: snake(label).replace("_", " ").title()),
    "words with hyphens": labelled(lambda file, label, place: snake(label).replace("_", "-")),
    "blanks around": labelled(lambda file, label, place: f"  {label} "),
    "no-break blanks": labelled(lambda file, label, place: f"\u00a0{label}\u202f"),
    "zero-width characters": labelled(lambda file, label, place: f"\u200b{label[:3]}\u2060{label[3:]}\ufeff"),
    "soft hyphens": labelled(lambda file, label, place: f"{label[:4]}\u00ad{label[4:]}"),
    "tables before labels": labelled(lambda file, label, place: f"{TABLES.get(file, 'STUDENTS')}.{label}"),
    "tables in small letters": labelled(lambda file, label, place: f"{TABLES.get(file, 'students').lower()}.{label}"),
    "tables of two kinds": labelled(lambda file, label, place: f"{('STUDENTS', 'U_DEF_EXT')[place % 2]}.{label}"),
    "letters before labels": labelled(letters),
    "tables and letters": labelled(lambda file, label, place: f"USERS.{letters(file, label, place)}"),
    "tables, letters, capitals": labelled(lambda file, label, place: f"USERS.{letters(file, label, place)}".upper()),
    "other words": relabelled(**ALIASES),
    "plurals": relabelled(name="names", title="titles", email="emails", location="locations", classCode="classCodes"),
    "columns from the right": reordered,
    "columns begin elsewhere": shuffled,
    "columns of one's own": extra("dcid", "metadata.color", "", "U_EXT.color"),
    "columns of one's own before": extra("Dcid", "U_EXT.field", first=True),
    "metadata that sounds alike": extra("metadata.email", "metadata.sourcedId", "METADATA.NAME"),
    "names in capitals": renamed(str.upper),
    "names with dates": both(without_manifest, renamed(lambda name: f"{name[:-4]}_20261120.csv")),
    "names that say nothing": both(without_manifest, renamed(lambda name: f"export-{len(name)}{name[2]}.txt")),
    "names in another tongue": both(without_manifest, renamed(lambda name: f"école-{name[:3]}.csv")),
    "names, cases and tables": both(
        without_manifest, renamed(lambda name: f"ps_{name}.csv"),
        labelled(lambda file, label, place: f"USERS.{label.upper()}")),
    "a folder": in_folder,
    "an archive": zipped(),
    "an archive with a folder": zipped("export/"),
    "an archive with other names": both(without_manifest, zipped("", lambda name: f"Riverside {name}")),
    "files beside": beside,
    "no manifest": without_manifest,
}  # fmt: skip


# -- reading -------------------------------------------------------------------------------------------------------------


def accepted(desk: Desk) -> dict[str, list[tuple[object, ...]]]:
    """What would be planned from: every accepted row, without where it stood."""
    night = desk.read(form=AUTO)
    return {
        entity: sorted(
            (tuple(value for column, value in sorted(row.items()) if value is not None and column not in {"line", "place"})
             for row in rows), key=repr)
        for entity, rows in night.rows.items()
    }  # fmt: skip


@pytest.fixture
def golden(tmp_path: Path) -> Desk:
    """A roster with something in every column that matters."""
    desk = Desk(tmp_path)
    files = small()
    files["users"] += [
        user(
            "s-3", email="ana@example.org", sms="555-1", phone="555-2", grades="09", identifier="00123", givenName="Zoë"
        ),
        user("t-2", "teacher", userIds="{State:77}", middleName="Q", orgSourcedIds="school,district"),
    ]
    files["classes"][0] |= {"grades": "09", "location": "Room 1", "periods": "1,2", "subjects": "Mathematics"}
    desk.write(files)
    return desk


@pytest.mark.requirement("S2-6", "S2-7", "S2-9", "S2-13")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if n % 4 == 0 else pytest.mark.slow) for n, name in enumerate(DISGUISES)]
)
def test_roster_in_disguise_is_the_same_roster(golden: Desk, name: str) -> None:
    plain = accepted(golden)
    DISGUISES[name](golden.inbox)
    assert accepted(golden) == plain


@pytest.mark.slow
@pytest.mark.parametrize("name", DISGUISES)
def test_plan_of_a_roster_in_disguise_is_the_same_plan(world: World, name: str) -> None:
    world.write()
    plain = world.sync(dry_run=True).summary
    DISGUISES[name](world.inbox)
    if name.startswith("an archive"):
        world.configure(world.toml.read_text(encoding="utf-8").replace('"inbox"', '"inbox/district.zip"'))
    told = world.sync(dry_run=True).summary
    assert (told["plan"], told["sinks"]["planner"]["tables"]) == (plain["plan"], plain["sinks"]["planner"]["tables"])


def test_there_are_disguises_enough() -> None:
    assert len(DISGUISES) >= 24


# -- what cannot be read -------------------------------------------------------------------------------------------------


def two_of_one(folder: Path) -> None:
    head, *rows = read(folder / "users.csv")
    write(folder / "users.csv", [[*head, "USERS.phone"], *[[*row, ""] for row in rows]])


def wrong_names(folder: Path) -> None:
    (folder / "users.csv").rename(folder / "x")
    (folder / "classes.csv").rename(folder / "users.csv")
    (folder / "x").rename(folder / "classes.csv")


def two_strangers(folder: Path) -> None:
    without_manifest(folder)
    (folder / "users-b.csv").write_bytes((folder / "users.csv").read_bytes())
    (folder / "users.csv").rename(folder / "users-a.csv")


def without_ids(folder: Path) -> None:
    write(folder / "users.csv", [row[1:] for row in read(folder / "users.csv")])


def foreign(**files: str) -> Disguise:
    """Files of another format in place of these."""

    def disguise(folder: Path) -> None:
        for old in folder.glob("*.csv"):
            old.unlink()
        for name, header in files.items():
            (folder / f"{name}.csv").write_text(f"{header}\n{'x,' * header.count(',')}x\n")

    return disguise


IMPOSSIBLE: dict[str, tuple[Disguise, str]] = {
    "zeros at the end": (bytewise(lambda content: content + bytes(512)), "R-TEXT-06"),
    "two columns that mean the same": (two_of_one, "R-FILE-03"),
    "names and columns that disagree": (wrong_names, "R-KIND-02"),
    "two files of the same columns": (two_strangers, "R-KIND-03"),
    "no ids": (without_ids, "R-FILE-02"),
    "School Data Sync 1": (foreign(
        Student="SIS ID,School SIS ID,Username,First Name,Last Name,Grade,Birthdate",
        School="SIS ID,Name,School Number"), "R-FORM-03"),
    "Apple School Manager": (foreign(
        locations="location_id,location_name", rosters="roster_id,class_id,student_id",
        students="person_id,person_number,first_name,last_name,grade_level,location_id"), "R-FORM-04"),
    "Canvas": (foreign(
        users="user_id,login_id,full_name,email,status", courses="course_id,short_name,long_name,account_id,status",
        enrollments="course_id,user_id,role,status"), "R-FORM-05"),
    "nothing that is known": (foreign(pupils="name,birthday", rooms="room,floor"), "R-SET-02"),
}  # fmt: skip


@pytest.mark.requirement("S2-2")
@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_cannot_be_read_for_certain_is_refused(golden: Desk, name: str) -> None:
    disguise, code = IMPOSSIBLE[name]
    disguise(golden.inbox)
    with pytest.raises(SetRefusedError) as caught:
        golden.read(form=AUTO)
    assert code in caught.value.message
    assert (caught.value.findings[0].code, caught.value.exit_code) == (code, 2)


def test_each_refusal_has_its_own_code() -> None:
    assert len({code for _, code in IMPOSSIBLE.values()}) == len(IMPOSSIBLE) >= 6
