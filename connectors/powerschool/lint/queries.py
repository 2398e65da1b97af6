"""A file of queries: each query's name, its columns, its arguments and its SQL, and whether they agree."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element

from syncrun.connectors.powerschool.lint import join
from syncrun.connectors.powerschool.lint.document import Document
from syncrun.connectors.powerschool.lint.rule import Remark
from syncrun.connectors.powerschool.query import Field, Query, SqlError

_DOMAIN = re.compile(r"[a-z]{2,}(\.[a-z0-9_]+){4}", re.IGNORECASE)
_FILE = re.compile(r"[a-z]{2,}\.[a-z0-9_-]+\..+", re.IGNORECASE)
_ALIAS = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?")
_TAG = re.compile(r"~[(\[]|<@(?!restricted_table)|</@")
_SELECT = re.compile(r"\s*(\(\s*)*(SELECT|WITH)\b", re.IGNORECASE)


class Queries:
    """The queries of one file. After `look`, `names` are those of its queries and `fields` what they read or name."""

    def __init__(self, document: Document, file: str, requested: Collection[Field] | None) -> None:
        self._document, self._file, self._requested = document, file, requested
        self.names: list[str] = []
        self.fields: set[Field] = set()

    def _remark(self, code: str, element: Element, words: str = "", further: int = 0) -> Remark:
        return Remark(code, self._file, self._document.line(element) + further, words)

    def look(self) -> Iterator[Remark]:
        """Remarks on all of them."""
        stem = self._file.rpartition("/")[2].removesuffix(".named_queries.xml")
        if not _FILE.fullmatch(stem):
            yield Remark("L-PS-33", self._file)
        for query in self._document.root.iterfind("query"):
            name = query.get("name", "")
            if name and not _DOMAIN.fullmatch(name):
                yield self._remark("L-PS-31", query, name)
            self.names.append(name)
            yield from self._columns(query)
            yield from self._arguments(query)
            yield from self._sql(query)

    def _columns(self, query: Element) -> Iterator[Remark]:
        core = query.get("coreTable", "").upper()
        if core.startswith("PS_") or core == "TEACHERS":
            yield self._remark("L-PS-37", query, core)
        aliases: set[str] = set()
        for column in query.iterfind("columns/column"):
            text = (column.text or "").strip()
            named = column.get("column")
            field = Field.of(text if named is None else named)
            alias = text.upper()
            if not _ALIAS.fullmatch(text):
                yield self._remark("L-PS-35", column)
            elif "." not in text and not core:
                yield self._remark("L-PS-36", column, text)
            if alias in aliases:
                yield self._remark("L-PS-38", column, text)
            aliases.add(alias)
            if field is None:
                yield self._remark("L-PS-39", column, text)
            else:
                yield from self._named(field, column)

    def _named(self, field: Field, element: Element) -> Iterator[Remark]:
        self.fields.add(field)
        if self._requested is not None and field not in self._requested:
            yield self._remark("L-PS-51", element, str(field))

    def _arguments(self, query: Element) -> Iterator[Remark]:
        for arg in query.iterfind("args/arg"):
            if _TAG.search(arg.get("default", "")):
                yield self._remark("L-PS-47", arg)
            named = arg.get("column")
            field = Field.of(named or "")
            if named is None:
                yield self._remark("L-PS-48", arg)
            elif field is None:
                yield self._remark("L-PS-39", arg)
            else:
                yield from self._named(field, arg)

    def _sql(self, query: Element) -> Iterator[Remark]:
        element = query.find("sql")
        text = (element.text or "") if element is not None else ""
        if element is None:  # the schema has said so
            return
        if _TAG.search(text):
            yield self._remark("L-PS-46", element, further=text[: _TAG.search(text).start()].count("\n"))  # type: ignore[union-attr] # found above
            return
        if not _SELECT.match(re.sub(r"/\*.*?\*/|--[^\n]*", "", text, flags=re.DOTALL)):
            yield self._remark("L-PS-41", element)
            return
        try:
            parsed = Query(text)
        except SqlError as error:
            yield self._remark("L-PS-40", element, further=error.line - 1)
            return
        yield from self._selected(query, element, parsed)
        yield from self._read(element, parsed)
        declared = {each.get("name", "").upper() for each in query.iterfind("args/arg")}
        for name in sorted(each for each in parsed.binds if each.upper() not in declared):
            yield self._remark("L-PS-50", element, name)

    def _selected(self, query: Element, element: Element, parsed: Query) -> Iterator[Remark]:
        columns = query.findall("columns/column")
        if parsed.has_star:
            yield self._remark("L-PS-45", element)
        elif len(columns) != len(parsed.columns):
            yield self._remark("L-PS-34", element, f"{len(columns)} columns, and {len(parsed.columns)} in the SQL")
        names = [each.upper() for each in parsed.columns]
        for number, name in enumerate(names):
            if not name:
                yield self._remark("L-PS-42", element, f"column {number + 1}")
            elif name in names[:number]:
                yield self._remark("L-PS-43", element, parsed.columns[number])
        if not parsed.has_order:
            yield self._remark("L-PS-44", element)

    def _read(self, element: Element, parsed: Query) -> Iterator[Remark]:
        self.fields |= parsed.fields
        if self._requested is not None:
            for field in sorted(parsed.fields - set(self._requested)):
                yield self._remark("L-PS-52", element, str(field))
        for name in sorted(parsed.unsettled):
            yield self._remark("L-PS-53", element, name)
        for name in sorted(parsed.misnamed):
            yield self._remark("L-PS-56", element, name)
        for code, words in join.doubts(parsed):
            yield self._remark(code, element, words)
