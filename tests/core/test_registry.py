"""Plug-ins of vendors that misbehave in every way we know of: the good ones stay, the bad ones are named."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from vendor import PLUGIN, Site

from syncrun.errors import ConfigError, ContractError, Problem
from syncrun.registry import Registry, imported
from syncrun.sdk import Objection, PlanView, RunView
from syncrun.sdk.info import Distribution, Fault

if TYPE_CHECKING:
    from terminal import Terminal
    from world import World

HEAD = "from syncrun.sdk import *\n"
RUN, PLAN = RunView("run-1", "riverside", dry_run=False), PlanView("ab" * 32, {}, ())


def source(body: str, mark: str = "@hookimpl") -> str:
    """A module with the hook `syncrun_sources`."""
    return f"{HEAD}\n{mark}\ndef syncrun_sources():\n{body}"


def info(name: str = "bad", **more: object) -> str:
    """The text that makes a descriptor."""
    extra = "".join(f", {key}={value!r}" for key, value in more.items())
    return (
        f'ConnectorInfo(name="{name}", title="t", cls="PACKAGE.parts:Thing", settings="PACKAGE.parts:Settings"{extra})'
    )


BAD = {
    "import raises": ("raise RuntimeError('no licence')", "import", "RuntimeError: no licence"),
    "import of something absent": ("import no_such_module_at_all", "import", "ModuleNotFoundError: No module named"),
    "exits at import": ("import sys; sys.exit(3)", "import", "SystemExit: 3"),
    "is no Python": ("def broken(:", "import", "SyntaxError: invalid syntax"),
    "misspelt hook": (
        f"{HEAD}\n@hookimpl\ndef syncrun_source(): yield {info()}", "hooks",
        "syncrun_source is not a hook; did you mean syncrun_sources?",
    ),
    "hook that is nothing like ours": (f"{HEAD}\nsyncrun_zzzz = 1", "hooks", "syncrun_zzzz is not a hook"),
    "hook without its mark": (source(f"    yield {info()}", mark=""), "hooks", "syncrun_sources lacks the mark @hookimpl"),
    "hook with another argument": (
        f"{HEAD}\n@hookimpl\ndef syncrun_run_started(run, house): pass", "register", "PluginValidationError: ",
    ),
    "raises half-way": (source(f"    yield {info()}\n    raise OSError('disc')"), "offers", "OSError: disc"),
    "exits half-way": (source(f"    yield {info()}\n    raise SystemExit"), "offers", "SystemExit"),
    "wrong type": (source(f"    yield {info()}\n    yield {{'name': 'bad'}}"), "offers",
                   "TypeError: syncrun_sources gave dict, not ConnectorInfo"),
    "one type for another": (
        f"{HEAD}\n@hookimpl\ndef syncrun_sinks(): yield MatcherInfo('bad', 't', 'c')", "offers",
        "TypeError: syncrun_sinks gave MatcherInfo, not ConnectorInfo",
    ),
    "a stage that is none": (source(f"    yield {info(stage='sideways')}"), "offers",
                             "TypeError: bad has the stage 'sideways', which is none of import, two_way, export"),
    "a later interface": (source(f"    yield {info(api=2)}"), "offers",
                          "TypeError: bad is written for interface 2; this syncrun serves 1"),
    "two of one name": (source(f"    yield {info()}\n    yield {info()}"), "offers",
                        "TypeError: syncrun_sources gave two of the name bad"),
    "a connector without an entry point": (source(f"    yield {info()}\n    yield {info('other')}"), "offers",
                                           "TypeError: the connector other has no entry point of its name"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_plugin_is_a_fault_and_the_good_one_stays(site: Site, case: str) -> None:
    code, stage, reason = BAD[case]
    site.plugin("bad", code)
    site.good("good")
    registry = Registry()
    assert registry.load("bad") == []
    (fault,) = registry.faults
    assert (fault.plugin, fault.stage, fault.distribution) == ("bad", stage, Distribution("vendor-bad", "1.0"))
    assert fault.reason.startswith(reason)
    assert registry.connector("source", "good", "source.connector").title == "good by a vendor"
    assert registry.connector("sink", "planner", "sinks[0].sink").name == "planner"
    with pytest.raises(ConfigError) as raised:
        registry.connector("source", "bad", "source.connector")
    (problem,) = raised.value.problems
    assert (problem.code, problem.path) == ("E-CONFIG-7", "source.connector")
    assert reason in problem.message
    assert f"vendor-bad 1.0, {stage}" in problem.message


@pytest.mark.parametrize("case", ["raises half-way", "exits half-way", "wrong type"])
def test_hooks_of_a_plugin_that_failed_half_way_are_not_called(site: Site, case: str) -> None:
    site.plugin("bad", f"{BAD[case][0]}\n@hookimpl\ndef syncrun_run_started(run): raise AssertionError('called')")
    registry = Registry()
    registry.load("bad")
    assert registry.call("syncrun_run_started", run=RUN) == []
    assert len(registry.faults) == 1


@pytest.mark.parametrize(("value", "reason"), [
    ("vendor_nowhere.plugin", "ModuleNotFoundError: "),
    ("json:loads", "the entry point must name a module, not function"),
    ("json:nothing", "AttributeError: "),
])  # fmt: skip
def test_entry_point_that_names_no_module_is_a_fault(site: Site, value: str, reason: str) -> None:
    site.install("vendor-lost", {"lost": value}, {})
    registry = Registry()
    assert registry.load("lost") == []
    assert registry.faults[0].stage == "import"
    assert registry.faults[0].reason.startswith(reason)


def test_keyboard_interrupt_passes_the_guard(site: Site) -> None:
    site.plugin("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        Registry().load("slow")


# -- names ---------------------------------------------------------------------------------------------------------------


def test_two_distributions_of_one_name_are_both_named_and_neither_is_used(site: Site) -> None:
    site.good("acme", distribution="acme-one")
    site.good("acme", distribution="acme-two", version="2.5")
    registry = Registry()
    assert {(fault.stage, fault.distribution.name) for fault in registry.faults} == {
        ("list", "acme-one"), ("list", "acme-two"),
    }  # fmt: skip
    with pytest.raises(ConfigError) as raised:
        registry.connector("source", "acme", "source.connector")
    assert "two distributions use this name: acme-one 1.0 and acme-two 2.5" in raised.value.problems[0].message
    assert not any(name.startswith("acme_of_") for name in sys.modules)


def test_builtin_is_used_when_a_vendor_takes_its_name(site: Site) -> None:
    site.plugin("planner", "raise AssertionError('imported')", distribution="squatter")
    registry = Registry()
    assert registry.connector("sink", "planner", "x").cls == "syncrun.sinks.planner.sink:Planner"
    assert registry.faults == [
        Fault("planner", "list", "uses the name of a built-in; the built-in is used", Distribution("squatter", "1.0"))
    ]
    assert registry.fault("planner") is None


def test_module_may_serve_several_connectors_each_by_its_own_entry_point(site: Site) -> None:
    code = source(f"    yield {info('acme')}") + f"\n@hookimpl\ndef syncrun_sinks(): yield {info('acme_book')}"
    site.install("acme", {"acme": "acme_both.plugin", "acme_book": "acme_both.plugin"}, {"acme_both.plugin": code})
    registry = Registry()
    offers = [
        (offer.kind, offer.info.name, offer.plugin)
        for offer in registry.load_all()
        if offer.distribution.name == "acme"
    ]
    assert offers == [("source", "acme", "acme"), ("sink", "acme_book", "acme_book")]
    assert registry.faults == []


def test_module_may_import_a_package_of_its_own_that_begins_like_a_hook(site: Site) -> None:
    site.install("acme", {"acme": "syncrun_acme.plugin"}, {
        "syncrun_acme.plugin": source(f"    yield {info('acme')}") + "\nimport syncrun_acme",
    })  # fmt: skip
    registry = Registry()
    assert [offer.info.name for offer in registry.load("acme")] == ["acme"]
    assert registry.faults == []


def test_unknown_connector_gets_the_nearest_name_or_all_of_them(site: Site) -> None:
    registry = Registry()
    with pytest.raises(ConfigError) as raised:
        registry.connector("source", "oneroster_cvs", "source.connector")
    assert raised.value.problems == (
        Problem("E-CONFIG-4", "source.connector", "no connector named oneroster_cvs is installed",
                "did you mean oneroster_csv?"),
    )  # fmt: skip
    with pytest.raises(ConfigError) as raised:
        registry.connector("sink", "zzz", "sinks[0].sink")
    assert (
        raised.value.problems[0].hint
        == "plug-ins that are installed: classlink, matchers, messaging, oneroster_csv, planner, powerschool_api, sftp, "
        "template_csv, upload"
    )


def test_sink_named_where_a_source_belongs_is_said_to_be_one() -> None:
    with pytest.raises(ConfigError) as raised:
        Registry().connector("source", "planner", "source.connector")
    (problem,) = raised.value.problems
    assert (problem.code, problem.message) == ("E-CONFIG-4", "no connector named planner is installed")
    assert problem.hint == "the plug-in planner offers a sink"


def test_plugin_is_loaded_once(site: Site) -> None:
    site.plugin("counted", source(f"    yield {info('counted')}") + "\nprint('imported')")
    registry = Registry()
    assert registry.load("counted") == registry.load("counted")
    registry.load_all()
    assert registry.faults == []


def test_damaged_metadata_does_not_stop_the_listing(site: Site) -> None:
    site.good("odd")
    (site.folder / "vendor_odd-1.0.dist-info" / "METADATA").unlink()
    registry = Registry()
    (odd,) = [each for each in registry.listed if each.name == "odd"]
    assert odd.distribution.version == ""
    assert registry.connector("source", "odd", "x").name == "odd"


# -- hooks of loaded plug-ins --------------------------------------------------------------------------------------------


def test_one_that_raises_does_not_hide_the_answers_of_others(site: Site) -> None:
    site.plugin("calm", f"{HEAD}\n@hookimpl\ndef syncrun_review_plan(run): yield Objection('calm objects')")
    site.plugin("loud", f"{HEAD}\n@hookimpl\ndef syncrun_review_plan(plan):\n    yield Objection('lost')\n    1 / 0")
    registry = Registry()
    registry.load("calm")
    registry.load("loud")
    answers = dict(registry.call("syncrun_review_plan", run=RUN, plan=PLAN))
    assert answers["calm"] == [Objection("calm objects")]
    assert answers["loud"] == registry.faults[0]
    assert registry.faults[0].reason == "ZeroDivisionError: division by zero"
    assert registry.faults[0].stage == "syncrun_review_plan"
    assert registry.fault("loud") is None


@pytest.mark.parametrize(("body", "answer"), [
    ("return None", []),
    ("return [Objection('a')]", [Objection("a")]),
    ("return (Objection('a'),)", [Objection("a")]),
    ("return {Objection('a')}", [Objection("a")]),
    ("return Objection('a')", [Objection("a")]),
    ("return 'no'", ["no"]),
])  # fmt: skip
def test_whatever_a_reviewer_returns_is_heard(site: Site, body: str, answer: list[object]) -> None:
    site.plugin("critic", f"{HEAD}\n@hookimpl\ndef syncrun_review_plan(run, plan): {body}")
    registry = Registry()
    registry.load("critic")
    assert registry.call("syncrun_review_plan", run=RUN, plan=PLAN) == [("critic", answer)]


def test_imported_gives_the_object_or_names_the_plugin(site: Site) -> None:
    site.install("acme", {}, {"acme_exits": "raise SystemExit(0)", "acme_fails": "1 / 0"})
    assert imported("json:loads", "acme") is json.loads
    for path in ("acme_exits:Thing", "acme_fails:Thing", "json:Thing", "acme_nowhere:Thing", "json"):
        with pytest.raises(ContractError) as raised:
            imported(path, "acme")
        assert f"The plug-in acme names {path}, which cannot be imported" in raised.value.message


# -- through the command line, in a process of its own --------------------------------------------------------------------

LIST = """
import sys
from syncrun.cli.failure import guarded
from syncrun.cli.app import app
code = guarded(lambda: app(["plugins", "list", "--json"], standalone_mode=False))
print("LOADED", sorted(name for name in sys.modules if name.startswith(("good_of", "bad_of", "syncrun.sinks", "syncrun.connectors"))))
sys.exit(code)
"""


def test_listing_imports_nothing_of_any_plugin(site: Site, world: World) -> None:
    site.good("good")
    site.plugin("bad", "raise RuntimeError")
    done = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True, check=False, cwd=world.folder)
    listing, loaded = done.stdout.split("LOADED")
    assert (done.returncode, loaded.strip()) == (0, "[]")
    assert [(row["name"], row["distribution"], row["version"], row["status"]) for row in json.loads(listing)] == [
        ("bad", "vendor-bad", "1.0", "not loaded"), ("classlink", "syncrun", "0.1.0", "not loaded"),
        ("good", "vendor-good", "1.0", "not loaded"), ("matchers", "syncrun", "0.1.0", "not loaded"),
        ("messaging", "syncrun", "0.1.0", "not loaded"),
        ("oneroster_csv", "syncrun", "0.1.0", "not loaded"),
        ("planner", "syncrun", "0.1.0", "not loaded"), ("powerschool_api", "syncrun", "0.1.0", "not loaded"),
        ("sftp", "syncrun", "0.1.0", "not loaded"), ("template_csv", "syncrun", "0.1.0", "not loaded"),
        ("upload", "syncrun", "0.1.0", "not loaded"),
    ]  # fmt: skip


def test_other_districts_run_while_one_that_names_the_broken_plugin_is_refused(site: Site, world: World) -> None:
    site.plugin("bad", "raise RuntimeError('no licence')")
    world.write()
    assert world.syncrun("--district", str(world.toml))[0] == 3
    world.configure(world.toml.read_text().replace('connector = "oneroster_csv"', 'connector = "bad"'))
    code, out, err = world.syncrun("--district", str(world.toml))
    assert (code, out) == (2, "")
    assert "E-CONFIG-7" in err
    assert "RuntimeError: no licence (vendor-bad 1.0, import)" in err
    assert "Traceback" not in err


def test_plugin_that_exits_at_import_does_not_end_the_command(site: Site, world: World) -> None:
    site.plugin("bad", "import sys; sys.exit(0)")
    code, out, err = world.syncrun("plugins", "list", "--load", "--json")
    assert (code, err) == (0, "")
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["bad"]["faults"] == ["SystemExit: 0 (import)"]
    assert (rows["bad"]["status"], rows["planner"]["status"]) == ("fault", "ready")
    assert rows["planner"]["offers"] == ["sink planner"]


# -- looking on and objecting, in whole runs --------------------------------------------------------------------------------

OBSERVER = f"""{HEAD}
@hookimpl
def syncrun_run_started(run): {{body}}
@hookimpl
def syncrun_plan_made(run, plan): {{body}}
@hookimpl
def syncrun_run_finished(run): {{body}}
"""


def named(world: World, plugin: str) -> None:
    """Have the district name an observer."""
    text = world.toml.read_text()
    world.configure(f'plugins = ["{plugin}"]\n{text.lstrip()}')


def test_observer_that_raises_stops_nothing_and_is_told(site: Site, settled: World, terminal: Terminal) -> None:
    site.plugin("nosy", OBSERVER.format(body="raise SystemExit('enough [/bold]')"))
    named(settled, "nosy")
    settled.edit("classes", "class-1-0", title="Mathematics for all")
    settled.write()
    answer = terminal("--district", settled.toml)
    assert answer.code == 0
    told = re.findall(r"fault nosy \(vendor-nosy 1.0\) in (\w+): SystemExit: enough \[/bold\]", answer.out)
    assert sorted(told) == ["syncrun_plan_made", "syncrun_run_finished", "syncrun_run_started"]
    assert "Mathematics for all" in str(settled.dump()["classes"])


def test_observer_sees_the_run_the_plan_and_the_end(site: Site, world: World) -> None:
    site.plugin("diary", f"{HEAD}\nseen = []" + OBSERVER.removeprefix(HEAD).format(body="seen.append(locals())"))
    named(world, "diary")
    world.write()
    result = world.sync()
    seen = sys.modules["diary_of_vendor.plugin"].seen
    assert [sorted(each) for each in seen] == [["run"], ["plan", "run"], ["run"]]
    assert seen[1]["plan"].counts["planner"]["students"] == {"create": 198}
    assert len(seen[1]["plan"].held) == 4
    assert (seen[2]["run"].id, seen[2]["run"].outcome, seen[2]["run"].exit_code) == (result.run, "HELD", 3)


@pytest.mark.parametrize(("body", "words"), [
    ("yield Objection('a holiday')", "critic: a holiday"),
    ("return Objection('a holiday')", "critic: a holiday"),
    ("raise ValueError('no idea')", "critic: the reviewer failed: ValueError: no idea"),
    ("yield 'no'", "critic: the reviewer gave str, not an Objection"),
])  # fmt: skip
def test_reviewer_who_objects_or_fails_holds_the_plan(site: Site, settled: World, body: str, words: str) -> None:
    site.plugin("critic", f"{HEAD}\n@hookimpl\ndef syncrun_review_plan(run, plan):\n    {body}")
    named(settled, "critic")
    settled.edit("classes", "class-1-0", title="Mathematics for all")
    settled.write()
    before = settled.dump()
    result = settled.sync()
    assert (result.outcome, result.exit_code) == ("HELD", 3)
    (held,) = result.summary["sinks"]["planner"]["held"]
    assert held["reasons"] == [{"code": "P-REVIEW-1", "words": words}]
    assert settled.dump() == before


def test_objection_to_one_school_holds_that_school_alone(site: Site, settled: World) -> None:
    site.plugin("critic", f"{HEAD}\n@hookimpl\ndef syncrun_review_plan(run, plan): "
                          "yield Objection('closed', sink='planner', school='school-2')")  # fmt: skip
    named(settled, "critic")
    settled.edit("classes", "class-1-0", title="Goes")
    settled.edit("classes", "class-2-0", title="Waits")
    settled.write()
    result = settled.sync()
    assert [part["school"] for part in result.summary["sinks"]["planner"]["held"]] == ["school-2"]
    titles = str(settled.dump()["classes"])
    assert "Goes" in titles
    assert "Waits" not in titles


def test_good_plugin_text_is_what_vendors_write() -> None:
    compile(PLUGIN.format(kind="source", name="x", package="y"), "plugin", "exec")
