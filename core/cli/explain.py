"""`syncrun explain`."""

from __future__ import annotations

import json

import click

from syncrun.cli.opening import district_option, json_option, open_session, pick_run, sources


@click.command()
@district_option
@click.argument("person")
@click.argument("class_", metavar="[CLASS]", required=False)
@click.option("--run", metavar="RUN", help="A run's id (default: the newest with a plan).")
@json_option
def explain(district: str | None, person: str, class_: str | None, run: str | None, as_json: bool) -> int:
    """Follow a person from the source to the sinks, and say why not.

    PERSON is a sourcedId, identifier, username or e-mail address; CLASS a sourcedId or class code.
    """
    from syncrun.report.explain import explain as story
    from syncrun.report.source import opened

    session = open_session(district)
    with opened(session.folders, pick_run(session, run), sources(session)) as files:
        facts = story(files, person, class_)
    if as_json:
        click.echo(json.dumps([{"stage": fact.stage, "words": fact.words} for fact in facts], indent=2))
        return 0
    for fact in facts:
        click.echo(f"{fact.stage:12} {fact.words}")
    return 0
