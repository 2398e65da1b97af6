"""The rows of each file, as queries over what the sink is to have and what it had."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from syncrun.sdk import Table
from syncrun.sinks.oneroster_csv.column import COLUMNS, Held
from syncrun.sinks.oneroster_csv.header import FILES, Version
from syncrun.sinks.oneroster_csv.role import single
from syncrun.sqltext import literal, name

_ONE_LINE = "translate({}, chr(13) || chr(10), '  ')"
"""A cell of OneRoster has no line break."""
_WORDS: Mapping[tuple[str, str], str] = {
    ("orgs", "type"): "'department'", ("academicSessions", "type"): "'term'", ("classes", "classType"): "'scheduled'",
    ("demographics", "sex"): "NULL",
}  # fmt: skip
"""What stands in 1.1 for words of 1.2 that anybody may add (`ext:`), and for sexes that 1.1 does not know."""


class Content:
    """The queries of one version for the tables of one sink."""

    def __init__(self, version: Version, tables: tuple[Table, ...]) -> None:
        self.version = version
        self._tables = {table.name: table for table in tables}

    def files(self) -> list[str]:
        """The files that may be there, by name."""
        return [file for file in FILES[self.version] if file in self._tables]

    def whole(self, file: str) -> str:
        """Every row of a file, in its columns, status and date blank."""
        columns = ", ".join(name(each) for each in FILES[self.version][file])
        return f"SELECT sourcedId, NULL, NULL, {columns} FROM ({self._rows(file, 'after')}) ORDER BY sourcedId"

    def changes(self, file: str, moment: datetime.datetime) -> str:
        """Rows that are new, other or gone; a row that is gone is as it was."""
        told = moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        names = FILES[self.version][file]
        values = ", ".join(f"CASE WHEN new.sourcedId IS NULL THEN old.{name(c)} ELSE new.{name(c)} END" for c in names)
        differ = " OR ".join(f"new.{name(c)} IS DISTINCT FROM old.{name(c)}" for c in names)
        return f"""
            SELECT coalesce(new.sourcedId, old.sourcedId) AS sourcedId,
                CASE WHEN new.sourcedId IS NULL THEN 'tobedeleted' ELSE 'active' END, {literal(told)}, {values}
            FROM ({self._rows(file, "after")}) AS new FULL JOIN ({self._rows(file, "before")}) AS old
                ON old.sourcedId = new.sourcedId
            WHERE new.sourcedId IS NULL OR old.sourcedId IS NULL OR {differ} ORDER BY ALL
        """

    def _rows(self, file: str, schema: str) -> str:
        """The rows of a file as they stand in `schema`, all columns as text."""
        columns = ", ".join(f"{self._value(file, each, schema)} AS {name(each)}" for each in FILES[self.version][file])
        source = f"{schema}.{name(file)} AS own{self._lists(file, schema)}"
        where = ""
        if file == "users" and self.version == "1.1":
            source += f" JOIN ({single(schema)}) AS single ON single.userSourcedId = own.key"
        if file == "enrollments" and self.version == "1.1":
            where = " WHERE NOT starts_with(own.role, 'ext:')"
        return f"SELECT own.key AS sourcedId, {columns} FROM {source}{where}"

    def _value(self, file: str, column: str, schema: str) -> str:
        if file == "users" and column in {"role", "orgSourcedIds"}:
            return f"single.{column}"
        held = next((each for each in COLUMNS[file] if each.name == column), None)
        if held is None or column not in {each.name for each in self._tables[file].columns}:
            return "NULL::VARCHAR"  # not exported, as every password
        value = f"own.{name(column)}"
        if held.kind in {"boolean", "date", "whole number"}:
            return f"{value}::VARCHAR"
        if held.to and not held.firm:
            there = f"SELECT key FROM {schema}.{name(held.to)}"
            return (
                f"{name('those ' + column)}.items"
                if held.kind == "list"
                else f"CASE WHEN {value} IN ({there}) THEN {value} END"
            )
        if self.version == "1.1" and (file, column) in _WORDS:
            known = "('male', 'female')" if column == "sex" else None
            test = f"{value} IN {known}" if known else f"NOT starts_with({value}, 'ext:')"
            return f"CASE WHEN {test} THEN {value} ELSE {_WORDS[file, column]} END"
        return _ONE_LINE.format(value)

    def _lists(self, file: str, schema: str) -> str:
        """Joins that give, for each column which names several rows, those that are there."""
        return "".join(
            f"""
            LEFT JOIN (
                SELECT key, string_agg(item, ',' ORDER BY place) AS items FROM (
                    SELECT key, unnest(string_split({name(each.name)}, ',')) AS item,
                        generate_subscripts(string_split({name(each.name)}, ','), 1) AS place
                    FROM {schema}.{name(file)}
                ) SEMI JOIN (SELECT key AS item FROM {schema}.{name(each.to)}) AS there USING (item) GROUP BY key
            ) AS {name("those " + each.name)} ON {name("those " + each.name)}.key = own.key"""
            for each in self._named(file)
        )

    def _named(self, file: str) -> list[Held]:
        """The columns of a file that name several rows."""
        held = {each.name for each in self._tables[file].columns}
        return [each for each in COLUMNS[file] if each.kind == "list" and each.to and each.name in held]
