"""What `plugin.xml` asks for, beyond its schema."""

from __future__ import annotations

from collections.abc import Iterator

from syncrun.connectors.powerschool.lint.document import Document, local
from syncrun.connectors.powerschool.lint.rule import Remark
from syncrun.connectors.powerschool.query import Field

FILE = "plugin.xml"


def look(document: Document) -> Iterator[Remark]:
    """Remarks on the manifest."""
    root = document.root
    if root.get("version") is None:
        yield Remark("L-PS-12", FILE, document.line(root))
    seen: set[Field] = set()
    for each in root.iter():
        line = document.line(each)
        if local(each.tag) == "oauth":
            if each.get("accessLevelV1Api") is None:
                yield Remark("L-PS-20", FILE, line)
            if each.get("accessLevelV1Api") == "FULL":
                yield Remark("L-PS-22", FILE, line)
        if local(each.tag) == "field":
            field = Field(each.get("table", "").upper(), each.get("field", "").upper())
            if each.get("access") == "FullAccess":
                yield Remark("L-PS-24", FILE, line, str(field))
            if field in seen:
                yield Remark("L-PS-25", FILE, line, str(field))
            seen.add(field)


def requested(document: Document) -> dict[Field, int] | None:
    """The fields that the plug-in asks for, each with its line; None when it asks for no credentials, and so for no
    fields: queries are then run by the data export alone, which looks at neither."""
    tags = {local(each.tag) for each in document.root}
    if not tags & {"oauth", "access_request"}:
        return None
    return {Field(each.get("table", "").upper(), each.get("field", "").upper()): document.line(each)
            for each in document.root.iter() if local(each.tag) == "field"}  # fmt: skip
