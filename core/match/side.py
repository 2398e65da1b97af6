"""The two sides of a comparison as tables: every feature a text, forms beside them, rows numbered in the order of ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from syncrun.errors import ContractError, SyncError
from syncrun.match.answer import Side
from syncrun.sdk import FEATURES, Form, Matcher
from syncrun.sqltext import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "matching"
"""Where the tables of one comparison are while it lasts."""
LISTS = ("teachers",)
"""Features that are lists of ids."""
SIDES: tuple[Side, Side] = ("incoming", "existing")
_Made = TypeVar("_Made")


def prepare(connection: DuckDBPyConnection, relations: Mapping[Side, str], matchers: Mapping[str, Matcher]) -> None:
    """Make `matching.incoming` and `matching.existing`: n (from 1 in the order of ids), id, all features, all forms.

    Raises `ContractError` when ids are missing or double, and for a form that raises or has another's name.
    """
    forms = _forms(matchers)
    numbered = list(enumerate(forms))
    for side, relation in relations.items():
        there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
        features = ", ".join(_feature(each, there) for each in FEATURES)
        connection.execute(f"""
            CREATE TABLE {SCHEMA}.{side} AS
            SELECT row_number() OVER (ORDER BY CAST(id AS VARCHAR)) AS n, CAST(id AS VARCHAR) AS id, {features}
            FROM {relation}
        """)
        found = connection.execute(f"SELECT count(*) - count(DISTINCT id) FROM {SCHEMA}.{side}").fetchone()
        if found and found[0]:
            raise ContractError(f"The records to match have ids that are missing or double ({side}).")
    for number, (plugin, form) in numbered:
        _derive(connection, plugin, form, f"{SCHEMA}.form_{number}")
    made = ", ".join(
        ["side.*", *(f"nullif(form_{number}.made, '') AS {name(form.name)}" for number, (_, form) in numbered)]
    )
    joins = " ".join(
        f"LEFT JOIN {SCHEMA}.form_{number} ON form_{number}.text = side.{name(form.of)}"
        for number, (_, form) in numbered
    )
    for side in relations:
        connection.execute(
            f"CREATE OR REPLACE TABLE {SCHEMA}.{side} AS SELECT {made} FROM {SCHEMA}.{side} AS side {joins}"
        )
    for number, _ in numbered:
        connection.execute(f"DROP TABLE {SCHEMA}.form_{number}")


def _feature(feature: str, there: Iterable[str]) -> str:
    """A feature as text without blanks around, NULL where there is none; a list as a list of such texts."""
    if feature not in there:
        return f"NULL::VARCHAR{'[]' if feature in LISTS else ''} AS {name(feature)}"
    if feature in LISTS:
        return f"CAST({name(feature)} AS VARCHAR[]) AS {name(feature)}"
    return f"nullif(trim(CAST({name(feature)} AS VARCHAR)), '') AS {name(feature)}"


def _forms(matchers: Mapping[str, Matcher]) -> list[tuple[str, Form]]:
    found = [(plugin, form) for plugin, matcher in matchers.items() for form in matcher.forms]
    taken = [*FEATURES, "n", "id", *(form.name for _, form in found)]
    for plugin, form in found:
        if taken.count(form.name) > 1 or form.of not in FEATURES or form.of in LISTS:
            raise ContractError(f"The matcher {plugin} has a form that cannot be made: {form.name} of {form.of}.")
    return found


def _derive(connection: DuckDBPyConnection, plugin: str, form: Form, target: str) -> None:
    """Make the table of a form (text, made); each different text of both sides is given to `make` once."""
    texts = [row[0] for row in connection.execute(
        " UNION ".join(f"SELECT {name(form.of)} FROM {SCHEMA}.{side} WHERE {name(form.of)} IS NOT NULL" for side in SIDES)
    ).fetchall()]  # fmt: skip
    made = [guarded(plugin, form.make, text) for text in texts]
    connection.execute(
        f"CREATE TABLE {target} AS SELECT unnest(?::VARCHAR[]) AS text, unnest(?::VARCHAR[]) AS made", [texts, made]
    )


def guarded(plugin: str, work: Callable[..., _Made], *arguments: object) -> _Made:
    """What the code of a matcher gives. Raises `ContractError` without the words of what it raised, which may hold
    names of people."""
    try:
        return work(*arguments)
    except SyncError:
        raise
    except Exception as error:  # noqa: BLE001 # a plug-in may raise anything
        raise ContractError(f"The matcher {plugin} raised {type(error).__name__}.") from None


def awake(connection: DuckDBPyConnection, matchers: Mapping[str, Matcher]) -> dict[str, Matcher]:
    """The matchers that have something to go by: a feature which both sides know of at least one record."""
    known = set(FEATURES)
    for side in SIDES:
        counts = (
            connection.execute(
                f"SELECT {', '.join(f'count({name(each)})' for each in FEATURES)} FROM {SCHEMA}.{side}"
            ).fetchone()
            or ()
        )
        known &= {feature for feature, count in zip(FEATURES, counts, strict=True) if count}
    return {plugin: each for plugin, each in matchers.items() if known.intersection(each.features)}


MOSTLY = 0.1
"""Below this share of the smaller side's identifiers found on the other, the two sides number by different systems."""
NUMBERS = ("identifier", "classCode", "email", "username", "phone")
"""Features that are the same for a record wherever it is known, or are not comparable at all."""


def strangers(connection: DuckDBPyConnection) -> frozenset[str]:
    """Reasons that say nothing here: `other:identifier` where hardly any identifier of one side is known on the other,
    as after a change of the student information system."""
    found = set()
    for feature in NUMBERS:
        column = f"lower({name(feature)})"
        row = connection.execute(f"""
            WITH a AS (SELECT DISTINCT {column} AS text FROM {SCHEMA}.incoming WHERE text IS NOT NULL),
                b AS (SELECT DISTINCT {column} AS text FROM {SCHEMA}.existing WHERE text IS NOT NULL)
            SELECT (SELECT count(*) FROM a SEMI JOIN b USING (text)),
                least((SELECT count(*) FROM a), (SELECT count(*) FROM b))
        """).fetchone()
        if row and row[0] < MOSTLY * row[1]:
            found.add(f"other:{feature}")
    return frozenset(found)


def columns(matchers: Iterable[Matcher]) -> list[str]:
    """Features and forms that these matchers read, each once."""
    return sorted(
        {each for matcher in matchers for each in (*matcher.features, *(form.name for form in matcher.forms))}
    )
