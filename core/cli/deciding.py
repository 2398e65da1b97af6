"""What the commands have in common by which people decide: options, how records are called on a screen, saving."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from syncrun.cli.opening import district_option, json_option, open_session, person
from syncrun.errors import ConfigError, Problem, UsageError

if TYPE_CHECKING:
    from syncrun.config.district import SinkConfig
    from syncrun.run.line import Row
    from syncrun.run.session import Session
    from syncrun.run.sheet import Sheet
    from syncrun.sdk.sink import MappingKind
    from syncrun.state.decision import Decision, Past

KINDS = ("orgs", "teachers", "years", "classes", "students")
sink_option = click.option("--sink", metavar="NAME", help="Which sink, where the district has several.")
who_option = click.option("--as", "who", metavar="NAME", help="Who decides, for the audit (default: you).")
fresh_option = click.option("--fresh", is_flag=True, help="Read the source anew, not what was read of it last.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
double_option = click.option(
    "--confirm-double", is_flag=True, help="Several orgs or teachers may be one record of the sink."
)
names_option = click.option(
    "--names/--no-names", default=None, help="Show names of persons (default: where the screen is a terminal)."
)
DETAILS = ("identifier", "classCode", "email", "grade", "period", "startDate", "endDate")
"""What is told of a record beside its name."""


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--district`, `--sink`, `--json`."""
    return district_option(sink_option(json_option(command)))


def named(names: bool | None) -> bool:
    """Whether names of persons are shown."""
    return sys.stdout.isatty() if names is None else names


@contextlib.contextmanager
def sheet(district: str | None, sink: str | None, *, fresh: bool = False) -> Iterator[Sheet]:
    """The sheet of a sink. Reading the source shows its progress where somebody looks on."""
    from syncrun.cli.screen import Live
    from syncrun.run.sheet import opened

    session = open_session(district, dry_run=True)
    with contextlib.ExitStack() as stack:
        with Live() as live:
            session.progress = live
            found = stack.enter_context(opened(session, sink, fresh=fresh))
        yield found


# -- how records are called --------------------------------------------------------------------------------------------


def called(kind: MappingKind, features: Mapping[str, Any], *, names: bool) -> str:
    """What people know a record by: a title, or the name of a person with what else is known, where `names` are shown."""
    from syncrun.match.feature import PERSONAL, TITLES

    if kind in PERSONAL and not names:
        return ""
    title = " ".join(str(features[each]) for each in TITLES[kind] if features.get(each))
    more = ", ".join(str(features[each]) for each in DETAILS if features.get(each))
    return f"{title} ({more})" if more and title else title or more


def reason(word: str) -> str:
    """A reason of a proposal in words: `same identifier`, or a remark of the engine."""
    from syncrun.match.verdict import REMARKS

    return REMARKS.get(word) or word.replace(":", " ", 1)


def record(kind: MappingKind, row: Row, *, names: bool) -> dict[str, Any]:
    """A record of the sink as `--json` prints it."""
    return {"sink_id": row.id, "title": called(kind, row.features, names=names) or None}


def decided(past: Past | None) -> dict[str, Any] | None:
    """A decision as `--json` prints it."""
    if past is None:
        return None
    made = past.decision
    return {"decision": made.decision, "sink_id": made.sink_id, "keep": list(made.keep), "who": past.who,
            "at": past.at.isoformat(timespec="seconds")}  # fmt: skip


def decided_words(past: Past) -> str:
    """A decision in words, with who and when."""
    made = past.decision
    return f"{made.decision}{f' {made.sink_id}' if made.sink_id else ''} ({past.who}, {past.at:%Y-%m-%d %H:%M})"


# -- saving ------------------------------------------------------------------------------------------------------------


def confirm_free(config: SinkConfig, kinds: Iterable[MappingKind]) -> None:
    """Raise `UsageError` where a mapping file of the district rules what would be decided on."""
    from syncrun.config.mapping import read_mapping
    from syncrun.state.decision import ruled

    if config.mapping is None:
        return
    both = sorted(set(kinds) & set(ruled(read_mapping(config.mapping))))
    if both:
        raise UsageError(
            f"The mapping file {config.mapping.name} rules the decisions on {' and '.join(both)}.",
            next_step=f"Edit the file; or take `mapping` out of the district file, then `syncrun map {both[0]} import "
            f"{config.mapping.name}`, and decide here from then on.",
        )  # fmt: skip


def save(sheet: Sheet, wanted: Sequence[Decision], who: str | None, *, confirmed: bool = False, place: str = "") -> int:
    """Make decisions, all or none; how many changed. `place` names where they come from, for the errors.

    Raises `ConfigError` with every link to what is not free, and `DoubleUseError` for a record of the sink that would be
    used twice.
    """
    from syncrun.state import decision

    confirm_free(sheet.config, {each.kind for each in wanted})
    wrong = list(sheet.objections(wanted, confirmed=confirmed))
    if wrong:
        raise ConfigError([Problem("E-CONFIG-8", f"{each.kind} {each.source_id}", why, "choose another record of the sink")
                           for each, why in wrong], source=place or "What you chose")  # fmt: skip
    _confirm_single(sheet, wanted, confirmed=confirmed)
    session = sheet.session
    return decision.put(
        session.state, session.district.name, sheet.config.name, wanted, who or person(), confirmed=confirmed
    )


def _confirm_single(sheet: Sheet, wanted: Sequence[Decision], *, confirmed: bool) -> None:
    """Name the decision that has the record of the sink already, with who and when."""
    from syncrun.errors import DoubleUseError
    from syncrun.state.decision import JOINABLE

    again = {(each.kind, each.source_id) for each in wanted}
    standing = {
        (past.decision.kind, past.decision.sink_id): past for past in sheet.decisions
        if past.decision.sink_id and (past.decision.kind, past.decision.source_id) not in again
    }  # fmt: skip
    for each in wanted:
        past = standing.get((each.kind, each.sink_id)) if each.sink_id else None
        if past and each.decision == "link" and not (confirmed and each.kind in JOINABLE):
            hint = "Confirm it with --confirm-double." if each.kind in JOINABLE else "Disconnect that one first."
            raise DoubleUseError(
                f"{each.kind} {past.decision.source_id} is {each.sink_id} of the sink already: so decided {past.who}, "
                f"{past.at:%Y-%m-%d %H:%M}.",
                safe="No decision was changed.", next_step=f"Choose another record for one of them. {hint}",
            )  # fmt: skip


def agreed(question: str, *, yes: bool, as_json: bool) -> bool:
    """Whether a person says yes. With JSON nobody can be asked, and `--yes` must be given."""
    if yes:
        return True
    if as_json:
        raise UsageError(
            "With --json nobody is asked.", next_step="Add --yes once you have seen what would be decided."
        )
    return click.confirm(question, default=False, err=True)


def next_command(session: Session, district: str | None) -> str:
    """What comes after decisions."""
    return f"syncrun plan --district {shlex.quote(district or str(session.district.path))}"


def say_saved(changed: int, sheet: Sheet, district: str | None) -> None:
    """Say what was saved, and that the sink has not changed."""
    from syncrun.cli.screen import plural

    if not changed:
        click.echo("Nothing was changed: so it was decided already.")
        return
    click.echo(f"Saved: {plural(changed, 'decision')}. Nothing happens in the sink before the next plan is approved.")
    click.echo(f"Next: {next_command(sheet.session, district)}")
