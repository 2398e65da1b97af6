"""`syncrun plugins` and `syncrun x`: what is there, what it can do, and whose fault it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from terminal import Terminal
    from vendor import Site

COMMANDS = """
from syncrun.sdk import CommandInfo, hookimpl

@hookimpl
def syncrun_commands():
    yield CommandInfo(name="ping", title="Ask", command="PACKAGE.cli:ping")
    yield CommandInfo(name="odd", title="Odd", command="PACKAGE.cli:ODD")
    yield CommandInfo(name="gone", title="Gone", command="PACKAGE.cli:gone")
"""
CLI = """
import click

ODD = 3

@click.command()
@click.option("--times", default=1)
def ping(times):
    "Ask whether it is up."
    click.echo("pong " * times)
    return 4 if times > 1 else 0
"""


@pytest.fixture
def pinging(site: Site) -> None:
    package = "acme_commands"
    site.install("acme", {"acme": f"{package}.plugin"}, {
        f"{package}.plugin": COMMANDS.replace("PACKAGE", package), f"{package}.cli": CLI,
    })  # fmt: skip


def test_list_says_where_each_plugin_is_from_and_that_it_is_not_loaded(terminal: Terminal, site: Site) -> None:
    site.plugin("bad", "raise RuntimeError")
    answer = terminal("plugins", "list")
    assert (answer.code, answer.err) == (0, "")
    assert [line.split() for line in answer.out.splitlines()][1:] == [
        ["bad", "vendor-bad", "1.0", "bad_of_vendor.plugin", "not", "loaded"],
        ["classlink", "syncrun", "0.1.0", "syncrun.connectors.classlink.plugin", "not", "loaded"],
        ["matchers", "syncrun", "0.1.0", "syncrun.matcher.plugin", "not", "loaded"],
        ["messaging", "syncrun", "0.1.0", "syncrun.sinks.messaging.plugin", "not", "loaded"],
        ["oneroster_csv", "syncrun", "0.1.0", "syncrun.connectors.oneroster_csv.plugin", "not", "loaded"],
        ["planner", "syncrun", "0.1.0", "syncrun.sinks.planner.plugin", "not", "loaded"],
        ["powerschool_api", "syncrun", "0.1.0", "syncrun.connectors.powerschool.plugin", "not", "loaded"],
        ["sftp", "syncrun", "0.1.0", "syncrun.connectors.sftp.plugin", "not", "loaded"],
        ["template_csv", "syncrun", "0.1.0", "syncrun.sinks.template_csv.plugin", "not", "loaded"],
        ["upload", "syncrun", "0.1.0", "syncrun.connectors.upload.plugin", "not", "loaded"],
    ]


def test_list_with_load_shows_offers_and_faults_side_by_side(terminal: Terminal, site: Site) -> None:
    site.plugin("bad", "raise RuntimeError('see [/the] manual')")
    site.plugin("quiet", "")
    answer = terminal("plugins", "list", "--load")
    assert answer.code == 0
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in answer.out.splitlines()[1:]}
    assert lines == {
        "bad": "vendor-bad 1.0 - fault: RuntimeError: see [/the] manual (import)", "quiet": "vendor-quiet 1.0 - ready",
        "oneroster_csv": "syncrun 0.1.0 source oneroster_csv, sink oneroster_csv ready", "template_csv": "syncrun 0.1.0 sink template_csv ready", "planner": "syncrun 0.1.0 sink planner ready",
        "upload": "syncrun 0.1.0 source upload ready", "classlink": "syncrun 0.1.0 source classlink ready",
        "powerschool_api": "syncrun 0.1.0 source powerschool_api ready", "sftp": "syncrun 0.1.0 source sftp ready",
        "matchers": "syncrun 0.1.0 matcher identifiers, matcher addresses, matcher names, matcher births, matcher places, "
        "matcher school_names, matcher ready", "years,": "matcher sections",  # the line is folded
        "messaging": "syncrun 0.1.0 sink messaging ready",
    }  # fmt: skip


def test_names_that_clash_are_faults_without_loading_anything(terminal: Terminal, site: Site) -> None:
    site.good("acme", distribution="acme-one")
    site.good("acme", distribution="acme-two")
    site.good("planner", distribution="squatter")
    rows = {(row["name"], row["distribution"]): row for row in terminal("plugins", "list", "--json").json}
    for distribution in ("acme-one", "acme-two"):
        assert rows["acme", distribution]["status"] == "fault"
        assert rows["acme", distribution]["faults"] == [
            "two distributions use this name: acme-one 1.0 and acme-two 1.0 (list)"
        ]
    assert rows["planner", "squatter"]["faults"] == ["uses the name of a built-in; the built-in is used (list)"]
    assert rows["planner", "syncrun"]["status"] == "not loaded"


def test_info_tells_of_capabilities_and_settings(terminal: Terminal) -> None:
    answer = terminal("plugins", "info", "planner")
    assert answer.code == 0
    assert (
        answer.out.splitlines()[0]
        == "sink planner: A lesson planner's database (SQLite or PostgreSQL)  (syncrun 0.1.0)"
    )
    assert (
        "  stage: export\n  can: client_ids, bulk, transactional, archive, restore, link, release, move, quiet"
        in answer.out
    )
    assert "  database_url (required): address of the planner's database" in answer.out
    found = terminal("plugins", "info", "planner", "--json").json
    assert found["offers"][0]["settings"]["required"] == ["database_url"]


def test_info_tells_of_faults_also_those_that_loading_does_not_find(terminal: Terminal, site: Site) -> None:
    site.plugin("bad", "raise RuntimeError('no licence')")
    site.plugin("odd", 'from syncrun.sdk import *\n@hookimpl\ndef syncrun_sinks():\n'
                       '    yield ConnectorInfo("odd", "t", "PACKAGE.parts:Nothing", "PACKAGE.parts:Settings")')  # fmt: skip
    assert terminal("plugins", "info", "bad").out == "fault: import: RuntimeError: no licence\n"
    assert "names odd_of_vendor.parts:Nothing, which cannot be imported" in terminal("plugins", "info", "odd").out


def test_info_of_nobody_is_refused(terminal: Terminal) -> None:
    answer = terminal("plugins", "info", "nobody")
    assert (answer.code, answer.out) == (2, "")
    assert "No plug-in named nobody is installed." in answer.err


# -- commands of plug-ins --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("pinging")
def test_command_of_a_plugin_runs_with_its_options_and_its_exit_code(terminal: Terminal) -> None:
    answer = terminal("x", "acme", "ping")
    assert (answer.code, answer.out, answer.err) == (0, "pong \n", "")
    answer = terminal("x", "acme", "ping", "--times", "2")
    assert (answer.code, answer.out) == (4, "pong pong \n")


@pytest.mark.usefixtures("pinging")
def test_list_of_plugins_with_commands_loads_none(terminal: Terminal, site: Site) -> None:
    site.plugin("bad", "raise RuntimeError")
    answer = terminal("x", "--help")
    assert answer.code == 0
    assert {"acme", "bad", "planner"} <= {line.split()[0] for line in answer.out.splitlines() if line.startswith("  ")}


@pytest.mark.usefixtures("pinging")
@pytest.mark.parametrize(("command", "words"), [
    ("odd", "which is no click command"), ("gone", "which cannot be imported: AttributeError"),
])  # fmt: skip
def test_command_that_is_none_is_the_plugins_fault(terminal: Terminal, command: str, words: str) -> None:
    answer = terminal("x", "acme", command)
    assert answer.code == 70
    assert "E-PLUGIN-1  The plug-in acme" in answer.err
    assert words in answer.err


def test_commands_of_a_plugin_with_a_fault_are_told_why(terminal: Terminal, site: Site) -> None:
    site.plugin("bad", "raise RuntimeError('no licence')")
    answer = terminal("x", "bad", "ping")
    assert answer.code == 70
    assert "The plug-in bad cannot be loaded: RuntimeError: no licence (import)." in answer.err


@pytest.mark.usefixtures("pinging")
def test_unknown_command_of_a_plugin_is_refused(terminal: Terminal) -> None:
    answer = terminal("x", "acme", "pong")
    assert answer.code == 2
    assert "No such command 'pong'" in answer.err
