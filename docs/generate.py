"""Makes the Markdown pages that describe the code from the code: `python docs/generate.py` writes them, and
`python docs/generate.py --check` names those that are no longer as the code says.

The pages are the same on every version of Python that is served and for every width of a terminal.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

import click
from interface import hooks, rest, sdk, settings
from plugin import powerschool
from proofs import MarkError, proved
from written import attribute_docs, code, doc, first, page, table

from syncrun import errors
from syncrun.cli import app as cli
from syncrun.cli.failure import INTERRUPTED
from syncrun.connectors.classlink.source import NothingSharedError, OtherServiceError
from syncrun.connectors.powerschool.api import (
    FieldNotGrantedError,
    MaintenanceError,
    OtherServerError,
    QueryMissingError,
)
from syncrun.connectors.sftp.fault import NothingNewError, NotReadyError
from syncrun.intake.archive import ArchiveError
from syncrun.match import mapping
from syncrun.notice.need import CODES
from syncrun.plan import shape
from syncrun.plan.judge import REASONS
from syncrun.roster import cell, entity, view, vocabulary
from syncrun.roster.cell import Ref
from syncrun.roster.listed import GradeList, RefList
from syncrun.roster.rule import Severity
from syncrun.roster.typed import Bool, Word
from syncrun.rules.rule import RULES
from syncrun.run.pulling import MovedError
from syncrun.run.reading import SetRefusedError
from syncrun.schedule.timetable import NoScheduleError, RuledByFileError
from syncrun.sdk.file.sink import NameTakenError
from syncrun.sdk.sftp.fault import HostKeyChangedError, HostKeyUnknownError, NoCommonAlgorithmError
from syncrun.sdk.sql.rejection import REJECTIONS
from syncrun.state.database import NewerStateError

DOCS = Path(__file__).resolve().parent
TESTS = DOCS.parent / "tests"
WIDTH = 100
"""Columns of the terminal for which help texts are set."""

ELSEWHERE: tuple[type[errors.SyncError], ...] = (
    SetRefusedError, ArchiveError, NewerStateError, MovedError, NothingSharedError, OtherServiceError,
    FieldNotGrantedError, QueryMissingError, OtherServerError, MaintenanceError,
    HostKeyUnknownError, HostKeyChangedError, NoCommonAlgorithmError, NothingNewError, NotReadyError,
    RuledByFileError, NoScheduleError, NameTakenError,
)  # fmt: skip
"""Errors that are defined outside `syncrun.errors`; a test looks for others."""

BLAMES: Mapping[str, str] = {
    "district": "whoever keeps the district's file and its credentials",
    "operator": "whoever runs syncrun",
    "remote": "the other side, which is down or busy; most often nobody needs to do anything",
    "data": "whoever exports the roster",
    "vendor": "the maintainer of the plug-in",
    "syncrun": "us",
}

# -- requirements ----------------------------------------------------------------------------------------------------


def requirements(tests: Path = TESTS) -> str:
    """The requirements and the tests that prove each. Raises `MarkError` for a mark that names none of them."""
    documents = tomllib.loads((DOCS / "requirements.toml").read_text(encoding="utf-8"))
    known = [each["id"] for document in documents.values() for each in document["requirements"]]
    proofs = proved(tests, set(known))
    blocks = [
        "What the documents that this project began from ask of a roster sync, and the tests that prove each line. "
        "*Stated*: a document says it. *Implied*: it follows. *Gap*: the documents leave it open and syncrun decides. "
        "*Beyond*: it comes from neighbouring pages and is no demand.",
        f"{len(proofs)} of {len(known)} are proved by a test.",
    ]
    for name, document in documents.items():
        rows = [
            (each["id"], each["status"], each["text"], "<br>".join(map(code, proofs.get(each["id"], ()))) or "-")
            for each in document["requirements"]
        ]
        count = sum(each["id"] in proofs for each in document["requirements"])
        blocks += [
            f"## {name}: {document['title']}",
            f"{document['about']} {count} of {len(rows)} are proved.",
            table(("", "status", "requirement", "proved by"), rows),
        ]
    return page("Requirements", *blocks)


# -- the command line ------------------------------------------------------------------------------------------------


def command_line() -> str:
    """The help of every command."""
    blocks = [f"## {path}\n\n```text\n{text}\n```" for path, text in _helps(cli.app, "syncrun", None)]
    return page("Command line", "What `--help` says of each command.", *blocks)


def _helps(command: click.Command, name: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    context = click.Context(command, parent, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    if name == "x":  # what it lists are plug-ins, which differ from one installation to the next
        yield context.command_path, _help_without_commands(command, context)
        return
    told = command.get_help(context)
    if isinstance(command, click.Group):
        if command.invoke_without_command:  # click before 8.2 does not say that the command may be left out
            told = told.replace(" COMMAND ", " [COMMAND] ", 1)
        yield context.command_path, told
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            if found is not None:
                yield from _helps(found, each, context)
    else:
        yield context.command_path, told


def _help_without_commands(command: click.Command, context: click.Context) -> str:
    formatter = context.make_formatter()
    command.format_usage(context, formatter)
    command.format_help_text(context, formatter)
    click.Command.format_options(command, context, formatter)
    return formatter.getvalue().rstrip("\n")


# -- errors ----------------------------------------------------------------------------------------------------------


def error_page() -> str:
    """The tree of errors, problem codes, exit codes, rejections."""
    found = [*errors.tree(), *ELSEWHERE]
    exits = [(number, text) for number, text in re.findall(r"^ +(\d+) +(.+)$", cli.EXITS, re.MULTILINE)]
    exits.append((str(INTERRUPTED), "stopped by a person (Ctrl-C); the next run finishes what was begun"))
    blame = [(word, BLAMES[word]) for word in get_args(errors.Blame)]
    return page(
        "Errors and exit codes",
        "Every error has a stable code and says what happened, what is safe and what to do next. The words below are "
        "those of the class; where more is known, the message is more exact.",
        "## Exit codes", table(("exit code", "meaning"), exits),
        "## Who must act", table(("word", "who it is"), blame),
        "## The tree", "```text\n" + "\n".join(_branches(found[0], found, "", "")) + "\n```",
        *(_one_error(each) for each in sorted(found, key=_place(found))),
        "## Problems of a district file",
        "`E-CONFIG-3` lists all problems of a file at once, each with a code of its own.",
        table(("code", "meaning"), [(code(key), text) for key, text in errors.PROBLEM_CODES.items()]),
        "## Rejections by a sink",
        "A row that a database refuses fails alone, with one of these codes; it comes again with the next run.",
        table(("code", "reason"), [(code(key), text) for key, text in REJECTIONS.items()]),
        "## What a person is needed for",
        "`syncrun status` and digests say so with these codes. *approve*: look at a plan and decide; *act*: put "
        "something right; *know*: nothing needs doing.",
        table(("code", "what", "asks to"), [(code(key), text, asks) for key, (asks, text) in CODES.items()]),
    )  # fmt: skip


def _place(found: Sequence[type[errors.SyncError]]) -> Callable[[type[errors.SyncError]], tuple[int, ...]]:
    """Sorts errors as the tree shows them: each below its parents."""

    def place(each: type[errors.SyncError]) -> tuple[int, ...]:
        return tuple(found.index(parent) for parent in reversed(each.__mro__) if parent in found)

    return place


def _branches(
    here: type[errors.SyncError], found: Sequence[type[errors.SyncError]], before: str, below: str
) -> Iterator[str]:
    yield f"{before}{here.__name__:{32 - len(before)}} {here.code:12} exit {here.exit_code}"
    children = [each for each in found if here in each.__bases__]
    for number, each in enumerate(children, 1):
        last = number == len(children)
        yield from _branches(each, found, below + ("└── " if last else "├── "), below + ("    " if last else "│   "))


def _one_error(error: type[errors.SyncError]) -> str:
    rows = [
        ("who must act", error.blame), ("outcome", f"{error.outcome}, exit code {error.exit_code}"),
        ("safe", error.safe), ("next", error.next_step), ("class", code(f"{error.__module__}.{error.__name__}")),
    ]  # fmt: skip
    return f"## {error.code}: {error.__name__}\n\n{doc(error)}\n\n" + table(("", ""), rows)


# -- findings --------------------------------------------------------------------------------------------------------

RULE_GROUPS: Mapping[str, str] = {
    "R-FORM-": "Formats",
    "R-SET-": "Sets of files",
    "R-PULL-": "Records that a service sends",
    "R-KIND-": "Which file is which",
    "R-ZIP-": "Archives",
    "R-TEXT-": "From bytes to text",
    "R-FILE-": "Files and lines",
    "R-HEAD-": "Names of columns",
    "R-": "Cells",
    "R-ROW-": "Rows",
    "R-REF-": "References",
    "R-FIT-": "Records that do not fit together",
    "R-SANE-": "Sanity of the whole roster",
}
"""By how the code begins; the longest beginning counts, so that `R-` has what the others leave."""


def findings() -> str:
    """The rules, and the reasons for which a plan waits."""
    told = attribute_docs(Severity)
    blocks = [
        "What is looked at in a set of files before anything of it is used. `syncrun check` applies the same rules "
        "without a sync.",
        "## Severities", table(("severity", "what it does"), [(each.value, told[each.name]) for each in Severity]),
    ]  # fmt: skip
    for start, title in RULE_GROUPS.items():
        rows = [(_anchored(key), each.title, each.severity.value, each.fix, each.source)
                for key, each in RULES.items() if _group(key) == start]  # fmt: skip
        blocks += [f"## {title}", table(("code", "what was found", "severity", "fix", "source"), rows)]
    blocks += [
        "## Why a plan waits",
        "These are not remarks on rows but on the whole plan, or on a school's part of it, which waits for a person.",
        table(("code", "reason"), [(code(key), text) for key, text in REASONS.items()]),
    ]
    return page("Findings", *blocks)


def _anchored(rule: str) -> str:
    """The code of a rule, which a link like `findings.md#r-cell-01` leads to."""
    return f'<a id="{rule.lower()}"></a>{code(rule)}'


def _group(rule: str) -> str:
    return max((start for start in RULE_GROUPS if rule.startswith(start)), key=len)


# -- roster ----------------------------------------------------------------------------------------------------------


def roster() -> str:
    """Entities, columns, vocabularies, and what a shape may use."""
    used = {type(each) for schema in entity.ENTITIES.values() for each in schema.cells().values()}
    kinds = [(code(each.__name__), first(each)) for each in sorted(used, key=lambda each: each.__name__)]
    blocks = [
        first(entity) + " Column names are the standard's. A column with a version belongs to that version alone; what "
        "1.1 writes is lifted into the form of 1.2 before a sink sees it.",
        "## Types of cells", table(("type", "what it holds"), kinds),
        "## Privacy",
        f"Each column is of one kind: {', '.join(map(code, get_args(cell.Privacy)))}. "
        + attribute_docs(cell)["Privacy"],
    ]  # fmt: skip
    for name, schema in entity.ENTITIES.items():
        rows = [_column(column, each) for column, each in schema.cells().items()]
        tests = ", ".join(code(test.code) for test in schema.row_tests)
        blocks += [f"## {name}", first(schema) + (f" Rows are held to {tests} besides." if tests else ""),
                   table(("column", "type", "required", "privacy", "version", "refers to", "notes"), rows)]  # fmt: skip
    for name, derived in entity.DERIVED.items():
        drawn = [(code(column), "yes" if each.required else "", str(each.metadata.get("privacy", "structure")),
                  str(each.metadata.get("doc", ""))) for column, each in derived().fields.items()]  # fmt: skip
        blocks += [f"## {name} (derived)", first(derived), table(("column", "required", "privacy", "notes"), drawn)]
    blocks += ["## Other spellings that are read as meant", "Case does not count either. Each such cell gets a note.", table(("columns", "read as meant"), _spellings()),
               "## What a shape may use", doc(view), doc(mapping), doc(shape)]  # fmt: skip
    return page("The canonical roster", *blocks)


def _column(column: str, each: cell.Cell) -> tuple[str, ...]:
    words = "one of " + ", ".join(map(code, each.words)) if isinstance(each, Word) else ""
    if isinstance(each, GradeList):
        words = "known: " + ", ".join(map(code, vocabulary.GRADES))
    if getattr(each, "extensible", False):
        words += " or an `ext:` word"
    lost = f"nobody there: {each.dangling}" if isinstance(each, Ref | RefList) else ""
    return (code(column), code(type(each).__name__), "yes" if each.required else "", each.privacy,
            f"{each.only} only" if each.only else "", code(getattr(each, "to", "")),
            "; ".join(filter(None, (each.doc, words, lost))))  # fmt: skip


def _spellings() -> Iterator[tuple[str, str]]:
    """Columns, and what is read in them as something else."""
    found: dict[str, list[str]] = {}
    for name, schema in entity.ENTITIES.items():
        for column, each in schema.cells().items():
            told = "; ".join(f"{code(spelling)} as {code(word)}" for spelling, word in _aliases(each))
            if told:
                found.setdefault(told, []).append(code(f"{name}.{column}"))
    for told, columns in found.items():
        yield ", ".join(columns), told


def _aliases(each: cell.Cell) -> Iterator[tuple[str, str]]:
    if isinstance(each, Word):
        yield from ((spelling, word) for spelling, word in each.spellings.items() if spelling != cell.fold(word))
    if isinstance(each, GradeList):
        yield from vocabulary.GRADE_ALIASES.items()
    if isinstance(each, Bool):
        yield from ((spelling, "true") for spelling in vocabulary.TRUE_WORDS[1:])
        yield from ((spelling, "false") for spelling in vocabulary.FALSE_WORDS[1:])


# -- writing ---------------------------------------------------------------------------------------------------------

PAGES: Mapping[str, Callable[[], str]] = {
    "requirements.md": requirements,
    "reference/cli.md": command_line,
    "reference/errors.md": error_page,
    "reference/findings.md": findings,
    "reference/roster.md": roster,
    "reference/hooks.md": hooks,
    "reference/settings.md": settings,
    "reference/sdk.md": sdk,
    "reference/rest.md": rest,
    "reference/powerschool-plugin.md": powerschool,
}
"""Every generated page by its path below docs/."""


def stale(folder: Path = DOCS) -> list[str]:
    """The pages that are missing or not as the code says."""
    return [
        name for name, make in PAGES.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != make()
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description="Make the pages of the docs that describe the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    try:
        if parser.parse_args(arguments).check:
            found = stale()
            for name in found:
                print(f"docs/{name} is stale: run python docs/generate.py", file=sys.stderr)
            return 1 if found else 0
        for name, make in PAGES.items():
            (DOCS / name).parent.mkdir(exist_ok=True)
            (DOCS / name).write_text(make(), encoding="utf-8")
    except MarkError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
