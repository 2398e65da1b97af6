"""Judging a plan against its limits, school by school, before the first write.

A breach holds the changes of that school and nothing else; a breach of the whole district holds every school that has
a part in it. A base that is empty has nothing to lose, so shares are asked only of a base with rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from syncrun.config.district import Limits
from syncrun.plan.applied import SCHEMA as APPLIED
from syncrun.plan.diff import SCHEMA as CHANGES
from syncrun.plan.model import NEW, PROMPT, Part, Reason, digest, school_of
from syncrun.sdk import Table
from syncrun.sqltext import literals, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

REASONS = {
    "P-FIRST-1": "The first sync of a sink always waits for a person.",
    "P-SET-1": "The set that arrived is doubtful.",
    "P-REMOVE-1": "More rows would be removed than may go unseen.",
    "P-UPDATE-1": "More rows would be changed than may go unseen.",
    "P-SHRINK-1": "A class would lose more pupils than may go unseen.",
    "P-SCOPE-1": "A school, or all rows of one kind in it, would vanish.",
    "P-REKEY-1": "Rows only changed their ids.",
    "P-ROLE-1": "A person would rise to a role with more rights.",
    "P-NEW-1": "New rows cost money.",
    "P-MATCH-1": "It is not clear which row of the sink is meant.",
    "P-MEMBERS-1": "Members of classrooms that are taken over are not in the source.",
    "P-REVIEW-1": "A reviewer objects.",
}
"""Why a plan may wait. The docs page is generated from this."""

_ADDING = ("create", "link", "restore")
Counts = dict[str, dict[str, dict[str, int]]]
"""Part, table, action: how many."""


def parts(connection: DuckDBPyConnection, tables: Sequence[Table]) -> dict[str, Part]:
    """The parts of a plan, not yet judged: the counts and the hash of each."""
    counts: Counts = defaultdict(lambda: defaultdict(dict))
    lines: dict[str, list[str]] = defaultdict(list)
    for table in tables:
        for part, action, count, mix in connection.execute(_hashes(table)).fetchall():
            counts[part][table.name][action] = count
            lines[part].append(f"{table.name}:{action}:{count}:{mix}")
    return {part: Part(digest(lines[part]), {t: dict(c) for t, c in counts[part].items()}) for part in sorted(counts)}


def _hashes(table: Table) -> str:
    """By part and action the number of changes and a hash that does not depend on their order. `md5_number` means the
    same in every version of the engine."""
    columns = [name(column.name) for column in table.columns]
    before = [name("was " + column.name) for column in table.columns]
    told = ", ".join(f"coalesce({each}::VARCHAR, chr(0))" for each in ("key", "sink_id", *columns))
    was = ", ".join(f"coalesce({each}::VARCHAR, chr(0))" for each in before)
    text = f"concat_ws(chr(31), {told}) || CASE WHEN action IN ('create', 'link') THEN '' " \
           f"ELSE chr(30) || concat_ws(chr(31), {was}, from_key) END"  # fmt: skip
    return f"""
        SELECT part, action, count(*), bit_xor(md5_number({text}))::VARCHAR FROM {CHANGES}.{name(table.name)}
        GROUP BY part, action
    """


def judge(
    connection: DuckDBPyConnection, tables: Sequence[Table], found: Mapping[str, Part], limits: Limits, *,
    first: bool, set_reasons: Sequence[str], doubts: Mapping[str, str],
    questions: Mapping[str, Sequence[Reason]] = MappingProxyType({}),
) -> dict[str, Part]:  # fmt: skip
    """The parts with the reasons for which they wait. `set_reasons`: what is doubtful about the set; `doubts`: by
    school, rows that could be linked in two ways; `questions`: by school, what a person is asked besides."""
    reasons: dict[str, list[Reason]] = defaultdict(list)
    told = [school for school in {**doubts, **questions} if school not in found and school + NEW not in found]
    told += [""] * bool(set_reasons and not found and not told)
    found = {
        **found,
        **{school: Part(digest([]), {}) for school in told},
    }  # a doubt is told also where nothing would change
    for part in found:
        reasons[part] += [Reason("P-FIRST-1", "this sink has taken nothing yet")] if first else []
        reasons[part] += [Reason("P-SET-1", words) for words in set_reasons]
    for table, school, reason in () if first else _all_breaches(connection, tables, found, limits):
        for part in (school, school + NEW):
            reasons[part].append(reason)
        if table.prompt and reason.code == "P-REMOVE-1":
            reasons[school + PROMPT].append(reason)
    for part, each in found.items():
        if part.endswith(NEW):
            count = sum(sum(actions.values()) for actions in each.counts.values())
            reasons[part].append(Reason("P-NEW-1", f"{count} new rows would be billed"))
    for part in found:
        if not part.endswith(PROMPT):
            doubt = doubts.get(school_of(part))
            reasons[part] += [Reason("P-MATCH-1", doubt)] if doubt else []
            reasons[part] += questions.get(school_of(part), ())
    return {name: Part(part.hash, part.counts, tuple(reasons[name])) for name, part in found.items()}


def _all_breaches(
    connection: DuckDBPyConnection, tables: Sequence[Table], found: Mapping[str, Part], limits: Limits
) -> Iterator[tuple[Table, str, Reason]]:
    """A table, a school, and a limit that its changes break."""
    for table in tables:
        yield from ((table, school, reason) for school, reason in _breaches(connection, table, tables, found, limits))


def _breaches(
    connection: DuckDBPyConnection, table: Table, tables: Sequence[Table], found: Mapping[str, Part], limits: Limits
) -> Iterator[tuple[str, Reason]]:
    base = _base(connection, table)
    yield from _removals(table, found, base, limits)
    yield from _updates(table, found, base, limits)
    removed, added = _by_school(found, table, "archive"), _by_school(found, table, *_ADDING)
    if table.shrink and (removed or _by_school(found, table, "update", "move")):
        yield from _shrunk(connection, table, limits)
    if removed and added:
        yield from _rekeyed(connection, table, base, limits)
    if added and table.privilege:
        yield from _risen(connection, table, tables)


def _base(connection: DuckDBPyConnection, table: Table) -> dict[str, int]:
    """Active rows that the sink has taken, by school."""
    return dict(connection.execute(
        f"SELECT coalesce(school, ''), count(*) FROM {APPLIED}.{name(table.name)} WHERE NOT archived GROUP BY ALL"
    ).fetchall())  # fmt: skip


def _removals(
    table: Table, found: Mapping[str, Part], base: Mapping[str, int], limits: Limits
) -> Iterator[tuple[str, Reason]]:
    """Schools that lose everything of a kind, or too much; when the district as a whole does, each that loses any."""
    removed, added = _by_school(found, table, "archive"), _by_school(found, table, *_ADDING)
    for school, count in removed.items():
        had = base.get(school, 0)
        few = table.prompt and count <= limits.removals_floor
        if had and count == had and not added.get(school) and not few:
            yield school, Reason("P-SCOPE-1", f"all {had} {table.name} would go")
        elif _over(count, had, limits.removals, limits.removals_floor):
            yield school, Reason("P-REMOVE-1", f"{count} of {had} {table.name} would go")
    total, gone = sum(base.values()), sum(removed.values())
    if _over(gone, total, limits.removals, limits.removals_floor):
        for school in removed:
            yield school, Reason("P-REMOVE-1", f"{gone} of {total} {table.name} in the district would go")


def _updates(
    table: Table, found: Mapping[str, Part], base: Mapping[str, int], limits: Limits
) -> Iterator[tuple[str, Reason]]:
    for school, count in _by_school(found, table, "update").items():
        had = base.get(school, 0)
        if _over(count, had, limits.updates, limits.updates_floor):
            yield school, Reason("P-UPDATE-1", f"{count} of {had} {table.name} would change")


def _by_school(found: Mapping[str, Part], table: Table, *actions: str) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for name_, part in found.items():
        for action in actions:
            count = part.counts.get(table.name, {}).get(action, 0)
            if count:
                counts[school_of(name_)] += count
    return dict(counts)


def _over(count: int, base: int, share: float, floor: int) -> bool:
    """Whether a count is above both the floor and the share of a base; of an empty base nothing is a share."""
    return base > 0 and count > floor and count * 100 > share * base


def _shrunk(connection: DuckDBPyConnection, table: Table, limits: Limits) -> Iterator[tuple[str, Reason]]:
    """Schools with classes that stay and lose more rows than they may. A class that goes takes its rows with it and is
    counted as a class. Pupils who come in the same plan make up for those who go."""
    parent = str(table.shrink)
    column, was, relation = name(parent), name("was " + parent), f"{CHANGES}.{name(table.name)}"
    moved = f"action IN ('update', 'move') AND {column} IS DISTINCT FROM {was}"
    found = connection.execute(
        f"""
        WITH loss AS (
            SELECT parent, any_value(school) AS school, sum(change) AS change FROM (
                SELECT {was} AS parent, school, -1 AS change FROM {relation} WHERE action = 'archive' OR ({moved})
                UNION ALL
                SELECT {column}, school, 1 FROM {relation} WHERE action IN ({literals(_ADDING)}) OR ({moved})
            ) GROUP BY parent HAVING sum(change) < 0
        ), base AS (
            SELECT {column} AS parent, count(*) AS had FROM {APPLIED}.{name(table.name)} SEMI JOIN loss ON parent = {column}
            WHERE NOT archived GROUP BY ALL
        )
        SELECT coalesce(school, ''), count(*) FROM loss JOIN base USING (parent)
        ANTI JOIN (SELECT key FROM {CHANGES}.{name(table.parents[parent])} WHERE action = 'archive') AS gone
            ON gone.key = loss.parent
        WHERE had >= ? AND -change * 100 > ? * had GROUP BY ALL
        """,
        [limits.class_shrink_floor, limits.class_shrink],
    ).fetchall()
    for school, count in found:
        yield school, Reason("P-SHRINK-1", f"{count} classes would lose over {limits.class_shrink:g} % of their pupils")


def _rekeyed(
    connection: DuckDBPyConnection, table: Table, base: Mapping[str, int], limits: Limits
) -> Iterator[tuple[str, Reason]]:
    """Schools where rows go and rows with the same content come under other keys."""
    same = " AND ".join(f"new.{name(c.name)} IS NOT DISTINCT FROM old.{name(c.name)}" for c in table.columns)
    relation = f"{CHANGES}.{name(table.name)}"
    found = connection.execute(f"""
        SELECT coalesce(old.school, ''), count(DISTINCT old.key) FROM {relation} AS new JOIN {relation} AS old
        ON new.action = 'create' AND old.action = 'archive' AND {same} GROUP BY ALL
    """).fetchall()
    for school, count in found:
        had = base.get(school, 0)
        if _over(count, had, limits.rekeys, limits.rekeys_floor):
            yield school, Reason("P-REKEY-1", f"{count} of {had} {table.name} only changed their ids")


def _risen(connection: DuckDBPyConnection, table: Table, tables: Sequence[Table]) -> Iterator[tuple[str, Reason]]:
    """Schools where somebody who was in a table of lower privilege turns up in this one."""
    for lower in (each for each in tables if 0 < each.privilege < table.privilege):
        found = connection.execute(f"""
            SELECT coalesce(new.school, ''), count(*) FROM {CHANGES}.{name(table.name)} AS new
            SEMI JOIN {APPLIED}.{name(lower.name)} AS old ON old.key = new.key
            WHERE new.action IN ({literals(_ADDING)}) GROUP BY ALL
        """).fetchall()
        for school, count in found:
            yield school, Reason("P-ROLE-1", f"{count} persons move from {lower.name} to {table.name}")
