"""Moves between sections: a pupil who leaves one class and joins another of the same course is one change.

A pair is a row that comes and a row that goes, equal in all references but the one that moves (the class), whose classes
are of one course. Where more than one pair could be made, none is: then one comes and the other goes.
"""

from __future__ import annotations

from syncrun.sdk import Table
from syncrun.sqltext import literal, name


def paired(table: Table, changes: str, links: str, relinked: str) -> str:
    """The query for changes with pairs made into moves, and `from_key`, the key of the row that goes. `changes` is the
    query for the changes of the table, `links` the relation of rows that are taken over, and `relinked` of
    those that are to be other rows of the sink: those do not move."""
    place = str(table.moves)
    others = [column for column in table.parents if column != place]
    same = (
        " AND ".join(f"comes.{name(each)} IS NOT DISTINCT FROM goes.{name('was ' + each)}" for each in others)
        or "false"
    )
    kept = ", ".join(f"goes.{name('was ' + column.name)}" for column in table.columns)
    replaced = ", ".join(
        f"CASE WHEN pairs.key IS NULL THEN changed.{name('was ' + c.name)} ELSE pairs.{name('was ' + c.name)} END "
        f"AS {name('was ' + c.name)}" for c in table.columns
    )  # fmt: skip
    return f"""
        SELECT * FROM (
            WITH changed AS MATERIALIZED ({changes}), pairs AS MATERIALIZED (
                SELECT comes.key, goes.key AS from_key, {kept}
                FROM changed AS comes JOIN changed AS goes ON comes.action IN ('create', 'restore')
                    AND goes.action = 'archive' AND comes.{name(place)} <> goes.{name("was " + place)} AND {same}
                JOIN classes AS to_class ON to_class.sourcedId = comes.{name(place)}
                JOIN classes AS of_class ON of_class.sourcedId = goes.{name("was " + place)}
                    AND of_class.courseSourcedId = to_class.courseSourcedId
                WHERE comes.key NOT IN (SELECT key FROM {links} WHERE "table" = {literal(table.name)}
                    UNION ALL SELECT key FROM {relinked} WHERE "table" = {literal(table.name)})
                QUALIFY count(*) OVER (PARTITION BY comes.key) = 1 AND count(*) OVER (PARTITION BY goes.key) = 1
            )
            SELECT changed.* REPLACE (
                    CASE WHEN pairs.key IS NULL THEN changed.action ELSE 'move' END AS action, {replaced}),
                pairs.from_key
            FROM changed LEFT JOIN pairs ON pairs.key = changed.key
            WHERE changed.key NOT IN (SELECT from_key FROM pairs)
        )
    """
