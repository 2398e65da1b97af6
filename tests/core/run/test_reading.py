"""Reading a set from its bytes to the accepted roster: every row is accounted for, and nothing private is left about."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from desk import AUTUMN, Desk, Files, Night, dicts, enrolled, small, user

from syncrun.connectors.oneroster_csv.format import ONEROSTER_CSV
from syncrun.errors import ArrivingError, SyncError
from syncrun.finding import Finding
from syncrun.intake.arrival import arrive
from syncrun.roster.entity import ENTITIES
from syncrun.roster.rule import Severity
from syncrun.rules.rule import RULES
from syncrun.run.reading import SetRefusedError, content, describe, doubt, identity
from syncrun.sdk import FileSet

ENDS = ["\n", "\r\n", "\r"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with the small district in its inbox."""
    found = Desk(tmp_path)
    found.write(small())
    return found


# -- every row is accounted for ------------------------------------------------------------------------------------------


def physical(path: Path) -> list[str]:
    """The lines of a file that are not blank, but for the header, each with its number."""
    text = path.read_bytes().decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return [str(number) for number, line in enumerate(text.split("\n"), 1) if line and number > 1]


def accounted(desk: Desk, night: Night, entity: str) -> None:
    """Each line of a file is accepted once, or rejected with a reason, or an exact copy of one that is accepted."""
    told = [each for each in night.findings if each.file == f"{entity}.csv"]
    rejected = {each.line for each in told if RULES[each.code].severity is Severity.DROP_ROW}
    copies = sum(each.count for each in told if each.code == "R-FILE-14")
    accepted = [row["line"] for row in night.rows[entity] if row["line"] is not None]
    figures = night.read.figures[f"{entity}.csv"]
    assert len(set(accepted)) == len(accepted)
    assert not set(accepted) & rejected
    assert None not in rejected
    assert figures.rejected == len(rejected)
    assert figures.rows == len(accepted) + len(rejected) + copies == len(physical(desk.inbox / f"{entity}.csv"))
    assert len({row["sourcedId"] for row in night.rows[entity]}) == len(night.rows[entity])


ODD_USERS: list[Callable[[int], dict[str, str]]] = [
    lambda n: user(f"good-{n}"),
    lambda n: user(f"good-{n}", givenName=" Zoë ", grades="k", enabledUser="Yes"),
    lambda n: user(f"bad-{n}", enabledUser="maybe"),
    lambda n: user(f"bad-{n}", givenName="", familyName="\x07"),
    lambda n: user("", givenName="Nobody"),
    lambda n: user("twin"),
    lambda n: user("twin", givenName=f"Twin {n}"),
    lambda n: user("copy"),
    lambda n: user(f"lost-{n}", orgSourcedIds="gone"),
    lambda n: user(f"half-{n}", orgSourcedIds="gone,school", agentSourcedIds="bad-1,gone"),
    lambda n: user("x" * 300),
    lambda n: user(f"bad-{n}", role="ext:?", identifier="1E+9"),
]
ODD_LINES = [
    "",
    "broken",
    "x,y,z",
    ",,,",
    "{0},,,true,school,student,{0},,A, B,C,,,,,,,,",
    '{0},,,"true',
    "q\udcff" + "," * 17,
]


def jumble(desk: Desk, chance: random.Random) -> None:
    files = small()
    files["users"] += [chance.choice(ODD_USERS)(n) for n in range(chance.randrange(25))]
    named = [row["sourcedId"] for row in files["users"]] + ["nobody"]
    files["enrollments"] += [
        enrolled(chance.choice(named), sourcedId=f"e{n}", beginDate=chance.choice(["", "2026-09-01", "soon"]))
        for n in range(chance.randrange(25))
    ]
    end = chance.choice(ENDS)
    desk.write(files, end=end)
    for entity in ("users", "enrollments"):
        path = desk.inbox / f"{entity}.csv"
        lines = path.read_bytes().decode().split(end)
        for n in range(chance.randrange(4)):
            odd = chance.choice(ODD_LINES).format(f"odd-{n}")
            lines.insert(chance.randrange(1, len(lines) - 1), odd)
        path.write_text(end.join(lines), errors="surrogateescape", newline="")


def all_accounted(folder: Path, seeds: range) -> None:
    desk = Desk(folder)
    desk.write(small())
    before = desk.settle()
    for seed in seeds:
        desk.before = before.snapshot if seed % 2 else None
        jumble(desk, random.Random(seed))
        night = desk.read()
        for entity in ("users", "enrollments"):
            accounted(desk, night, entity)
            if seed % 2 and not {"R-SET-08"} & night.codes:
                assert set(before.keys(entity)) <= set(night.keys(entity)), "no row that was accepted is lost"


def test_every_row_of_jumbled_files_is_accounted_for(tmp_path: Path) -> None:
    all_accounted(tmp_path, range(6))


@pytest.mark.slow
def test_every_row_of_many_jumbled_files_is_accounted_for(tmp_path: Path) -> None:
    all_accounted(tmp_path, range(100, 220))


def damage(content: bytes, chance: random.Random) -> bytes:
    """Bytes that were flipped, overwritten, dropped, doubled or put elsewhere."""
    one, other = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    other = min(other, one + chance.choice([1, 1, 8, 300]))
    piece = content[one:other]
    noise = chance.choice(
        [b"", piece * 2, chance.randbytes(len(piece)), b'"', b"\x00", b"\r", b"\n", b",", b"\xff\xfe"]
    )
    return content[:one] + noise + content[other:]


def damaged(folder: Path, seeds: range) -> set[str]:
    """What became of sets with damaged bytes; any error that is not ours goes through."""
    desk = Desk(folder)
    ends = set()
    for seed in seeds:
        chance = random.Random(seed)
        desk.write(small(), chance.choice(["bulk", None]), end=chance.choice(ENDS))
        for _ in range(chance.randrange(1, 4)):
            path = chance.choice(sorted(desk.inbox.iterdir()))
            path.write_bytes(damage(path.read_bytes(), chance))
        try:
            night = desk.read()
        except SyncError as error:
            ends.add(error.code)
        else:
            ends.add("read")
            for entity in ("users", "enrollments"):
                accounted(desk, night, entity)
    return ends


def test_damaged_bytes_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    assert damaged(tmp_path, range(20)) == {"read", "E-INPUT-2"}


@pytest.mark.slow
def test_bytes_damaged_in_very_many_ways_are_read_or_refused(tmp_path: Path) -> None:
    assert damaged(tmp_path, range(1000, 1300)) == {"read", "E-INPUT-2"}


# -- nothing private is left about ---------------------------------------------------------------------------------------

CANARIES = {
    "username": "canary1", "userIds": "{canary2:x}", "givenName": "canary3", "familyName": "canary4",
    "middleName": "canary5", "identifier": "canary6", "email": "canary7@x.org", "sms": "canary8", "phone": "canary9",
    "grades": "canary10", "password": "canary11",
}  # fmt: skip


def with_canaries() -> Files:
    files = small()
    files["users"] += [
        user("pupil-3", **CANARIES), user("pupil-4", **{**CANARIES, "givenName": "canary3\x07"}),
        user("pupil-5", **CANARIES), user("pupil-5", **{**CANARIES, "sms": "canary12"}),
    ]  # fmt: skip
    files["demographics"] = [{"sourcedId": "pupil-1", "cityOfBirth": "canary13", "sex": "canary14"}]
    return files


def everything(desk: Desk, **options: object) -> str:
    """All that is anywhere after reading, but for the inbox: in the engine's tables and in files."""
    with desk.opened(**options) as (connection, _):
        tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        tables += connection.execute("SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        told = [str(dicts(connection, f'FROM "{schema}"."{table}"')) for schema, table in tables]
    kept = (path for path in desk.folder.rglob("*") if path.is_file() and desk.inbox not in path.parents)
    return "".join(told) + "".join(path.read_bytes().decode("latin-1") for path in kept)


@pytest.mark.parametrize("odd", ["", "broken line\r\n", 'open,"quote canary15\r\nx,"y\r\n'])
@pytest.mark.parametrize("staged", [{"structure"}, {"structure", "name", "contact"}])
def test_what_no_sink_asks_for_is_nowhere(desk: Desk, staged: set[str], odd: str) -> None:
    desk.write(with_canaries(), None)
    path = desk.inbox / "users.csv"
    path.write_bytes(path.read_bytes() + odd.encode() + b"end\r\n")
    cells = ENTITIES["users"].cells()
    asked = {value for column, value in CANARIES.items() if cells[column].privacy in staged}
    found = everything(desk, staged=staged)
    there = {each for each in {*CANARIES.values(), "canary12", "canary13", "canary14", "canary15"} if each in found}
    assert there - {"canary12", "canary1"} == asked - {"canary1"}  # canary1 begins others
    assert "canary12" not in there or "contact" in staged


def test_password_is_nowhere(desk: Desk) -> None:
    desk.write(with_canaries())
    found = everything(desk)
    assert CANARIES["email"] in found
    assert CANARIES["password"] not in found


def test_findings_hold_no_cell(desk: Desk) -> None:
    desk.write(with_canaries())
    night = desk.read()
    assert "R-CELL-04" in night.codes
    assert "canary" not in str(night.findings)


# -- sets that cannot be used --------------------------------------------------------------------------------------------


def test_set_that_cannot_be_used_says_why(desk: Desk) -> None:
    desk.put("users.csv", "")
    desk.put("orgs.csv", "")
    with pytest.raises(SetRefusedError) as caught:
        desk.read()
    error = caught.value
    assert (error.code, error.exit_code) == ("E-INPUT-2", 2)
    assert error.message == "orgs.csv: R-SET-03 A file is empty (and 1 more)."
    assert error.next_step == RULES["R-SET-03"].fix
    assert [each["file"] for each in error.as_dict()["findings"]] == ["orgs.csv", "users.csv"]  # type: ignore[attr-defined] # as_dict gives plain objects


def test_all_files_are_looked_at_before_the_set_is_refused(desk: Desk) -> None:
    for entity in ("orgs", "users"):
        path = desk.inbox / f"{entity}.csv"
        path.write_text(path.read_text().replace("sourcedId", "id", 1))
    with pytest.raises(SetRefusedError) as caught:
        desk.read()
    assert [(each.file, each.code) for each in caught.value.findings] == [
        ("orgs.csv", "R-FILE-02"), ("users.csv", "R-FILE-02"),
    ]  # fmt: skip


@pytest.mark.requirement("S2-25")
@pytest.mark.parametrize("content", ["", "header", "header\n"])
@pytest.mark.parametrize("entity", ["orgs", "academicSessions", "courses", "classes", "users", "enrollments"])
def test_file_that_is_missing_or_empty_or_has_a_header_only_is_refused(desk: Desk, entity: str, content: str) -> None:
    path = desk.inbox / f"{entity}.csv"
    header = path.read_text().partition("\n")[0].strip()
    path.write_text(content.replace("header", header))
    with pytest.raises(SetRefusedError):
        desk.read()
    path.unlink()
    with pytest.raises(SetRefusedError):
        desk.read()


def test_columns_of_a_table_that_is_not_oneroster_are_told(desk: Desk) -> None:
    desk.put("users.csv", "Name,Mail\nAna,ana@example.org\n")
    with pytest.raises(SetRefusedError) as caught:
        desk.read()
    assert {each.column for each in caught.value.findings} >= {"sourcedId", "username", "role"}


class Meddler:
    """Changes a file when landing begins."""

    def __init__(self, change: Callable[[], object]) -> None:
        self.change = change

    def phase(self, name: str) -> None:
        if name == "land":
            self.change()

    def chunk(self, sink: str, table: str, action: str, rows: int) -> None: ...

    def total(self, sink: str, rows: int) -> None: ...


@pytest.mark.requirement("S2-20")
@pytest.mark.parametrize("what", ["grows", "is replaced", "loses a column", "goes away", "becomes empty"])
@pytest.mark.parametrize("entity", ["orgs", "enrollments"])
def test_file_that_changes_while_it_is_read_is_tried_again_later(desk: Desk, what: str, entity: str) -> None:
    path = desk.inbox / f"{entity}.csv"
    changes: dict[str, Callable[[], object]] = {
        "grows": lambda: path.write_bytes(path.read_bytes() + b"x,"),
        "is replaced": lambda: path.write_bytes(
            path.read_bytes().replace(b"Oak", b"Elm").replace(b"student", b"teacher")
        ),
        "loses a column": lambda: path.write_bytes(path.read_bytes().replace(b"sourcedId", b"id", 1)),
        "goes away": path.unlink,
        "becomes empty": lambda: path.write_bytes(b""),
    }
    with pytest.raises(ArrivingError, match="while it was read"):
        desk.read(progress=Meddler(changes[what]))


# -- the rest ------------------------------------------------------------------------------------------------------------


def test_figures_are_by_file(desk: Desk) -> None:
    files = small()
    files["users"].append(user("pupil-3", enabledUser="maybe"))
    desk.write(files)
    figures = desk.read().read.figures
    assert {name: (each.rows, each.rejected, each.mode) for name, each in figures.items()} == {
        "orgs.csv": (2, 0, "bulk"), "academicSessions.csv": (2, 0, "bulk"), "courses.csv": (1, 0, "bulk"),
        "classes.csv": (1, 0, "bulk"), "users.csv": (5, 1, "bulk"), "enrollments.csv": (3, 0, "bulk"),
    }  # fmt: skip


@pytest.mark.requirement("S2-12")
def test_names_of_any_script_survive(desk: Desk) -> None:
    names = ["Zoë", "Nguyễn", "王小明", "Ἀλέξανδρος", "محمد", "Ana\u0301", "😀", "O'Brien", "de la Cruz"]
    files = small()
    files["users"] += [user(f"n{n}", givenName=name) for n, name in enumerate(names)]
    for end in ENDS:
        desk.write(files, end=end)
        night = desk.read()
        assert [night.row("users", f"n{n}")["givenName"] for n in range(len(names))] == names


@pytest.mark.requirement("S2-9")
def test_column_of_their_own_number_changes_nothing(desk: Desk) -> None:
    plain = desk.read().rows
    path = desk.inbox / "users.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"{n or 'dcid'},{line}" for n, line in enumerate(lines)) + "\n")
    assert desk.read().rows == plain


@pytest.mark.parametrize("end", ENDS)
def test_roster_is_the_same_whatever_the_line_ends(desk: Desk, end: str) -> None:
    plain = desk.read().rows
    desk.write(small(), end=end)
    assert desk.read().rows == plain


@pytest.mark.requirement("S2-10")
@pytest.mark.parametrize(
    ("encoding", "code"), [("utf-16", "R-TEXT-01"), ("utf-16-le", "R-TEXT-01"), ("latin-1", "R-TEXT-02")]
)
def test_file_in_another_encoding_is_read_and_said_to_be(desk: Desk, encoding: str, code: str) -> None:
    files = small()
    for row in files["users"]:
        row["givenName"] = "Zoë"
    desk.write(files)
    path = desk.inbox / "users.csv"
    path.write_bytes(path.read_text().encode(encoding))
    night = desk.read()
    assert {row["givenName"] for row in night.rows["users"]} == {"Zoë"}
    assert night.codes == {code}
    assert night.doubts == {code} & {"R-TEXT-02"}, "a guess waits for a person"


def test_finding_is_told_with_what_it_has() -> None:
    told = describe(Finding("R-CELL-01", "users.csv", 3, "u1", "givenName"))
    assert told == {
        "code": "R-CELL-01", "severity": "drop row", "title": RULES["R-CELL-01"].title, "count": 1, "file": "users.csv",
        "line": 3, "key": "u1", "column": "givenName", "fix": RULES["R-CELL-01"].fix,
    }  # fmt: skip


def test_doubt_is_told_with_its_file() -> None:
    assert doubt(Finding("R-SET-17", "users.csv", words="9 of 9 rows")) == (
        "R-SET-17 users.csv: Too many rows of a file were rejected: 9 of 9 rows"
    )


def test_identity_changes_with_whatever_decides_what_a_run_does(desk: Desk, tmp_path: Path) -> None:
    def now(*facts: str) -> str:
        paths = tuple(path for path in sorted(desk.inbox.iterdir()))
        return identity(content(arrive(FileSet(paths, "a test"), ONEROSTER_CSV, tmp_path), AUTUMN), *facts)

    desk.write(small())
    seen = [now(), now("a")]
    desk.write(small(), {entity: "delta" if entity == "users" else "bulk" for entity in small()})
    seen.append(now())
    desk.write(small(), {entity: "bulk" for entity in small() if entity != "courses"})
    seen.append(now())
    files = small()
    files["users"][0]["givenName"] = "Zoë"
    desk.write(files)
    seen.append(now())
    assert len(set(seen)) == len(seen)
    desk.write(small())
    assert now() == seen[0]


def test_archive_is_read_like_a_folder(desk: Desk, tmp_path: Path) -> None:
    plain = desk.read().rows
    paths = sorted(desk.inbox.iterdir())
    with zipfile.ZipFile(tmp_path / "district.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for path in paths:
            made.write(path, path.name)
            path.unlink()
    (tmp_path / "district.zip").rename(desk.inbox / "district.zip")
    assert desk.read().rows == plain
