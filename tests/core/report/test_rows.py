"""The report of each file: every row once, with what became of it and why."""

from __future__ import annotations

import csv
import os
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from syncrun.demo import roster
from syncrun.report.rows import HEADER, prepare, write
from syncrun.scratch import scratch
from syncrun.snapshot.table import Snapshot, SnapshotTable
from syncrun.sqltext import literal, name

if TYPE_CHECKING:
    from terminal import Terminal
    from world import World

    from syncrun.report.source import RunFiles

Report = dict[str, list[dict[str, str]]]

USERS = Snapshot("run", "1.1", {"users": SnapshotTable("users.parquet", 0, "users.csv")})


def report(terminal: Terminal, world: World, *options: str) -> Report:
    """The rows of each report, by file."""
    folder = world.folder / "out"
    answer = terminal("report", "--district", world.toml, "--out", folder, *options)
    assert answer.code == 0, answer.err
    found = {}
    for path in folder.glob("*-report.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            assert tuple(reader.fieldnames or ()) == HEADER
            found[path.name.replace("-report", "")] = list(reader)
    return found


def one(found: list[dict[str, str]], **wanted: str) -> dict[str, str]:
    """The one row that is as wanted."""
    (row,) = (each for each in found if all(each[key] == value for key, value in wanted.items()))
    return row


def run(world: World, terminal: Terminal) -> int:
    """Run the district with what is in `world.files`."""
    world.write()
    return terminal("--district", world.toml).code


def enrolled(world: World, user: str) -> list[str]:
    """The enrollments of a person."""
    return [each["sourcedId"] for each in world.rows("enrollments") if each["userSourcedId"] == user]


@pytest.mark.requirement("S4-14", "S2-21", "SX-7")
def test_clean_row_says_success_and_what_was_done(settled: World, terminal: Terminal) -> None:
    found = report(terminal, settled)
    assert set(found) == {f"{name}.csv" for name in roster.COLUMNS}
    assert {row["result"] for rows in found.values() for row in rows} == {"SUCCESS"}
    actions = {name: Counter(row["action"] for row in rows) for name, rows in found.items()}
    assert actions == {
        "orgs.csv": {"CREATED": 3, "UNCHANGED": 1}, "academicSessions.csv": {"CREATED": 1, "UNCHANGED": 1},
        "courses.csv": {"UNCHANGED": 4}, "classes.csv": {"CREATED": 24}, "users.csv": {"CREATED": 210},
        "enrollments.csv": {"CREATED": 552},
    }  # fmt: skip
    assert one(found["users.csv"], sourcedId="t100") == {
        "line": "2", "sourcedId": "t100", "result": "SUCCESS", "action": "CREATED", "code": "", "column": "", "message": "",
        "fix": "",
    }  # fmt: skip


def test_next_day_says_what_was_updated_created_archived_and_left(settled: World, terminal: Terminal) -> None:
    settled.write(roster.next_day())
    assert terminal("--district", settled.toml).code == 0
    found = report(terminal, settled)
    users = {row["sourcedId"]: (row["result"], row["action"], bool(row["line"])) for row in found["users.csv"]}
    assert {key: users[key] for key in ("s2010", "s1900", "t290", "s1007", "s1008")} == {
        "s2010": ("SUCCESS", "UPDATED", True), "s1900": ("SUCCESS", "CREATED", True), "t290": ("SUCCESS", "CREATED", True),
        "s1007": ("SUCCESS", "ARCHIVED", False), "s1008": ("SUCCESS", "UNCHANGED", True),
    }  # fmt: skip
    assert one(found["classes.csv"], sourcedId="class-3-2")["action"] == "UPDATED"
    assert [row["action"] for row in found["users.csv"]][-1] == "ARCHIVED"


def test_row_that_waits_is_held_with_its_action(settled: World, terminal: Terminal) -> None:
    gone = {f"s1{n:03d}" for n in range(20)}
    settled.drop("users", *gone)
    settled.drop("enrollments", *(key for user in gone for key in enrolled(settled, user)))
    settled.edit("users", "s1030", familyName="New")
    settled.edit("users", "s2001", familyName="New")
    assert run(settled, terminal) == 3
    found = report(terminal, settled)["users.csv"]
    assert {(row["result"], row["action"], row["line"]) for row in found if row["sourcedId"] in gone} == {
        ("HELD", "ARCHIVED", "")
    }
    assert (one(found, sourcedId="s1030")["result"], one(found, sourcedId="s1030")["action"]) == ("HELD", "UPDATED")
    assert (one(found, sourcedId="s2001")["result"], one(found, sourcedId="s2001")["action"]) == ("SUCCESS", "UPDATED")


@pytest.mark.requirement("S4-15")
def test_row_that_the_sink_rejected_has_its_code_and_reason(settled: World, terminal: Terminal) -> None:
    settled.edit("users", "t101", email="t100@example.org")
    settled.edit("classes", "class-1-0", title="x" * 201)
    assert run(settled, terminal) == 4
    found = report(terminal, settled)
    teacher = one(found["users.csv"], sourcedId="t101")
    assert {key: teacher[key] for key in ("result", "action", "code")} == {
        "result": "REJECTED", "action": "UNCHANGED", "code": "S-UNIQUE-1; R-FIT-14",
    }  # fmt: skip
    assert teacher["message"].startswith(
        "a teacher account with this e-mail address is already there; link it in the mapping file; "
    )
    assert one(found["classes.csv"], sourcedId="class-1-0")["code"] == "R-CELL-03" or one(
        found["classes.csv"], sourcedId="class-1-0")["code"] == "S-CHECK-1"  # fmt: skip
    assert one(found["users.csv"], sourcedId="t100")["result"] == "SUCCESS"


def test_row_that_a_rule_rejected_names_rule_column_and_fix(settled: World, terminal: Terminal) -> None:
    settled.edit("users", "s1001", familyName="")
    assert run(settled, terminal) == 4
    row = one(report(terminal, settled)["users.csv"], sourcedId="s1001")
    assert {key: row[key] for key in ("result", "action", "code", "column", "message", "fix")} == {
        "result": "REJECTED", "action": "UNCHANGED", "code": "R-CELL-01", "column": "familyName",
        "message": "A required cell is blank", "fix": "Fill the cell in the source system and export again.",
    }  # fmt: skip


def test_rejected_row_of_a_person_who_was_there_before_keeps_them(settled: World, terminal: Terminal) -> None:
    before = settled.dump()
    settled.edit("users", "s1001", familyName="")
    assert run(settled, terminal) == 4
    assert settled.dump() == before


def messy(world: World) -> None:
    """A set with every kind of odd row in it."""
    rows = world.rows
    for key, cells in {
        "s1001": {"familyName": ""}, "s1002": {"enabledUser": "perhaps"}, "s1003": {"grades": "zz"}, "s1004": {"email": "no address"},
        "s1005": {"role": "jester"}, "s1006": {"orgSourcedIds": "nowhere"}, "s1007": {"givenName": " Ann "}, "s1008": {"sourcedId": ""},
        "s1009": {"familyName": "a\x01b"}, "s1010": {"identifier": "1.23E+10"}, "s1011": {"sourcedId": "s1012"},
    }.items():  # fmt: skip
        world.edit("users", key, **cells)
    rows("users").append(dict(rows("users")[50]))
    rows("users").append({**rows("users")[51], "familyName": "Twin"})
    rows("enrollments").append({**rows("enrollments")[3], "sourcedId": "lost", "userSourcedId": "nobody"})
    rows("enrollments").append({**rows("enrollments")[4], "sourcedId": "late", "beginDate": "03/04/2026"})
    rows("enrollments").append(dict(rows("enrollments")[7]))
    rows("classes").append({**rows("classes")[2], "sourcedId": "orphan", "courseSourcedId": "nothing"})
    rows("orgs").append({"sourcedId": "odd", "name": "", "type": "castle", "identifier": "=1+1"})


@pytest.mark.requirement("S4-14")
def test_every_row_of_every_file_has_exactly_one_result(settled: World, terminal: Terminal) -> None:
    messy(settled)
    settled.write()
    with (settled.inbox / "users.csv").open("a", encoding="utf-8", newline="") as stream:
        stream.write("s9999,,,too,few\r\n\r\ns9998" + "," * 40 + "too many\r\n")
    answer = terminal("--district", settled.toml)
    assert answer.code in {3, 4}, answer.err
    counts = terminal("report", "--district", settled.toml, "--out", settled.folder / "json", "--json").json["rows"]
    found = report(terminal, settled)
    for file, rows in found.items():
        with (settled.inbox / file).open(encoding="utf-8", newline="") as stream:
            records = [record for record in csv.reader(stream) if record][1:]
        lines = Counter(row["line"] for row in rows if row["line"])
        assert sum(lines.values()) == len(records), file
        assert max(lines.values()) == 1
        assert {row["result"] for row in rows} <= {"SUCCESS", "HELD", "REJECTED"}
        assert sum(counts[file].values()) == len(rows)


def test_totals_on_the_screen_are_those_of_the_files(settled: World, terminal: Terminal) -> None:
    messy(settled)
    assert run(settled, terminal) in {3, 4}
    answer = terminal("report", "--district", settled.toml, "--out", settled.folder / "out")
    shown = [line.split() for line in answer.out.splitlines() if line.startswith("users.csv")]
    found = Counter((row["result"], row["action"]) for row in report(terminal, settled)["users.csv"])
    assert {(line[1], line[2]): int(line[3]) for line in shown} == found
    assert len(found) > 2


def test_problems_only_leaves_out_what_is_plain_success(settled: World, terminal: Terminal) -> None:
    settled.edit("users", "s1001", familyName="")
    settled.edit("users", "s1002", email="no address")
    assert run(settled, terminal) == 4
    found = report(terminal, settled, "--problems")
    assert {row["sourcedId"] for row in found["users.csv"]} == {"s1001", "s1002"}
    assert found["classes.csv"] == []


@pytest.mark.requirement("S2-22")
def test_school_sees_its_own_rows_only(settled: World, terminal: Terminal) -> None:
    settled.edit("users", "s1001", familyName="")
    settled.edit("users", "s2001", familyName="")
    settled.drop("users", "s2002")
    settled.drop("enrollments", *enrolled(settled, "s2002"))
    assert run(settled, terminal) == 4
    found = report(terminal, settled, "--school", "school-2")
    assert set(found) == {"orgs.csv", "classes.csv", "users.csv", "enrollments.csv"}
    keys = {row["sourcedId"] for row in found["users.csv"]}
    assert keys == {row["sourcedId"] for row in settled.rows("users") if row["orgSourcedIds"] == "school-2"} | {"s2002"}
    assert one(found["users.csv"], sourcedId="s2001")["result"] == "REJECTED"
    assert [row["sourcedId"] for row in found["orgs.csv"]] == ["school-2"]
    assert {row["sourcedId"] for row in found["classes.csv"]} == {f"class-2-{n}" for n in range(8)}


@pytest.mark.parametrize(
    "key",
    ["=cmd()", "\uff0b1"]
    + [
        pytest.param(key, marks=pytest.mark.slow)
        for key in ("+1", "-1", "@x", "\uff1d1+1", "\uff0d1", "\uff20x", " =1+1", "\u00a0=1")
    ],
)
def test_id_that_a_spreadsheet_would_run_gets_an_apostrophe(settled: World, terminal: Terminal, key: str) -> None:
    settled.rows("users").append({**settled.rows("users")[20], "sourcedId": key, "username": "x1", "identifier": "x1"})
    assert run(settled, terminal) in {0, 4}
    assert one(report(terminal, settled)["users.csv"], sourcedId=f"'{key}")["result"]


def test_formula_in_a_name_reaches_the_sink_as_it_is_and_no_report(settled: World, terminal: Terminal) -> None:
    formula = '=HYPERLINK("http://x.example","y")'
    settled.edit("users", "s1001", familyName=formula)
    settled.edit("classes", "class-1-0", title="\uff1d1+1")
    assert run(settled, terminal) == 0
    assert formula in str(settled.dump())
    assert "\uff1d1+1" in str(settled.dump())
    report(terminal, settled)
    texts = "".join(path.read_text(encoding="utf-8") for path in (settled.folder / "out").iterdir())
    assert "HYPERLINK" not in texts


@pytest.mark.parametrize("column", [column for column in HEADER if column != "line"])
@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r1", "\uff1d1", "\u200b=1"])
def test_cell_of_any_column_that_a_spreadsheet_would_run_gets_an_apostrophe(
    tmp_path: Path, column: str, cell: str
) -> None:
    assert written(tmp_path, column, cell)[column] == f"'{cell}"


@pytest.mark.parametrize("cell", ["a=1", "R-CELL-01", "'=1", ""])
def test_other_cells_are_written_as_they_are(tmp_path: Path, cell: str) -> None:
    assert written(tmp_path, "message", cell)["message"] == cell


def written(folder: Path, column: str, cell: str) -> dict[str, str]:
    """A row of a report in which one cell is as wished, as it is written and read back."""
    cells = ", ".join(f"{literal(cell if each == column else '')} AS {name(each)}" for each in HEADER[1:])
    with scratch(folder / "spill", [folder]) as connection:
        connection.execute(f"CREATE SCHEMA report; CREATE VIEW report.users AS SELECT 2 AS line, {cells}")
        files = cast("RunFiles", SimpleNamespace(connection=connection, snapshot=USERS))
        assert write(files, "users", folder / "users-report.csv") == 1
    with (folder / "users-report.csv").open(encoding="utf-8", newline="") as stream:
        return next(csv.DictReader(stream))


def write_many(folder: Path, count: int) -> int:
    """Make and write the report of a file of which every row was rejected; how many rows it has."""
    none = "WHERE false"
    with scratch(folder / "spill", [folder]) as connection:
        connection.execute(f"""
            CREATE SCHEMA roster; CREATE VIEW roster.users AS SELECT '' AS sourcedId, 0 AS line {none};
            CREATE VIEW deletions AS SELECT '' AS entity, 0 AS line, '' AS sourcedId {none};
            CREATE VIEW fates AS SELECT '' AS entity, '' AS key, '' AS school, '' AS action, '' AS status, '' AS code,
                '' AS reason {none};
            CREATE VIEW findings AS SELECT 'R-CELL-01' AS code, 'users.csv' AS file, i AS line, 'user-' || i AS key,
                'givenName' AS "column", 1 AS count FROM range(2, {count + 2}) AS each(i)""")
        run_ = SimpleNamespace(summary={"files": {"users.csv": {}}})
        files = cast("RunFiles", SimpleNamespace(connection=connection, snapshot=USERS, run=run_))
        assert prepare(files) == {"users.csv": {"REJECTED/UNCHANGED": count}}
        return write(files, "users", folder / "users-report.csv")


@pytest.mark.slow
def test_report_of_a_million_findings_goes_to_disk_in_bounded_memory(tmp_path: Path) -> None:
    program = """
import pathlib, resource, sys
sys.path.insert(0, sys.argv[2])
from test_rows import write_many
print("", write_many(pathlib.Path(sys.argv[1]), 1_000_000), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, sep="\\n")
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path, Path(__file__).parent], check=True, capture_output=True, text=True,
        env={**os.environ, "SYNCRUN_MEMORY": "300MB"},
    )  # fmt: skip
    rows, kilobytes = map(int, done.stdout.split()[-2:])
    assert (rows, kilobytes < 700_000) == (1_000_000, True), kilobytes
    with (tmp_path / "users-report.csv").open(encoding="utf-8") as stream:
        assert sum(1 for _ in stream) == 1_000_001


def test_reports_are_closed_to_others(settled: World, terminal: Terminal) -> None:
    report(terminal, settled, "--audit")
    folder = settled.folder / "out"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert (folder / "audit.json").exists()


def test_reports_hold_ids_and_never_names_or_addresses(settled: World, terminal: Terminal) -> None:
    canary = "Canary-Nachname"
    settled.edit("users", "s1001", familyName=canary, enabledUser="perhaps")
    settled.edit("users", "t101", familyName=canary, email="t100@example.org")
    assert run(settled, terminal) == 4
    report(terminal, settled)
    texts = "".join(path.read_text(encoding="utf-8") for path in (settled.folder / "out").iterdir())
    assert canary not in texts
    assert "@example.org" not in texts


def test_run_before_there_was_a_plan_has_no_report(world: World, terminal: Terminal) -> None:
    answer = terminal("report", "--district", world.toml)
    assert (answer.code, answer.out) == (2, "")
    assert "has no run with a plan" in answer.err


def test_report_of_an_earlier_run_is_found_by_the_beginning_of_its_name(settled: World, terminal: Terminal) -> None:
    settled.edit("users", "s2001", familyName="New")
    assert run(settled, terminal) == 0
    runs: list[dict[str, Any]] = terminal("runs", "--json").json
    counts = {
        each["run"]: terminal(
            "report", "--district", settled.toml, each["run"], "--out", settled.folder / "o", "--json"
        ).json["rows"]
        for each in runs
    }
    assert counts[runs[0]["run"]]["users.csv"] == {"SUCCESS/UNCHANGED": 209, "SUCCESS/UPDATED": 1}
    assert counts[runs[1]["run"]]["users.csv"] == {"SUCCESS/CREATED": 210}
    assert counts[runs[2]["run"]]["users.csv"] == {"HELD/CREATED": 210}
    assert terminal("report", "--district", settled.toml, "2").code == 2
    assert Path("report-2").exists() is False


# -- sets of another form --------------------------------------------------------------------------------------------------


def manifest(world: World, *changes: tuple[str, str]) -> None:
    """Write the set, and change lines of its manifest."""
    world.write()
    path = world.inbox / "manifest.csv"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8", newline="")


def delta(world: World, **rows: list[dict[str, str]]) -> None:
    """Write a delta that has these rows, and no other file."""
    everything = world.files
    world.files = {
        name: [{"dateLastModified": "2026-11-20T06:00:00.000Z", **each} for each in found]
        for name, found in rows.items()
    }
    modes = [(f"file.{name},bulk", f"file.{name},delta") for name in rows]
    manifest(world, *modes)
    with (world.inbox / "manifest.csv").open("a", encoding="utf-8", newline="") as stream:
        stream.writelines(f"file.{name},absent\r\n" for name in roster.COLUMNS if name not in rows)
    world.files = everything


def test_delta_is_reported_for_the_files_and_rows_that_it_has(settled: World, terminal: Terminal) -> None:
    users = {row["sourcedId"]: row for row in settled.rows("users")}
    delta(settled, users=[
        {**users["s2001"], "status": "active", "familyName": "New"}, {**users["s2002"], "status": "active"},
    ])  # fmt: skip
    answer = terminal("--district", settled.toml)
    assert answer.code == 0, answer.err
    found = report(terminal, settled)
    assert set(found) == {"users.csv"}
    assert {row["sourcedId"]: (row["line"], row["result"], row["action"]) for row in found["users.csv"]} == {
        "s2001": ("2", "SUCCESS", "UPDATED"), "s2002": ("3", "SUCCESS", "UNCHANGED"),
    }  # fmt: skip


def test_removal_by_a_delta_is_reported_also_where_no_file_of_its_kind_came(settled: World, terminal: Terminal) -> None:
    users = {row["sourcedId"]: row for row in settled.rows("users")}
    delta(settled, users=[{**users["s2001"], "status": "tobedeleted"}], enrollments=[
        {**row, "status": "tobedeleted"} for row in settled.rows("enrollments") if row["userSourcedId"] == "s2001"
    ])  # fmt: skip
    answer = terminal("--district", settled.toml)
    assert answer.code == 0, answer.err
    found = report(terminal, settled)
    assert [(row["sourcedId"], row["result"], row["action"]) for row in found["users.csv"]] == [
        ("s2001", "SUCCESS", "ARCHIVED")
    ]
    assert {row["action"] for row in found["enrollments.csv"]} == {"ARCHIVED"}


def test_deletion_of_somebody_nobody_knows_has_a_result_too(settled: World, terminal: Terminal) -> None:
    delta(settled, users=[{**settled.rows("users")[9], "sourcedId": "stranger", "status": "tobedeleted"}])
    assert terminal("--district", settled.toml).code == 0
    assert [row["sourcedId"] for row in report(terminal, settled)["users.csv"]] == ["stranger"]


def test_every_exact_copy_has_a_result_too(settled: World, terminal: Terminal) -> None:
    settled.rows("users").extend(dict(row) for row in settled.rows("users")[50:53])
    assert run(settled, terminal) == 0
    assert len(report(terminal, settled)["users.csv"]) == 213


def test_one_exact_copy_is_a_success_with_a_remark(settled: World, terminal: Terminal) -> None:
    settled.rows("users").append(dict(settled.rows("users")[50]))
    assert run(settled, terminal) == 0
    copy = one(report(terminal, settled)["users.csv"], line="212")
    assert {key: copy[key] for key in ("result", "action", "code")} == {
        "result": "SUCCESS", "action": "UNCHANGED", "code": "R-FILE-14",
    }  # fmt: skip


@pytest.mark.requirement("S2-22")
def test_school_sees_its_own_rows_only_of_version_1_2_too(
    world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = tuple(each for each in roster.COLUMNS["users"] if each not in {"orgSourcedIds", "role"})
    roles = ("userSourcedId", "roleType", "role", "orgSourcedId")
    monkeypatch.setattr(roster, "COLUMNS", {**roster.COLUMNS, "users": users, "roles": roles})
    world.files["roles"] = [
        {"sourcedId": f"r-{row['sourcedId']}", "userSourcedId": row["sourcedId"], "roleType": "primary", "role": row["role"],
         "orgSourcedId": row["orgSourcedIds"]} for row in world.rows("users")
    ]  # fmt: skip
    manifest(world, ("oneroster.version,1.1", "oneroster.version,1.2"))
    answer = terminal("--district", world.toml)
    assert answer.code == 3, answer.err
    found = report(terminal, world, "--school", "school-2")
    mine = {row["sourcedId"] for row in world.rows("users") if row["orgSourcedIds"] == "school-2"}
    assert {row["sourcedId"] for row in found["users.csv"]} == mine
    assert len(mine) == 70


def test_report_of_a_school_has_the_rows_that_a_route_brought_there_and_those_it_took_away(
    world: World, terminal: Terminal
) -> None:
    world.configure(sink='[[sinks.routes]]\nfrom = ["school-2"]\ngrades = ["08"]\nto = "up"\nname = "Up"')
    world.settled()
    upper = {
        row["sourcedId"] for row in world.rows("users") if row["sourcedId"].startswith("s2") and row["grades"] == "08"
    }
    old = report(terminal, world, "--school", "school-2")["users.csv"]
    assert {row["action"] for row in old} == {"CREATED"}
    assert len(old) == 70
    new = report(terminal, world, "--school", "up")["users.csv"]
    assert {row["sourcedId"] for row in new if row["sourcedId"][0] == "s"} == upper
    gone = min(upper)
    world.drop("users", gone)
    world.drop("enrollments", *enrolled(world, gone))
    assert run(world, terminal) == 0
    (row,) = report(terminal, world, "--school", "up")["users.csv"]
    assert (row["sourcedId"], row["action"]) == (gone, "ARCHIVED")
