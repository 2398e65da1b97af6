"""`syncrun testserver`."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncrun.cli.opening import json_option
from syncrun.errors import EXIT_DONE, UsageError

if TYPE_CHECKING:
    from syncrun.testing.roster_server import RosterServer

KEY, SECRET = "test-key", "test-secret"
"""Made up; the server is reached from this machine alone."""


@click.command()
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port; 0 takes a free one (default).")
@click.option("--version", type=click.Choice(["1.1", "1.2"]), default="1.1", help="What is printed; both are served.")
@click.option(
    "--auth", type=click.Choice(["oauth1", "oauth2", "bearer", "none"]), default="oauth1", help="Who is let in."
)
@click.option("--prefix", metavar="PATH", default="", help="Stands before the base, as /app-1 on ClassLink's proxy.")
@click.option("--max-limit", type=click.IntRange(1), default=10_000, help="The most records on a page (10000).")
@click.option("--fault", "faults", metavar="NAME[=VALUE]", multiple=True, help="Something that is wrong; repeatable.")
@click.option("--list-faults", is_flag=True, help="List the faults, and serve nothing.")
@json_option
def testserver(
    directory: Path | None, port: int, version: str, auth: str, prefix: str, max_limit: int, faults: tuple[str, ...],
    list_faults: bool, as_json: bool,
) -> int:  # fmt: skip
    """Serve a roster like a OneRoster server, to try connectors on.

    DIR is a folder or a zip archive with OneRoster CSV files. The server listens on this machine alone, until Ctrl-C,
    with a key and a secret that are made up. It prints where it is and what a district file says to read from it.

    \b
    syncrun testserver roster/
    syncrun testserver roster.zip --auth oauth2 --version 1.2
    syncrun testserver roster/ --fault throttled=0.3 --fault total=absent
    """  # noqa: D301 # the sign is click's for lines to be left as they are
    if list_faults:
        _list(as_json=as_json)
        return EXIT_DONE
    if directory is None:
        raise UsageError("No folder or archive is named.", next_step="See `syncrun testserver --help`.")
    from syncrun.testing.roster_server import RosterServer, Rules, faults_of

    options = {"access": auth, "prefix": prefix and f"/{prefix.strip('/')}", "rules": Rules(most=max_limit)}
    try:
        with RosterServer.from_files(
            directory, key=KEY, secret=SECRET, port=port, faults=faults_of(faults), **options
        ) as server:
            facts = _facts(server, version, auth)
            click.echo(json.dumps(facts) if as_json else _words(facts, auth))
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
            threading.Event().wait()
    except KeyboardInterrupt:
        return EXIT_DONE
    except OSError as error:
        raise UsageError(f"The port {port} cannot be had.", next_step="Name another, or leave --port out.") from error
    return EXIT_DONE


def _facts(server: RosterServer, version: str, auth: str) -> dict[str, str]:
    """What a client has to know."""
    facts = {"base_url": server.base_url("1.2" if version == "1.2" else "1.1"), "version": version, "auth": auth}
    if auth == "oauth2":
        facts["token_url"] = server.token_url
    if auth == "bearer":
        facts["token"] = SECRET
    elif auth != "none":
        facts |= {"key": KEY, "secret": SECRET}
    return facts


def _words(facts: dict[str, str], auth: str) -> str:
    """The same for people, with what to put into a district file and into the environment."""
    lines = [f"Serving OneRoster {facts['version']} at {facts['base_url']} until Ctrl-C.", "", "[source]",
             'connector = "classlink"', f'base_url = "{facts["base_url"]}"']  # fmt: skip
    secrets = {name: facts[name] for name in ("key", "secret", "token") if name in facts}
    lines += [f'token_url = "{facts["token_url"]}"'] if "token_url" in facts else []
    lines += [f'{name} = "env:CLASSLINK_{name.upper()}"' for name in secrets]
    lines += ["", *(f"export CLASSLINK_{name.upper()}={value}" for name, value in secrets.items())] if secrets else []
    return "\n".join(lines)


def _list(*, as_json: bool) -> None:
    from syncrun.testing.roster_server import switches

    found = switches()
    if as_json:
        click.echo(json.dumps([{"name": each.name, "choices": [word for word in each.choices if word], "words": each.words}
                               for each in found], indent=2))  # fmt: skip
        return
    names = {each.name: each.name if each.kind is bool else f"{each.name}=" for each in found}
    width = max(map(len, names.values()))
    for each in found:
        click.echo(f"{names[each.name]:{width}}  {each.words}")
        if each.choices:
            click.echo(f"{'':{width}}  one of: {', '.join(word for word in each.choices if word)}")
