"""The whole look at a package: its archive, each file against its schema, and the files with one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from syncrun.connectors.powerschool.lint import manifest
from syncrun.connectors.powerschool.lint.document import Document, against_schema, local, opened
from syncrun.connectors.powerschool.lint.package import MAX_BYTES, files
from syncrun.connectors.powerschool.lint.queries import Queries
from syncrun.connectors.powerschool.lint.rule import Remark
from syncrun.connectors.powerschool.query import Field
from syncrun.errors import InputError

_SCHEMAS = {"queries_root": "named_queries", "permissions_root": "permission_mappings"}
_QUERY = "/ws/schema/query/"


def lint(path: Path) -> list[Remark]:
    """Everything that is to be said of a package, a ZIP archive or a bare `plugin.xml`, in the order of its files.

    Raises `InputError` when the file cannot be read at all.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.", safe="Nothing was written.",
                         next_step="Name the package that is to be looked at.") from None  # fmt: skip
    if len(content) > MAX_BYTES:
        return [Remark("L-PS-01", path.name, words=f"it is larger than {MAX_BYTES >> 20} MB")]
    return lint_bytes(content, path.name)


def lint_bytes(content: bytes, name: str) -> list[Remark]:
    """The same of a package that is in memory."""
    found, remarks = files(content, name)
    documents: dict[str, Document] = {}
    for file, each in sorted(found.items(), key=lambda pair: (pair[0] != manifest.FILE, pair[0])):
        if file.startswith(("web_root/", "user_schema_root/")):
            continue
        document, faults = opened(each, file)
        remarks += faults
        if document is not None:
            documents[file] = document
            schema = _SCHEMAS.get(file.partition("/")[0], "plugin")
            remarks += against_schema(document, file, schema)
    return [*remarks, *_within(documents)]


def _within(documents: Mapping[str, Document]) -> Iterator[Remark]:
    """Remarks on what the files say, and on whether they agree."""
    requested: Mapping[Field, int] | None = None
    if manifest.FILE in documents:
        yield from manifest.look(documents[manifest.FILE])
        requested = manifest.requested(documents[manifest.FILE])
    names: list[str] = []
    fields: set[Field] = set()
    for file, document in documents.items():
        if file.startswith("queries_root/"):
            queries = Queries(document, file, requested)
            yield from queries.look()
            yield from (Remark("L-PS-32", file, words=name) for n, name in enumerate(queries.names)
                        if name in {*names, *queries.names[:n]})  # fmt: skip
            names += queries.names
            fields |= queries.fields
    if names:
        yield from (Remark("L-PS-54", manifest.FILE, line, str(field))
                    for field, line in sorted((requested or {}).items()) if field not in fields)  # fmt: skip
    for file, document in documents.items():
        if file.startswith("permissions_root/"):
            yield from _unknown(document, file, names)


def _unknown(document: Document, file: str, names: list[str]) -> Iterator[Remark]:
    for each in document.root.iter():
        name = (each.text or "").strip()
        if local(each.tag) == "implies" and name.startswith(_QUERY) and name.removeprefix(_QUERY) not in names:
            yield Remark("L-PS-55", file, document.line(each), name.removeprefix(_QUERY))
