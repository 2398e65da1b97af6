"""The stories of the source documents, told through the command line from the set-up to a quiet night, on both databases.

Each step carries the number of the requirement that it meets; the tests beside this one go into the details.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import earlier
import pytest
from messenger import Messenger
from terminal import Answer, Terminal
from world import YEAR, World

from syncrun.demo.messaging import Before, fill

Tell = Callable[..., Answer]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("postgres_server").create() if request.param == "postgresql" else None


def teller(world: World, terminal: Terminal) -> Tell:
    """Runs a command for the district and looks at its exit code."""

    def tell(*words: object, code: int = 0) -> Answer:
        answer = terminal(*words, "--district", world.toml)
        assert answer.code == code, answer.out + answer.err
        return answer

    return tell


def run(world: World, terminal: Terminal, *words: object) -> Answer:
    return terminal("--district", world.toml, *words)


@pytest.mark.requirement("S0-5", "S0-6", "S0-7", "S0-8", "S0-9", "S0-10", "S0-11", "S0-12", "S0-13", "S0-14", "S0-15",
                         "S0-16", "S0-17", "S0-18", "S0-19", "S0-21", "S0-22", "S0-23", "S0-24", "S0-26", "S0-27", "S0-28",
                         "S0-29", "S0-30", "S0-31")  # fmt: skip
def test_a_planner_from_the_first_look_to_a_quiet_night(
    world: World, terminal: Terminal, url: str | None, home: Any
) -> None:
    world.planner_url = url or world.planner_url
    world.configure(years="[]", sink='new_teachers = "ask"')
    world.configure(world.toml.read_text(encoding="utf-8").replace('new_teachers = "add"\n', ""))
    world.write()
    tell = teller(world, terminal)
    schools = earlier.schools(world)
    mine = earlier.made_by_hand(world, "teachers", "by-hand", given_name="By", family_name="Hand", can_sign_in=True)
    before = world.dump()

    # schools: proposed on the right, overridden, added, skipped; one for two is refused (S0-5 to S0-10)
    proposals = {
        each["source_id"]: each["fits"][0]["sink_id"] for each in tell("map", "orgs", "--json").json["records"]
    }
    assert proposals == schools
    tell("map", "orgs", "set", "school-1", "--link", schools["school-2"])
    refused = tell("map", "orgs", "set", "school-2", "--link", schools["school-2"], code=2)
    assert "E-MAP-1" in refused.out + refused.err
    tell("map", "orgs", "set", "school-2", "--add")
    tell("map", "orgs", "set", "school-3", "--skip")
    # teachers of those schools (S0-11 to S0-14)
    offered = {each["source_id"] for each in tell("map", "teachers", "--json").json["records"]}
    assert offered == {f"t{school}0{n}" for school in (1, 2) for n in range(4)}
    tell("map", "teachers", "set", "t100", "--link", mine)
    tell("map", "teachers", "set", "t101", "--add")
    tell("map", "teachers", "set", "t203", "--skip")
    assert world.dump() == before, "nothing is written before the review is agreed to (S0-9, S0-24)"

    # the review, with what is billed; no year: schools and teachers only (S0-15, S0-16, S0-22, S0-23)
    held = run(world, terminal)
    assert held.code == 3
    assert "billable teachers: 6 more in the account" in held.out
    assert "No school year is chosen, so only schools and teachers are synced" in held.out
    assert world.dump() == before
    tell("approve", "--run")
    assert (world.count("schools"), world.count("classes"), world.count("students")) == (4, 0, 0)
    assert {row[-2] for row in world.dump()["teachers"] if row[-3]} == {
        "t100",
        "t101",
        "t102",
        "t103",
        "t200",
        "t201",
        "t202",
    }

    # a year turns rostering on, for every teacher; two draw advice (S0-17 to S0-19, S0-28)
    tell("map", "years", "set", YEAR, "--add")
    assert run(world, terminal, "--dry-run").code in {0, 3}, "what a sync would touch can be seen (S0-27)"
    assert world.count("classes") == 0
    if run(world, terminal).code == 3:
        tell("approve", "--run")
    assert (world.count("classes"), world.count("teacher_years")) == (16, 7)
    assert {row[-2][:7] for row in world.dump()["classes"]} == {"class-1", "class-2"}, "S0-29"

    # a new teacher waits for a person; a school that is deselected stays (S0-30, S0-31)
    from syncrun.demo.roster import _person

    world.files["users"].append(_person("t299", 3, "teacher", "school-2"))
    world.write()
    asked = run(world, terminal)
    assert (asked.code, "P-NEW-1" in asked.out) == (3, True)
    assert "t299" not in str(world.dump()["teachers"])
    tell("map", "teachers", "set", "t299", "--skip")
    tell("map", "orgs", "set", "school-2", "--skip")
    kept = world.dump()
    assert run(world, terminal).code == 0
    assert world.dump() == kept
    assert "Nothing to do" in run(world, terminal).out, "sync now, at any moment (S0-21, S0-26)"


@pytest.mark.requirement("S1-1", "S1-2", "S1-3", "S1-4", "S1-5", "S1-6", "S1-7", "S1-8", "S1-9", "S1-10", "S1-11", "S1-12",
                         "S1-13", "S1-14", "S1-15", "S2-23", "S4-5", "S4-9", "S4-16")  # fmt: skip
def test_a_messaging_app_that_was_in_use_before(world: World, terminal: Terminal, url: str | None) -> None:
    app = Messenger(world.folder, url)
    app.write()
    with app.planner() as connection:
        before: Before = fill(connection, app.files)
    tell = teller(app, terminal)
    was = app.all("classrooms")
    rooms = sorted(key for key in before.classrooms if was[key]["archived_at"] is None)
    clubs = before.by_hand["classrooms"]

    refused = run(app, terminal)
    assert (refused.code, "E-EXIST-1" in refused.err + refused.out) == (2, True), "no launch before a choice (S1-1)"
    # pairs are proposed in bulk, and some are taken as they are (S1-15); one is connected by hand (S1-6, S1-7)
    tell("map", "orgs", "accept", "--yes")
    tell("map", "teachers", "accept", "--likely", "--yes")
    taken, aside, left = rooms[0], rooms[1], rooms[2:]
    proposed = {each["source_id"]: each["fits"] for each in tell("map", "classes", "--json").json["records"]}
    right = [key for key, fits in proposed.items() if fits and before.classrooms.get(fits[0]["sink_id"]) == key]
    assert len(right) >= len(rooms) * 2 // 3
    tell("connect", taken, before.classrooms[taken])
    again = tell("connect", aside, before.classrooms[taken], code=2)
    assert before.classrooms[taken] in again.out + again.err, "one sourcedId on one classroom (S1-9)"
    told = tell("connect", left[0], "class-of-nobody")
    assert "class-of-nobody" in told.out + told.err, "the source does not share it (S1-10)"
    tell("disconnect", left[0])
    # some are archived, others left (S1-2 to S1-4, S1-8); who is not in the source is asked for (S1-14)
    tell("existing", "set", "leave")
    tell("existing", "set", "archive", "--row", aside)
    held = run(app, terminal)
    assert held.code == 3
    assert "P-MEMBERS-1" in held.out
    assert "stay beside the new ones" in held.out
    tell("existing", "members", "keep")
    assert run(app, terminal).code == 3
    assert app.all("classrooms") == was, "nothing before the approval"
    tell("approve", "--run")
    now = app.all("classrooms")
    assert now[taken]["external_id"] == before.classrooms[taken]
    assert now[aside]["archived_at"] is not None
    assert {key: now[key] for key in (*left, *clubs)} == {key: was[key] for key in (*left, *clubs)}
    ours = [row for row in now.values() if row["managed_by"] == "riverside" and row["archived_at"] is None]
    assert len(ours) == len(app.rows("classes")), "each shared class once (S1-5, S1-11)"
    assert app.outbox() == [], "the first sync sends nothing (S2-23)"
    # what was archived is listed and brought back (S1-13)
    assert aside in tell("existing", "list", "--archived").out
    tell("existing", "restore", aside)
    assert run(app, terminal).code == 0
    assert app.all("classrooms")[aside] == was[aside]
    # a student who is there twice is merged, with a preview, and parted again (S4-9, S4-16)
    old, student = next((each, key) for each, key in sorted(before.students.items()))
    untouched = app.all("students")[old]
    assert student in tell("merge", student, old, "--keep", "given_name", "--yes").out
    assert run(app, terminal).code == 0
    merged = app.all("students")[old]
    assert (merged["external_id"], merged["given_name"], merged["points"]) == (
        student,
        untouched["given_name"],
        untouched["points"],
    )
    tell("unmerge", student)
    assert run(app, terminal).code == 0
    assert app.all("students")[old] == untouched
    assert "Nothing to do" in run(app, terminal).out
