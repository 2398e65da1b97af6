"""A district file is taken whole, or refused with everything that is wrong with it, and shows no secret."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from syncrun.config.district import District, district_names, find, load
from syncrun.errors import ConfigError, Problem
from syncrun.registry import Registry
from syncrun.roster.route import Route
from syncrun.schedule.spec import words
from syncrun.sdk import SecretText

if TYPE_CHECKING:
    from terminal import Terminal
    from vendor import Site

CANARY = "canary-4f7b"
GOOD = """
district = "riverside"
[source]
connector = "oneroster_csv"
path = "inbox"
[[sinks]]
sink = "planner"
database_url = "sqlite:///planner.db"
"""


@pytest.fixture
def path(tmp_path: Path, home: Path) -> Path:
    return tmp_path / "riverside.toml"


def loaded(path: Path, text: str = GOOD, registry: Registry | None = None, **options: Any) -> District:
    path.write_text(text)
    return load(str(path), registry or Registry(), **options)


def problems(path: Path, text: str, registry: Registry | None = None) -> list[Problem]:
    """Everything that is wrong with a file."""
    with pytest.raises(ConfigError) as raised:
        loaded(path, text, registry)
    assert raised.value.exit_code == 2
    assert CANARY not in f"{raised.value.as_dict()} {raised.value!r}"
    return list(raised.value.problems)


def told(path: Path, text: str) -> list[tuple[str, str, str]]:
    """The same as code, path and message."""
    return [(each.code, each.path, each.message) for each in problems(path, text)]


# -- a good file ---------------------------------------------------------------------------------------------------------


def test_shortest_file_has_a_default_for_all_the_rest(path: Path) -> None:
    found = loaded(path)
    assert (found.name, found.path, found.folder, found.time_zone, found.plugins) == (
        "riverside",
        path,
        path.parent,
        "UTC",
        (),
    )
    assert (found.source.info.name, found.source.settings) == (
        "oneroster_csv",
        {"path": "inbox", "format": "auto", "quotes": True},
    )
    (sink,) = found.sinks
    assert (sink.name, sink.school_years, sink.mapping, sink.new_teachers) == ("planner", (), None, "ask")
    assert sink.settings == {"database_url": "sqlite:///planner.db", "create_tables": False}
    limits = found.limits
    assert (limits.removals, limits.removals_floor, limits.class_shrink, limits.updates, limits.rekeys) == (
        10,
        5,
        50,
        75,
        5,
    )


def test_what_is_written_goes_before_the_defaults(path: Path) -> None:
    text = GOOD.replace('district = "riverside"', 'district = "riverside"\ntime_zone = "America/New_York"') + (
        'name = "second"\nschool_years = ["y1", "y2"]\nnew_teachers = "add"\n[limits]\nremovals = 2.5\nupdates_floor = 0\n'
    )
    found = loaded(path, text)
    (sink,) = found.sinks
    assert (found.time_zone, sink.name, sink.school_years, sink.new_teachers) == (
        "America/New_York",
        "second",
        ("y1", "y2"),
        "add",
    )
    assert (found.limits.removals, found.limits.updates_floor, found.limits.updates) == (2.5, 0, 75)


@pytest.mark.requirement("S3-13", "S3-14")
def test_schedules_are_in_the_zone_of_the_district_unless_they_name_another(path: Path) -> None:
    assert loaded(path).schedule == {}
    text = (
        GOOD.replace("[source]", 'time_zone = "America/Denver"\n[source]', 1)
        + """
[schedule]
until = 2027-06-12
full = { every = "week", on = ["mon", "thu"], at = "19:30" }
incremental = { every = "day", at = "06:00", time_zone = "America/Chicago" }
"""
    )
    assert {mode: words(spec) for mode, spec in loaded(path, text).schedule.items()} == {
        "full": "every Mon, Thu at 19:30 (America/Denver), until 2027-06-12",
        "incremental": "every day at 06:00 (America/Chicago), until 2027-06-12",
    }


def test_what_is_wrong_with_schedules_is_told_with_its_place(path: Path) -> None:
    text = (
        GOOD
        + """
[schedule]
full = { every = "day", at = "19:61", form = 1 }
pause = [{ from = 2027-01-02, to = 2027-01-01 }]
untill = 2027-01-01
"""
    )
    found = sorted((each.code, each.path, each.message, each.hint) for each in problems(path, text))
    assert found == [
        ("E-CONFIG-3", "schedule.full.at", "is not a time like 19:30, from 00:00 to 23:59", ""),
        ("E-CONFIG-3", "schedule.full.form", "is not a setting",
         "known here: additions_only, at, catch_up_hours, every, on, pause, skip, time_zone, until"),
        ("E-CONFIG-3", "schedule.pause[0].to", "is before the first day", ""),
        ("E-CONFIG-3", "schedule.untill", "is not a setting", "did you mean until?"),
    ]  # fmt: skip


def test_fingerprint_changes_with_the_text_and_with_nothing_else(path: Path) -> None:
    first = loaded(path).fingerprint
    assert loaded(path).fingerprint == first
    assert loaded(path, GOOD + "# a remark\n").fingerprint != first


def test_two_sinks_of_one_kind_need_names_of_their_own(path: Path) -> None:
    second = '[[sinks]]\nsink = "planner"\ndatabase_url = "sqlite:///other.db"\n'
    assert told(path, GOOD + second) == [("E-CONFIG-3", "sinks", "two sinks are called planner")]
    assert [sink.name for sink in loaded(path, GOOD + second + 'name = "other"\n').sinks] == ["planner", "other"]


# -- finding it ----------------------------------------------------------------------------------------------------------


def test_district_is_found_by_name_in_the_folders_for_it(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, names in ((tmp_path / "districts", ("near", "both")), (home / "districts", ("far", "both"))):
        folder.mkdir(parents=True)
        for name in names:
            (folder / f"{name}.toml").touch()
    assert find("near") == tmp_path / "districts" / "near.toml"
    assert find("far") == home / "districts" / "far.toml"
    assert find("both") == tmp_path / "districts" / "both.toml"
    assert find("districts/near.toml") == tmp_path / "districts" / "near.toml"
    assert district_names() == ["both", "far", "near"]
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(home / "districts"))
    assert find("both") == home / "districts" / "both.toml"
    assert district_names() == ["both", "far"]


def test_unknown_district_gets_the_nearest_name_or_the_way_to_make_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCRUN_DISTRICTS", str(path.parent))
    path.touch()
    for wanted, hint in (
        ("riversid", "did you mean riverside?"),
        ("zzz", f"looked in {path.parent}; `syncrun init zzz` makes one"),
    ):
        with pytest.raises(ConfigError) as raised:
            find(wanted)
        assert raised.value.problems == (Problem("E-CONFIG-2", wanted, "there is no district of that name", hint),)


def test_unknown_file_is_said_to_be_none(tmp_path: Path, home: Path) -> None:
    for wanted in (str(tmp_path / "x.toml"), str(tmp_path / "x"), str(tmp_path)):
        with pytest.raises(ConfigError) as raised:
            find(wanted)
        assert [(each.code, each.message) for each in raised.value.problems] == [
            ("E-CONFIG-2", "there is no such file")
        ]


# -- what is wrong with it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["district = ", "[source", 'a = "x', "a = 1\na = 2"])
def test_broken_toml_is_refused_with_its_place(path: Path, text: str) -> None:
    (problem,) = problems(path, text)
    assert (problem.code, problem.path) == ("E-CONFIG-1", "riverside.toml")
    assert "line " in problem.message or "end of document" in problem.message


def test_file_that_is_no_text_or_cannot_be_read_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError) as raised:
        load(str(path), Registry())
    assert raised.value.problems[0].code == "E-CONFIG-1"
    with pytest.raises(ConfigError) as raised:
        load("/proc/self/mem", Registry())
    assert raised.value.problems[0].code == "E-CONFIG-1"


EVERYTHING = f"""
district = "River Side"
time_zone = "America/Newyork"
distrcit = 1
plugins = ["nobody"]
[source]
connector = "oneroster_cvs"
path = "inbox"
[[sinks]]
sink = "planner"
database_url = "postgresql://me:{CANARY}@host/db"
create_table = true
new_teachers = "perhaps"
mapping = "no-such.csv"
[[sinks]]
sink = "planner"
database_url = "env:SYNCRUN_TEST_NOT_SET"
school_years = "2026"
[[sinks]]
sink = "planer"
[limits]
removal = 3
updates = 101
rekeys_floor = 1.5
"""


def test_all_problems_are_told_at_once_each_with_its_place_and_a_hint(path: Path) -> None:
    found = problems(path, EVERYTHING)
    assert sorted((each.code, each.path, each.message, each.hint) for each in found) == sorted([
        ("E-CONFIG-3", "district", "must be small letters, digits, - and _, and begin with a letter or digit", ""),
        ("E-CONFIG-3", "time_zone", "is not a time zone of the IANA database, like America/New_York", ""),
        ("E-CONFIG-3", "distrcit", "is not a setting", "did you mean district?"),
        ("E-CONFIG-4", "plugins", "no plug-in named nobody is installed", "see `syncrun plugins list`"),
        ("E-CONFIG-4", "source.connector", "no connector named oneroster_cvs is installed", "did you mean oneroster_csv?"),
        ("E-CONFIG-6", "sinks[0].database_url", "holds a password; write a reference like env:PLANNER_URL", ""),
        ("E-CONFIG-3", "sinks[0].create_table", "is not a setting", "did you mean create_tables?"),
        ("E-CONFIG-3", "sinks[0].new_teachers", "must be one of: ask, add, ignore", ""),
        ("E-CONFIG-3", "sinks[0].mapping", "there is no such file", "a CSV with the header kind,sourcedId,decision,sinkId"),
        ("E-CONFIG-5", "sinks[1].database_url", "refers to the environment variable SYNCRUN_TEST_NOT_SET, which is not set",
         "export SYNCRUN_TEST_NOT_SET=..."),
        ("E-CONFIG-3", "sinks[1].school_years", "not a valid list", ""),
        ("E-CONFIG-3", "sinks", "two sinks are called planner", "give each a `name` of its own"),
        ("E-CONFIG-4", "sinks[2].sink", "no sink named planer is installed", "did you mean planner?"),
        ("E-CONFIG-3", "limits.removal", "is not a setting", "did you mean removals?"),
        ("E-CONFIG-3", "limits.updates", "must be greater than or equal to 0 and less than or equal to 100", ""),
        ("E-CONFIG-3", "limits.rekeys_floor", "not a valid integer", ""),
    ])  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [
    ("", {("district", "is required and missing"), ("source", "is required and missing"), ("sinks", "is required and missing")}),
    ('district = "x"\nsource = "inbox"\nsinks = []', {("source", "not a valid mapping type"), ("sinks", "shorter than minimum length 1")}),
    ('district = "x"\nsource = {}\nsinks = [{}]', {("source.connector", "is required and missing"), ("sinks[0].sink", "is required and missing")}),
    ('district = "x"\nlimits = 3\nsource = {connector = "oneroster_csv"}\nsinks = ["a", {sink = "planner"}]', {
        ("limits", "invalid input type"), ("source.path", "is required and missing"), ("sinks[0]", "not a valid mapping type"),
        ("sinks[1].database_url", "is required and missing"),
    }),
])  # fmt: skip
def test_missing_and_misshapen_sections_are_named_by_their_place(
    path: Path, text: str, expected: set[tuple[str, str]]
) -> None:
    assert {(each.path, each.message) for each in problems(path, text)} == expected


def test_rows_of_the_mapping_file_are_among_the_problems(path: Path) -> None:
    (path.parent / "map.csv").write_text("kind,sourcedId,decision,sinkId\norgs,o1,perhaps,\n")
    assert sorted(told(path, GOOD + 'mapping = "map.csv"\ncolour = 1\n')) == [
        ("E-CONFIG-3", "sinks[0].colour", "is not a setting"),
        ("E-CONFIG-8", "map.csv:2", "the decision must be one of add, link, join, skip"),
    ]


# -- routes --------------------------------------------------------------------------------------------------------------

ROUTE = """
[[sinks.routes]]
from = ["school-1"]
grades = ["6", "07"]
to = "school-1-upper"
name = "Oak Upper School"
"""


def test_routes_are_read_in_order_with_their_grades_as_the_roster_has_them(path: Path) -> None:
    (sink,) = loaded(path, GOOD + ROUTE + '[[sinks.routes]]\nfrom = ["school-2", "school-3"]\nto = "school-2"\n').sinks
    assert sink.routes == (
        Route(("school-1",), "school-1-upper", ("06", "07"), name="Oak Upper School"),
        Route(("school-2", "school-3"), "school-2"),
    )
    assert loaded(path).sinks[0].routes == ()


def test_everything_that_is_wrong_with_routes_is_named_by_its_place(path: Path) -> None:
    wrong = (
        ROUTE
        + """
[[sinks.routes]]
from = []
too = "x"
[[sinks.routes]]
from = ["school-2", ""]
to = ""
grades = []
[[sinks.routes]]
from = ["school-2"]
to = "x"
identifier = "X"
"""
    )
    assert sorted((each.path, each.message) for each in problems(path, GOOD + wrong)) == [
        ("sinks[0].routes[1].from", "shorter than minimum length 1"),
        ("sinks[0].routes[1].to", "is required and missing"),
        ("sinks[0].routes[1].too", "is not a setting"),
        ("sinks[0].routes[2].from[1]", "shorter than minimum length 1"),
        ("sinks[0].routes[2].grades", "shorter than minimum length 1"),
        ("sinks[0].routes[2].to", "shorter than minimum length 1"),
        ("sinks[0].routes[3].identifier", "is for a new school, which needs a name"),
    ]


def test_setting_of_a_route_that_is_misspelled_draws_the_right_one(path: Path) -> None:
    (problem,) = problems(path, GOOD + ROUTE.replace("grades", "grade"))
    assert (problem.path, problem.hint) == ("sinks[0].routes[0].grade", "did you mean grades?")


def test_routes_that_go_against_each_other_are_named(path: Path) -> None:
    more = '[[sinks.routes]]\nfrom = ["school-0"]\nto = "school-1"\n' * 2
    assert sorted(told(path, GOOD + ROUTE + more)) == [
        ("E-CONFIG-3", "sinks[0].routes[1].to", "another route sends on what comes to school-1, and no route is followed twice"),
        ("E-CONFIG-3", "sinks[0].routes[2].from", "nothing of school-0 is left: an earlier route takes all of it"),
        ("E-CONFIG-3", "sinks[0].routes[2].to", "another route sends on what comes to school-1, and no route is followed twice"),
    ]  # fmt: skip


# -- secrets -------------------------------------------------------------------------------------------------------------

VAULT = """
from marshmallow import Schema, fields
from syncrun.sdk import Secret

class Keys(Schema):
    inner = Secret()

class Settings(Schema):
    key = Secret(required=True)
    more = fields.List(Secret())
    keys = fields.Nested(Keys)
    note = fields.String()

class Thing:
    pass
"""


@pytest.fixture
def vault(site: Site) -> str:
    """A source with secrets in every corner of its settings; a file that names it."""
    plugin = ('from syncrun.sdk import *\n@hookimpl\ndef syncrun_sources():\n'
              '    yield ConnectorInfo("vault", "t", "vault_parts:Thing", "vault_parts:Settings")')  # fmt: skip
    site.install("vault", {"vault": "vault_plugin"}, {"vault_plugin": plugin, "vault_parts": VAULT})
    return GOOD.replace('connector = "oneroster_csv"\npath = "inbox"', 'connector = "vault"\nSETTINGS')


def test_secrets_are_fetched_wherever_they_stand_and_do_not_show(
    path: Path, vault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_KEY", CANARY)
    (path.parent / "key.txt").write_text(f"{CANARY}\n")
    found = loaded(path, vault.replace("SETTINGS", 'key = "env:VAULT_KEY"\nmore = ["file:key.txt"]\n'
                                                   'keys = {inner = "env:VAULT_KEY"}\nnote = "file:key.txt"'))  # fmt: skip
    secret = SecretText(CANARY)
    assert found.source.settings == {"key": secret, "more": [secret], "keys": {"inner": secret}, "note": "file:key.txt"}
    assert CANARY not in repr(found)


def test_secrets_that_are_missing_or_written_out_are_named_by_their_place(path: Path, vault: str) -> None:
    text = vault.replace(
        "SETTINGS", f'key = "{CANARY}"\nmore = ["file:key.txt", "{CANARY}"]\nkeys = {{inner = "env:NOT_SET_X"}}'
    )
    assert {(each.code, each.path) for each in problems(path, text)} == {
        ("E-CONFIG-6", "source.key"), ("E-CONFIG-6", "source.more[1]"),
        ("E-CONFIG-5", "source.more[0]"), ("E-CONFIG-5", "source.keys.inner"),
    }  # fmt: skip


def test_file_can_be_checked_where_the_secrets_are_not(path: Path, vault: str) -> None:
    found = loaded(path, vault.replace("SETTINGS", 'key = "env:NOT_SET_X"'), fetch_secrets=False)
    assert found.source.settings == {"key": "env:NOT_SET_X"}


@pytest.mark.parametrize(("settings", "words"), [
    ("vendor_parts:Nothing", "which cannot be imported: AttributeError"),
    ("vendor_parts:settings", "which is no marshmallow schema"),
    ("vendor_exits:Settings", "which cannot be imported: SystemExit"),
])  # fmt: skip
def test_plugin_without_usable_settings_is_refused_with_its_name(
    path: Path, site: Site, settings: str, words: str
) -> None:
    plugin = ('from syncrun.sdk import *\n@hookimpl\ndef syncrun_sources():\n'
              f'    yield ConnectorInfo("odd", "t", "vendor_parts:Thing", "{settings}")')  # fmt: skip
    site.install("odd", {"odd": "odd_plugin"}, {
        "odd_plugin": plugin, "vendor_parts": "settings = 3", "vendor_exits": "raise SystemExit(0)",
    })  # fmt: skip
    (problem,) = problems(path, GOOD.replace("oneroster_csv", "odd"))
    assert (problem.code, problem.path) == ("E-CONFIG-7", "source")
    assert words in problem.message


def test_observer_with_a_fault_refuses_the_district_that_names_it(path: Path, site: Site) -> None:
    site.plugin("nosy", "raise RuntimeError('no licence')")
    (problem,) = problems(path, f'plugins = ["nosy"]\n{GOOD}')
    assert (problem.code, problem.path) == ("E-CONFIG-7", "plugins")
    assert problem.message == "the plug-in nosy cannot be loaded: RuntimeError: no licence (vendor-nosy 1.0, import)"
    assert loaded(path).name == "riverside"


def test_namesake_of_a_builtin_does_not_keep_a_district_from_naming_the_builtin(path: Path, site: Site) -> None:
    site.good("planner", distribution="squatter")
    assert loaded(path, f'plugins = ["planner"]\n{GOOD}').plugins == ("planner",)


# -- through the command line ----------------------------------------------------------------------------------------------


def test_refusal_is_one_clear_message_and_no_secret(
    terminal: Terminal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCRUN_TEST_SECRET", CANARY)
    path.write_text(EVERYTHING)
    answer = terminal("--district", path)
    assert (answer.code, answer.out) == (2, "")
    first, *lines = answer.err.splitlines()
    assert first == "REFUSED  E-CONFIG-3  riverside.toml has 16 problems."
    assert len([line for line in lines if line.startswith("  E-CONFIG-")]) == 16
    assert lines[-2:] == [
        "Safe: Nothing was written.",
        "Next: Correct the settings named above and run again; `syncrun check --district` tries them without a sync.",
    ]
    found = terminal("--district", path, "--json")
    assert (found.code, found.json["outcome"], len(found.json["error"]["problems"])) == (2, "REFUSED", 16)
    assert CANARY not in answer.err + found.out + found.err


@pytest.mark.parametrize(("user", "code", "message"), [
    ({"username": "clerk", "password": f"not-{CANARY}"}, 2, "E-AUTH-1  the planner's database does not accept"),
    ({"database": "nowhere"}, 2, "E-CONFIG-3  the planner's database has 1 problem.\n  E-CONFIG-3  database_url: the planner's database is not there"),
], ids=["wrong password", "no such database"])  # fmt: skip
@pytest.mark.parametrize("command", ["sync", "check"])
def test_planner_that_does_not_let_us_in_is_refused(
    terminal: Terminal, path: Path, locked_database: sa.URL, monkeypatch: pytest.MonkeyPatch, user: dict[str, str], code: int,
    message: str, command: str,
) -> None:  # fmt: skip
    answer = refused(terminal, path, locked_database.set(**user), monkeypatch, command)
    assert (answer[0], answer[1]) == (code, "")
    assert f"REFUSED  {message}" in answer[2]
    assert len(answer[2].splitlines()) <= 5
    assert CANARY not in answer[2]


def test_planner_that_cannot_be_reached_is_to_be_tried_later(
    terminal: Terminal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = refused(terminal, path, sa.make_url(f"postgresql://me:{CANARY}@127.0.0.1:1/x"), monkeypatch, "sync")
    assert answer[0] == 75
    assert "RETRY  E-RETRY-1  the planner's database cannot be reached" in answer[2]
    assert CANARY not in answer[2]


def test_planner_file_that_is_no_database_is_refused(
    terminal: Terminal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path.parent / "letter.db").write_text("Dear parents,\n" * 100)
    answer = refused(terminal, path, sa.make_url("sqlite:///letter.db"), monkeypatch, "sync")
    assert answer[0] == 2
    assert "is a file, but not a SQLite database" in answer[2]
    assert (path.parent / "letter.db").read_text().startswith("Dear parents")


def refused(
    terminal: Terminal, path: Path, url: sa.URL, monkeypatch: pytest.MonkeyPatch, command: str
) -> tuple[int, str, str]:
    """What a district with files and this planner is told."""
    from syncrun.demo import roster

    roster.write(roster.first_day(), path.parent / "inbox")
    monkeypatch.setenv("PLANNER_URL", url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False))
    path.write_text(GOOD.replace("sqlite:///planner.db", "env:PLANNER_URL"))
    answer = terminal(*(["check"] if command == "check" else []), "--district", path)
    return answer.code, answer.out, answer.err
