"""What a source connector is, and what it hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file that is not OneRoster's. `privacy` is the kind of the canonical column that is drawn from it
    (`structure`, `name`, `contact`, `identifier`, `profile`, `demographic`); what no sink asks for is not staged."""

    name: str
    required: bool = False
    privacy: str = "structure"


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file in a format.

    `name` is the file's name as the format spells it, `entity` the canonical entity whose rows it holds. A file of
    kind `required` must be there in a bulk set. With `columns` the file has those instead of the entity's, `entity` is
    a word of the format's own, and rows come from it as the format's `drawn` say.
    """

    name: str
    entity: str
    required: bool = False
    columns: tuple[FileColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """Rows of a canonical entity that are drawn from one kind of file.

    `file` is the word (`FileKind.entity`) for the file whose rows they are, `columns` has for each column of the entity
    a DuckDB expression over the columns of that file, text or NULL, as a OneRoster file would have it. The other files
    of the format are relations under their words, `$year` is the calendar year in which the school year ends, `$today` the
    district's day (ISO 8601). Rows for which `where` is not true are passed over. A row for which `left` is true says itself that
    it does not hold any more: its record is taken for removed. `noted` are rows to be told of: by the code of the finding,
    which. `same`: each row is a record; or rows that are `alike` in every column are one; or of those with one `sourcedId`
    the `first` counts, by `order`, which may name drawn columns and `status`, NULL for what has not left. `of` is the column, if any, that names the record
    of the file that a row is a part of: all of its rows come together, so that when it comes among changes, those that do
    not come with it are gone.
    """

    entity: str
    file: str
    columns: Mapping[str, str]
    where: str = "true"
    of: str = ""
    same: Literal["each", "alike", "first"] = "each"
    order: str = "line"
    left: str = ""
    noted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """A family of files that `intake` can read: which files there are, what they hold, which belong together.

    `partial` names kinds that make a set of their own when they come alone: what is missing then is synthesised.
    `manifest` is the name of the file that says which files there are, or None. `drawn` says how files whose columns
    are not OneRoster's become canonical rows. Files that are plainly of another format are read as one of `others`, or
    refused by the name of one of `foreign`; `refusal` is the code of that refusal. `short` says that files of another
    format, with columns left out, look like this one's.
    """

    name: str
    title: str
    kinds: tuple[FileKind, ...]
    manifest: str | None = None
    partial: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    drawn: tuple[Drawn, ...] = ()
    others: tuple[Format, ...] = ()
    foreign: tuple[Format, ...] = ()
    refusal: str = "R-FORM-01"
    short: bool = False


@dataclass(frozen=True, slots=True)
class TextForm:
    """What a source declares of its files' text; what it leaves open is looked at file by file. `encoding` is a name that
    Python knows, `delimiter` what stands between cells; without `quotes`, a quote is a letter like others."""

    encoding: str | None = None
    delimiter: str | None = None
    quotes: bool = True


@dataclass(frozen=True, slots=True)
class FileSet:
    """Files that arrived together: loose ones, or one archive. `origin` says in words where they came from, `text` what
    is known of their text, `left` the names of what came with them and was left aside."""

    files: tuple[Path, ...]
    origin: str
    text: TextForm = TextForm()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a plug-in is given beside its settings. `folder` is where relative paths of the district file start;
    `owner` is this installation, to whom the rows in sinks belong. `kept`, for sinks, is a folder of the sink's own below
    the home folder, for what it must remember; it may have to be made, with mode 0700."""

    district: str
    folder: Path
    owner: str
    kept: Path | None = None


class FileSource(Protocol):
    """A source that brings files; the reading is done by `intake` with the source's `format`."""

    format: Format

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        """Keep the settings; open nothing."""

    def check(self) -> None:
        """Look, read-only, whether files could be fetched; raise a typed error when not."""

    def fetch(self, into: Path) -> FileSet:
        """Bring the files. Remote ones go into the folder `into`; local ones may stay where they are."""


class WatchedSource(FileSource, Protocol):
    """A source with `Cap.WATCH`: it can say that other files came, without reading them."""

    def arrived(self) -> str | None:
        """What stands for the files that are there now: another text as soon as one of them changed, None when there is
        none. Opens no connection, needs no secret, and comes back at once."""
