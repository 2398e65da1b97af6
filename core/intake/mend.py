"""Files in which not every line is a row: blank lines, line breaks inside cells, lines that cannot be taken apart.

Left to itself the engine tells no physical lines, and behind a quote that is not closed it passes over megabytes of good
rows without a word (DuckDB 2.0). Here every line that is not blank ends up in exactly one row, or is one bad line.

The lines of a file become a table. Nearly all of them are settled one by one, all at once: a line whose quotes are in
order is a row when it has as many cells as the header, and nothing else. Stretches that begin with another
line hold rows of several lines. Such a row counts when it is in order to the last cell and none of its further lines
would be a row by itself; otherwise its first line is bad and reading goes on with the next, so that one open quote costs
one line. As long as the rows of a stretch are plainly so, they are joined all at once; what is left is gone through by
hand.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncrun.intake.dialect import ENDS, MAX_LINE, cells, long_cells
from syncrun.roster.cell import sql_filled, trimmed
from syncrun.sqltext import literal, name, names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MENDED = "mended"
"""The rows that were found: `line` in which the row begins, and the kept cells by their position in the file."""
BAD = "bad_lines"
"""Lines that are no rows: (line, code, key). The key is the first cell, which no comma can have shifted; NULL when that
cannot be known, as behind an open quote, where it may be anything."""
SURPLUS = "surplus_lines"
"""Bad lines that have one cell too many and nothing else that is wrong: (line, cell), the list of their cells."""
MARK = "1"
"""Stands in for a password."""
BLOCK = 1 << 24
BATCH = 10_000
AFTER_PAIR, AFTER_RETURN, NO_END, NO_TEXT, TOO_LONG = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3", "\ufdd4"
"""Signs in the table of lines, for which Unicode has set characters aside that no text holds: the line ended in CR LF, in
CR, not at all; a byte of it was no UTF-8; the rest of it was left out."""
_SIGNS = AFTER_PAIR + AFTER_RETURN + NO_END
_ENDS = {AFTER_PAIR: "\r\n", AFTER_RETURN: "\r", "": "\n", NO_END: ""}
_LINES, _HARD, _JOINED, _BY_HAND = "lines_of_file", "hard_lines", "joined_lines", "rows_by_hand"
_QUOTED = '"(?:[^"]|"")*"'
_CELL = rf'(?:{_QUOTED}|[^",]*)'
_BARE = '(?:"(?:[^",]|"")*"|[^",]*)'
_LOOSE = rf'(?:{_QUOTED}|[^",][^,]*|)'
_WELL_FORMED = re.compile(rf"{_CELL}(?:,{_CELL})*")
_FIRST_CELL = re.compile(r'"((?:[^"]|"")*)"(?=[,\r\n]|$)|((?!")[^,\r\n]*)')
_NEVER = "1::BIGINT << 62"


@dataclass(frozen=True, slots=True)
class Mended:
    """What was found. `bad` counts the lines that are no rows; `proved` says that of each the record is known, `last` is
    the number of the last one, `last_open` that a quote may be open in it. `line_ends` are the kinds of line end that
    lines have; those inside cells do not count."""

    bad: int
    proved: bool
    last: int
    last_open: bool
    line_ends: frozenset[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is laid out: how many columns it has, the positions of those that are `kept`, which of them are
    `marked` instead of copied, and whether the first one is the key."""

    width: int
    kept: Sequence[int]
    marked: Collection[int]
    keyed: bool


def mend(connection: DuckDBPyConnection, source: Path, layout: Layout) -> Mended:
    """Leave the rows of `source` in the table `mended` and its bad lines in `bad_lines`. The header, which is the first
    line, is left out."""
    connection.execute(
        f"CREATE OR REPLACE TABLE {BAD} (line BIGINT, code VARCHAR, key VARCHAR, words VARCHAR DEFAULT '')"
    )
    try:
        _take_lines(connection, source)
        _classify(connection, layout)
        if connection.execute(f"SELECT 1 FROM {_LINES} WHERE form IS NULL AND line > 1 LIMIT 1").fetchone():
            _give_up_hopeless(connection)
            _set_hard_lines_aside(connection)
        _prepare_hard(connection, layout)
        line_ends = _join_lines(connection, layout)
        hand = _go_by_hand(connection, layout)
        _make_rows(connection, layout, hand.doubted)
        _note_bad(connection, layout, hand.doubted)
        _keep_surplus(connection, layout, hand.doubted)
        return told(connection, (_line_ends(connection) | line_ends | hand.line_ends) - {""})
    finally:
        for table in (_LINES, _HARD, _JOINED, _BY_HAND):
            connection.execute(f"DROP TABLE IF EXISTS {table}")


def told(connection: DuckDBPyConnection, line_ends: frozenset[str]) -> Mended:
    """What the table of bad lines says."""
    found = connection.execute(
        f"SELECT count(*), bool_and(key IS NOT NULL), max(line), arg_max(code, line) = 'R-FILE-09' FROM {BAD}"
    ).fetchone()
    count, proved, last, last_open = found or (0, None, None, None)
    return Mended(count, proved is not False, last or 0, bool(last_open), line_ends)


def _line_ends(connection: DuckDBPyConnection) -> frozenset[str]:
    found = connection.execute(f"SELECT DISTINCT ending FROM {_LINES}").fetchall()
    return frozenset(_ENDS[ending] for (ending,) in found)


# -- the lines -------------------------------------------------------------------------------------------------------------


def _take_lines(connection: DuckDBPyConnection, source: Path) -> None:
    """The table of lines: (line, text), the text without its end, of which a sign is left."""
    connection.execute(f"CREATE OR REPLACE TABLE {_LINES} (line BIGINT, text VARCHAR)")
    line = 0
    for block in _blocks(source):
        connection.execute(
            f"""INSERT INTO {_LINES} SELECT ? + generate_subscripts(each, 1), unnest(each)
            FROM (SELECT string_split(?, chr(10)) AS each)""", [line, block],
        )  # fmt: skip
        line += block.count("\n") + 1


def _blocks(source: Path) -> Iterator[str]:
    """The text of a file in pieces that end with a line, the last line end of each left out."""
    rest = b""
    with source.open("rb") as stream:
        if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            stream.seek(0)
        while more := stream.read(BLOCK):
            rest, whole = _ended(rest + more)
            if whole:
                yield _signed(whole)[:-1]
            if len(rest) > 4 * MAX_LINE:  # of a line that goes on, no more is of interest
                rest = rest[: 4 * MAX_LINE]
    if rest:
        yield _signed(rest)[:-1] if rest.endswith(b"\r") else _signed(rest) + NO_END


def _ended(block: bytes) -> tuple[bytes, bytes]:
    """What stands behind the last line end of a block, and what before. A CR that comes last may be half of a CR LF."""
    cut = max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1)) + 1
    return block[cut:], block[:cut]


def _signed(block: bytes) -> str:
    """The text with LF alone as line end and a sign before it of what it was, and without bytes that are no text."""
    if b"\r" in block:
        block = block.replace(b"\r\n", f"{AFTER_PAIR}\n".encode()).replace(b"\r", f"{AFTER_RETURN}\n".encode())
    try:
        text = block.decode()
    except UnicodeDecodeError:
        text = re.sub("[\udc80-\udcff]", NO_TEXT, block.decode(errors="surrogateescape"))
    half = MAX_LINE // 2
    if all("\n" in text[start : start + half] for start in range(0, len(text) - half, half)):
        return text
    return re.sub(f"([^\n]{{{MAX_LINE}}})[^\n]+?([{_SIGNS}]?)(?=\n|$)", rf"\1{TOO_LONG}\2", text)


# -- lines that are settled one by one -------------------------------------------------------------------------------------


def _classify(connection: DuckDBPyConnection, layout: Layout) -> None:
    """Say of each line what it is: `body` is its text without the sign `ending`; `form` is `simple` when its quotes are in
    order and no comma stands inside them, `quoted` when they are in order, `loose` when quotes stand in the middle of
    cells and it has as many cells as a row, else NULL; `cells`, how many it then has; `code`, the rule that it breaks."""

    def has_form(cell: str) -> str:
        return f"regexp_full_match(body, {literal(f'{cell}(?:,{cell})*')})"

    connection.execute(f"""
        CREATE OR REPLACE TABLE {_LINES} AS
        SELECT * EXCLUDE (form), CASE WHEN form <> 'loose' OR cells >= {layout.width} THEN form END AS form,
            CASE WHEN form IS NULL OR (form = 'loose' AND cells < {layout.width}) THEN NULL
            WHEN contains(body, {literal(TOO_LONG)}) THEN 'R-FILE-11'
            WHEN contains(body, {literal(NO_TEXT)}) THEN 'R-FILE-10' WHEN cells > {layout.width} THEN 'R-FILE-08'
            WHEN cells < {layout.width} THEN 'R-FILE-07' END AS code
        FROM (
            SELECT *, CASE WHEN form = 'simple' THEN length(body) - length(replace(body, ',', '')) + 1
                WHEN form IS NOT NULL THEN len({_taken_apart("body")}) END AS cells
            FROM (
                SELECT line, rtrim(text, {literal(_SIGNS)}) AS body, text[length(body) + 1:] AS ending,
                    CASE WHEN NOT contains(body, '"') OR {has_form(_BARE)} THEN 'simple'
                        WHEN {has_form(_CELL)} THEN 'quoted' WHEN {has_form(_LOOSE)} THEN 'loose' END AS form
                FROM {_LINES}))
    """)


def _taken_apart(text: str) -> str:
    """The cells of a line as a list, with their quotes."""
    return f"""regexp_extract_all(',' || {text}, ',({_QUOTED}|[^",][^,]*|)', 1)"""


_BARRIERS = f"(SELECT line FROM {_LINES} WHERE body <> '' AND form IS NOT NULL AND code IS DISTINCT FROM 'R-FILE-07')"
"""Lines that are a row, or more than one: no row of several lines goes over them."""


def _give_up_hopeless(connection: DuckDBPyConnection) -> None:
    """A line that is not in order can only be the first of a row when the next line with a quote closes what it opens,
    and no row comes before that; otherwise it is bad at once."""
    closes = literal(r'[^"]*(""[^"]*)*"(,.*)?')
    connection.execute(f"""
        UPDATE {_LINES} SET code = 'R-FILE-09' WHERE form IS NULL AND line > 1 AND line NOT IN (
            SELECT odd.line FROM (SELECT line FROM {_LINES} WHERE form IS NULL) AS odd
            ASOF JOIN (SELECT line, body FROM {_LINES} WHERE contains(body, '"')) AS next ON odd.line < next.line
            ASOF LEFT JOIN {_BARRIERS} AS barrier ON odd.line < barrier.line
            WHERE regexp_full_match(next.body, {closes}) AND next.line < coalesce(barrier.line, {_NEVER}))
    """)


def _set_hard_lines_aside(connection: DuckDBPyConnection) -> None:
    """The table of lines that cannot be settled one by one: stretches from a line that may begin a row of several up to
    the next that is a row. `first` is the line in which the stretch begins."""
    connection.execute(f"""
        CREATE OR REPLACE TABLE {_HARD} AS
        WITH odd AS (SELECT line FROM {_LINES} WHERE form IS NULL AND code IS NULL AND line > 1),
        stretch AS (
            SELECT min(odd.line) AS first, coalesce(barrier.line, {_NEVER}) AS past
            FROM odd ASOF LEFT JOIN {_BARRIERS} AS barrier ON odd.line < barrier.line GROUP BY barrier.line)
        SELECT first, line, body, ending FROM {_LINES} ASOF JOIN stretch ON line >= first WHERE line < past
    """)
    connection.execute(f"DELETE FROM {_LINES} WHERE line IN (SELECT line FROM {_HARD})")


def _doubtful(doubted: int | None) -> str:
    return f"(form = 'loose' AND line > {doubted})" if doubted is not None else "false"


def _make_rows(connection: DuckDBPyConnection, layout: Layout, doubted: int | None) -> None:
    branches = [
        f"SELECT line, {_chosen(layout)} FROM (SELECT line, {taken} AS cell FROM {_LINES} "
        f"WHERE line > 1 AND {which} AND code IS NULL AND body <> '' AND NOT {_doubtful(doubted)})"
        for which, taken in (("form = 'simple'", "string_split(body, ',')"), ("form <> 'simple'", _taken_apart("body")))
    ]
    connection.execute(f"CREATE OR REPLACE TABLE {MENDED} AS {' UNION ALL '.join([*branches, f'FROM {_BY_HAND}'])}")


def _chosen(layout: Layout) -> str:
    """The kept cells of a list, without their quotes; of marked ones, that they hold something."""
    found = []
    for place in layout.kept:
        value = f"nullif({_unquoted(f'cell[{place + 1}]')}, '')"
        if place in layout.marked:
            value = f"CASE WHEN {sql_filled(value)} THEN {literal(MARK)} END"
        found.append(f"{value} AS {name(str(place))}")
    return ", ".join(found)


def _note_bad(connection: DuckDBPyConnection, layout: Layout, doubted: int | None) -> None:
    """The lines that are settled and no rows. Behind the line `doubted` any first cell may be a piece of another."""
    quoted = literal(r'^"((?:[^"]|"")*)"(?:,|$)')
    key = f"""nullif(CASE WHEN starts_with(body, '"') THEN replace(regexp_extract(body, {quoted}, 1), '""', '"')
        ELSE split_part(body, ',', 1) END, '')"""
    known = f"NOT contains(key, {literal(NO_TEXT)}) AND line <= {doubted or _NEVER} AND {layout.keyed}"
    connection.execute(f"""
        INSERT INTO {BAD} BY NAME
        SELECT line, coalesce(code, 'R-FILE-09') AS code, CASE WHEN {known} THEN key END AS key
        FROM (SELECT line, code, form, {key} AS key FROM {_LINES} WHERE line > 1 AND body <> '')
        WHERE code IS NOT NULL OR {_doubtful(doubted)}
    """)


def _keep_surplus(connection: DuckDBPyConnection, layout: Layout, doubted: int | None) -> None:
    taken = f"list_transform({_taken_apart('body')}, lambda each: {_unquoted('each')})"
    connection.execute(f"""
        CREATE OR REPLACE TABLE {SURPLUS} AS SELECT line, {taken} AS cell FROM {_LINES}
        WHERE line > 1 AND code = 'R-FILE-08' AND cells = {layout.width + 1}
            AND line <= {doubted or _NEVER}
    """)


def _unquoted(cell: str) -> str:
    return f"CASE WHEN starts_with({cell}, '\"') THEN replace(substr({cell}, 2, length({cell}) - 2), '\"\"', '\"') ELSE {cell} END"


# -- rows of several lines -----------------------------------------------------------------------------------------------------


def _prepare_hard(connection: DuckDBPyConnection, layout: Layout) -> None:
    typed = "".join(f", {name(str(place))} VARCHAR" for place in layout.kept)
    connection.execute(f"CREATE OR REPLACE TABLE {_BY_HAND} (line BIGINT{typed})")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_HARD} (first BIGINT, line BIGINT, body VARCHAR, ending VARCHAR)")


def _join_lines(connection: DuckDBPyConnection, layout: Layout) -> frozenset[str]:
    """Take the rows with which the stretches begin, as long as each is plainly one; the kinds of line end behind them.

    A row ends where its quotes are even in number. A further line that may be a row by itself, and be it only because it
    has as many commas, is left to be looked at by hand, and all that follows in the stretch.
    """
    ends = " ".join(f"WHEN {literal(sign)} THEN {literal(end)}" for sign, end in _ENDS.items())
    form = literal(f"{_CELL}(?:,{_CELL})*")
    odd_signs = " OR ".join(f"contains(text, {literal(sign)})" for sign in (NO_TEXT, TOO_LONG))
    connection.execute(f"""
        CREATE OR REPLACE TABLE {_JOINED} AS
        WITH counted AS (
            SELECT *, CASE lag(ending) OVER stretch {ends} END AS break,
                coalesce(sum(length(body) - length(replace(body, '"', ''))) OVER (
                    stretch ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) % 2 = 1 AS inside
            FROM {_HARD} WINDOW stretch AS (PARTITION BY first ORDER BY line)
        ), numbered AS (
            SELECT *, max(line) FILTER (NOT inside) OVER (PARTITION BY first ORDER BY line) AS begin FROM counted
        ), joined AS (
            SELECT first, begin AS line, string_agg(CASE WHEN inside THEN break ELSE '' END || body, '' ORDER BY line) AS text,
                arg_max(ending, line) AS ending,
                bool_or(inside AND length(body) - length(replace(body, ',', '')) + 1 >= {layout.width}) AS wide
            FROM numbered GROUP BY first, begin
        ), judged AS (
            SELECT *, NOT wide AND NOT ({odd_signs}) AND length(text) <= {MAX_LINE} AND (text = '' OR (
                regexp_full_match(text, {form}) AND len({_taken_apart("text")}) = {layout.width})) AS plain
            FROM joined
        )
        SELECT first, line, text, ending, bool_and(plain) OVER (PARTITION BY first ORDER BY line) AS taken FROM judged
    """)
    connection.execute(f"""
        DELETE FROM {_HARD} WHERE line < coalesce((
            SELECT min(row.line) FROM {_JOINED} AS row WHERE row.first = {_HARD}.first AND NOT taken), {_NEVER})
    """)
    connection.execute(f"""
        INSERT INTO {_BY_HAND} SELECT line, {_chosen(layout)}
        FROM (SELECT line, {_taken_apart("text")} AS cell FROM {_JOINED} WHERE taken AND text <> '')
    """)
    found = connection.execute(f"SELECT DISTINCT ending FROM {_JOINED} WHERE taken").fetchall()
    return frozenset(_ENDS[ending] for (ending,) in found)


# -- stretches that are gone through by hand ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Hand:
    """What the stretches held. Behind the line `doubted` a stray quote may be the end of a cell that began before."""

    bad: list[tuple[int, str, str | None]]
    line_ends: set[str]
    doubted: int | None


class _Lines:
    """The lines of a stretch. All lines of the row being read but the first can be given back."""

    def __init__(self, lines: Iterable[tuple[int, str]]) -> None:
        self._stream = iter(lines)
        self._again: deque[tuple[int, str]] = deque()
        self._taken: list[tuple[int, str]] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._stream)
        self._taken.append(line)
        return line[1]

    def begin(self) -> None:
        """A row begins."""
        self._taken = []

    @property
    def taken(self) -> list[str]:
        """The lines of the row."""
        return [text for _, text in self._taken]

    @property
    def first(self) -> int:
        """The number of its first line."""
        return self._taken[0][0]

    def give_back(self) -> None:
        """All but the first line of the row are read again."""
        self._again.extendleft(reversed(self._taken[1:]))
        self._taken = self._taken[:1]


def _go_by_hand(connection: DuckDBPyConnection, layout: Layout) -> _Hand:
    """Keep the rows of the hard stretches in a table, and note their bad lines."""
    found = connection.execute(f"SELECT min(line) FROM {_LINES} WHERE code = 'R-FILE-09'").fetchone()
    hand = _Hand([], set(), found[0] if found else None)
    columns = ["line", *map(str, layout.kept)]
    cursor = connection.cursor().execute(f"SELECT first, line, body, ending FROM {_HARD} ORDER BY line")
    rows: list[list[Any]] = []
    with long_cells():
        for _, stretch in itertools.groupby(_fetched(cursor), key=lambda each: each[0]):
            for row in _rows(((line, body + _ENDS[ending]) for _, line, body, ending in stretch), layout, hand):
                rows.append(row)
                if len(rows) == BATCH:
                    _add(connection, _BY_HAND, columns, rows)
                    rows = []
    _add(connection, _BY_HAND, columns, rows)
    _add(connection, BAD, ("line", "code", "key"), hand.bad)
    return hand


def _fetched(cursor: DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(BATCH):
        yield from rows


def _add(connection: DuckDBPyConnection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Append rows whose first column is a number and the others text."""
    if rows:
        texts = ", ".join(["unnest(?::VARCHAR[])"] * (len(columns) - 1))
        cells_ = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(f"INSERT INTO {table} ({names(columns)}) SELECT unnest(?::BIGINT[]), {texts}", cells_)


def _rows(stretch: Iterable[tuple[int, str]], layout: Layout, hand: _Hand) -> Iterator[list[Any]]:
    """The rows of a stretch: the number of the first line, then the kept cells."""
    lines = _Lines(stretch)
    while True:
        reader = csv.reader(lines, strict=True)
        lines.begin()
        try:
            row, code = next(reader), ""
        except StopIteration:
            return
        except csv.Error:
            row, code = [], "R-FILE-09"
        number, taken = lines.first, lines.taken
        doubted = hand.doubted is not None and number > hand.doubted
        code = code or _fault(taken, row, layout, doubted=doubted)
        if code:
            code = "R-FILE-11" if TOO_LONG in taken[0] else code
            hand.bad.append((number, code, _key(taken[0]) if layout.keyed and not doubted else None))
            lines.give_back()
            if _leaves_open(taken[0]):
                hand.doubted = min(number, hand.doubted or number)
        elif row:
            yield [number, *_kept(row, layout)]
        hand.line_ends.add(_end(lines.taken[-1]))


def _kept(row: Sequence[str], layout: Layout) -> Iterator[str | None]:
    for place in layout.kept:
        if place in layout.marked:
            yield MARK if trimmed(row[place]) else None
        else:
            yield row[place] or None


def _leaves_open(line: str) -> bool:
    """Whether the line, taken alone, ends inside of quotes."""
    try:
        next(csv.reader([line.rstrip(ENDS)], strict=True), None)
    except csv.Error:
        return True
    return False


def _end(line: str) -> str:
    return ENDS if line.endswith(ENDS) else line[-1:] if line[-1:] in {"\r", "\n"} else ""


def _fault(taken: Sequence[str], row: Sequence[str], layout: Layout, *, doubted: bool) -> str:
    """The code of the rule that a row breaks, or nothing. Cells beyond the last column break one even when they are
    blank: a comma that was not quoted may have shifted the row into them."""
    if any(NO_TEXT in line for line in taken):
        return "R-FILE-10"
    if any(TOO_LONG in line for line in taken):
        return "R-FILE-11"
    if len(taken) > 1 and any(len(cells(line)) >= layout.width for line in taken[1:]):
        return "R-FILE-09"
    if doubted and not _WELL_FORMED.fullmatch("".join(taken).rstrip(ENDS)):
        return "R-FILE-09"
    if len(row) > layout.width:
        return "R-FILE-08"
    return "R-FILE-07" if 0 < len(row) < layout.width else ""


def _key(line: str) -> str | None:
    found = _FIRST_CELL.match(line)
    if not found:
        return None
    key = found[1].replace('""', '"') if found[1] is not None else found[2]
    return key if key and NO_TEXT not in key else None
