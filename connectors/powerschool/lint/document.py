"""XML, read without trust and with the line of each element, and held to our schemas."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from importlib import resources
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from syncrun.connectors.powerschool.extra import XMLSchemaChildrenValidationError, xmlschema
from syncrun.connectors.powerschool.lint.rule import Remark

_CODES = {
    ("plugin", "name"): "L-PS-10", ("plugin", "version"): "L-PS-11", ("plugin", "description"): "L-PS-13",
    ("plugin", "<publisher>"): "L-PS-14", ("publisher", "name"): "L-PS-14", ("publisher", "<contact>"): "L-PS-14",
    ("contact", "email"): "L-PS-15", ("contact", "phone"): "L-PS-16", ("oauth", "accessLevelV1Api"): "L-PS-21",
    ("field", "table"): "L-PS-23", ("field", "field"): "L-PS-23", ("field", "access"): "L-PS-23",
    ("registration", "url"): "L-PS-26", ("link", "display-text"): "L-PS-27", ("ui_context", "id"): "L-PS-27",
    ("query", "name"): "L-PS-30", ("summary", ""): "L-PS-49",
}  # fmt: skip
"""By element and attribute or missing child, the rule that is broken when it is not as the schema says."""


class ForbiddenError(Exception):
    """A document that has a type or entities of its own."""


class Document:
    """An XML file: its root, and the line at which each element begins.

    Raises `expat.ExpatError` for what is no XML, and `ForbiddenError` for a document type, with which a few lines may
    unfold to gigabytes or name files of this machine.
    """

    def __init__(self, content: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator="}")
        builder = TreeBuilder()
        self._lines: dict[int, int] = {}

        def start(name: str, attributes: dict[str, str]) -> None:
            element = builder.start(_tag(name), {_tag(key): value for key, value in attributes.items()})
            self._lines[id(element)] = parser.CurrentLineNumber

        def forbid(*_: object) -> None:
            raise ForbiddenError

        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = lambda name: builder.end(_tag(name))
        parser.CharacterDataHandler = builder.data
        parser.StartDoctypeDeclHandler = forbid
        parser.Parse(content, True)  # noqa: FBT003 # the whole of it
        self.root: Element = builder.close()

    def line(self, element: Element) -> int:
        """Where an element begins."""
        return self._lines.get(id(element), 0)


def _tag(name: str) -> str:
    return "{" + name if "}" in name else name


def local(tag: str) -> str:
    """The name of an element without its namespace."""
    return tag.rpartition("}")[2]


def opened(content: bytes, file: str) -> tuple[Document | None, list[Remark]]:
    """The document in a file, or why there is none."""
    try:
        return Document(content), []
    except ForbiddenError:
        return None, [Remark("L-PS-06", file)]
    except expat.ExpatError as error:
        return None, [Remark("L-PS-05", file, error.lineno, expat.ErrorString(error.code) or "")]
    except (ValueError, LookupError):  # a character set that is not known
        return None, [Remark("L-PS-05", file, 1, "its character set is not known")]


@functools.cache
def _schema(name: str) -> xmlschema.XMLSchema10:
    text = (resources.files("syncrun.connectors.powerschool.lint") / "schema" / f"{name}.xsd").read_text(
        encoding="utf-8"
    )
    return xmlschema.XMLSchema10(text, allow="none", defuse="always")


def against_schema(document: Document, file: str, name: str) -> Iterator[Remark]:
    """What in a document is not as a schema says. Values are not repeated: only names and sizes."""
    for error in _schema(name).iter_errors(document.root):
        element = error.elem if isinstance(error.elem, Element) else document.root
        here = local(element.tag)
        reason = re.sub(r"\{[^}]*\}", "", error.reason or "")
        part = _part(error, reason)
        words = re.sub(r"='.*?': ", ": ", reason, flags=re.DOTALL) if "attribute" in reason else reason
        if not part and not isinstance(error, XMLSchemaChildrenValidationError) and "attribute" not in reason:
            words = "its text is not of the form that it must have"
        yield Remark(_CODES.get((here, part), "L-PS-07"), file, document.line(element), f"<{here}>: {words}")


def _part(error: xmlschema.XMLSchemaValidationError, reason: str) -> str:
    """The attribute that a reason is about, or the child that is missing, '' for the element itself."""
    if isinstance(error, XMLSchemaChildrenValidationError):
        missing = re.search(r"not complete.*Tag '(\w+)' expected", reason)
        return f"<{missing[1]}>" if missing else ""
    found = re.match(r"attribute ([\w-]+)=", reason) or re.match(r"missing required attribute '([\w-]+)'", reason)
    return found[1] if found else ""
