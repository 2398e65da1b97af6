"""`syncrun explain`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from syncrun.cli.opening import district_option, json_option, open_session, pick_run, sources

if TYPE_CHECKING:
    from syncrun.report.why import Ground
    from syncrun.run.session import Session


def _grounds(session: Session) -> list[Ground]:
    """The district's sinks: their tables, what people decided, what they have taken."""
    from syncrun.report.why import Ground
    from syncrun.state.decision import current

    district, sinks, taken = session.district, session.sinks(), session.state.applied(session.district.name)
    return [
        Ground(config.name, sinks[config.name].tables, current(session.state, district.name, config.name),
               config.school_years, [each for each in taken if each.sink == config.name], session.folders.home,
               f"sinks[{position}]", config.routes, config.new_teachers)
        for position, config in enumerate(district.sinks)
    ]  # fmt: skip


@click.command()
@district_option
@click.argument("person")
@click.argument("class_", metavar="[CLASS]", required=False)
@click.option("--run", metavar="RUN", help="A run's id (default: the newest with a plan).")
@json_option
def explain(district: str | None, person: str, class_: str | None, run: str | None, as_json: bool) -> int:
    """Follow a person from the source to the sinks, and say why not.

    PERSON is a sourcedId, identifier, username or e-mail address; CLASS a sourcedId or class code.

    It says which line of the source was read, which rule rejected it, what the plan meant for each sink, what waits and
    for which reason, what a sink rejected, since which run nothing changed, which run set a row aside; and where a sink
    does not ask for somebody, why: a school or a year that is not chosen, a teacher who is skipped or new, no enrollment.
    """
    from syncrun.report.explain import explain as story
    from syncrun.report.source import opened

    session = open_session(district)
    with opened(session.folders, pick_run(session, run), sources(session)) as files:
        facts = story(files, _grounds(session), person, class_)
    if as_json:
        click.echo(json.dumps([{"stage": fact.stage, "words": fact.words} for fact in facts], indent=2))
        return 0
    for fact in facts:
        click.echo(f"{fact.stage:12} {fact.words}")
    return 0
