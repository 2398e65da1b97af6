"""A plan and its hashes: what an approval names, and what makes it another."""

from __future__ import annotations

import dataclasses

from syncrun.plan.model import NEW, Part, Plan, Reason, SinkPlan, TablePlan, digest, school_of

WHY = (Reason("P-FIRST-1", "first"),)
PARTS = {
    "": Part("h0", {"years": {"create": 1}}), "s1": Part("h1", {"classes": {"update": 2}}, WHY),
    "s1|new": Part("h2", {"teachers": {"create": 1}}, WHY), "s2": Part("h3", {"classes": {"archive": 1}}),
}  # fmt: skip


def plan(parts: dict[str, Part], *others: str) -> Plan:
    """A plan of the sink `planner`, and of others alike."""
    tables = {"classes": TablePlan("runs/1/classes.parquet", {"update": 2}, base=9, unchanged=7, kept=1, billable=3)}
    return Plan("run-1", "base", {sink: SinkPlan(sink, first=False, tables=tables, parts=parts) for sink in ("planner", *others)},
                ("some advice",))  # fmt: skip


def test_part_belongs_to_a_school() -> None:
    assert [school_of(part) for part in ("s1", f"s1{NEW}", "", NEW)] == ["s1", "s1", "", ""]


def test_plan_comes_back_from_its_file_as_it_was() -> None:
    found = plan(PARTS, "other")
    again = Plan.from_json(found.to_json())
    assert again == found
    assert (again.hash, again.held_hash, again.hash_of("s1")) == (found.hash, found.held_hash, found.hash_of("s1"))


def test_hash_stands_for_every_part_of_every_sink_whatever_their_order() -> None:
    found = plan(PARTS)
    assert plan(dict(reversed(PARTS.items()))).hash == found.hash
    for name, part in PARTS.items():
        assert plan({**PARTS, name: dataclasses.replace(part, hash="other")}).hash != found.hash
    assert plan(PARTS, "other").hash != found.hash
    renamed = {("s3" if name == "s2" else name): part for name, part in PARTS.items()}
    assert plan(renamed).hash != found.hash


def test_held_hash_stands_for_all_that_waits_and_for_nothing_else() -> None:
    found = plan(PARTS)
    free = {**PARTS, "s2": dataclasses.replace(PARTS["s2"], hash="other")}
    assert plan(free).held_hash == found.held_hash
    for name in ("s1", "s1|new"):
        assert plan({**PARTS, name: dataclasses.replace(PARTS[name], hash="other")}).held_hash != found.held_hash
    assert plan({**PARTS, "s2": dataclasses.replace(PARTS["s2"], reasons=WHY)}).held_hash != found.held_hash


def test_hash_of_a_school_stands_for_what_waits_of_it_with_its_new_rows() -> None:
    found = plan(PARTS).hash_of("s1")
    assert plan({**PARTS, "s1|new": dataclasses.replace(PARTS["s1|new"], hash="other")}).hash_of("s1") != found
    other = {**PARTS, "s2": dataclasses.replace(PARTS["s2"], hash="other", reasons=WHY)}
    assert plan(other).hash_of("s1") == found
    assert plan(other).hash_of("s2") not in {found, plan(PARTS).hash_of("s2")}


def test_plan_is_empty_without_parts() -> None:
    assert plan({}).empty
    assert not plan(PARTS).empty


def test_only_parts_with_a_reason_wait() -> None:
    assert list(plan(PARTS).sinks["planner"].held) == ["s1", "s1|new"]


def test_digest_knows_lines_and_not_their_order() -> None:
    assert digest(["a", "b"]) == digest(["b", "a"]) != digest(["ab"])
