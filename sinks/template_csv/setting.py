"""The templated export's own settings in a district file: files, and for each its columns."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates, validates_schema

from syncrun.sdk.file.setting import FileSettings, plain_name
from syncrun.sinks.oneroster_csv.table import PARENTS
from syncrun.sinks.template_csv.expression import ExpressionError, parts, steps


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


def _known(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise ValidationError("Must be a character set that Python knows, like utf-8 or windows-1252.") from None


class ColumnSettings(Schema):
    """A column whose words are other ones at the receiver."""

    value = fields.String(
        required=True, metadata=_doc("what stands in the cell, as a column that is a plain text has it")
    )
    words = fields.Dict(
        keys=fields.String(), values=fields.String(), load_default=dict,
        metadata=_doc("what is written in place of what, as in { student = 'S' }"),
    )  # fmt: skip
    otherwise = fields.String(metadata=_doc("what is written in place of anything else; without it, it stays"))


class _Column(fields.Field[Any]):
    """A text, or a table of `ColumnSettings`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        found: Any = ColumnSettings().load({"value": value} if isinstance(value, str) else value)
        return found


class TemplateFileSettings(Schema):
    """One file."""

    name = fields.String(
        required=True, validate=plain_name,
        metadata=_doc("its name, with {district}, {date}, {time} or {run}; within an archive, most often a plain one"),
    )  # fmt: skip
    rows = fields.String(
        required=True, validate=validate.OneOf(list(PARENTS)), metadata=_doc("the table whose rows it has")
    )
    columns = fields.Dict(
        keys=fields.String(), values=_Column(), required=True, validate=validate.Length(min=1),
        metadata=_doc("by header, what stands in the cells"),
    )  # fmt: skip
    where = fields.Dict(
        keys=fields.String(), values=fields.Raw(), load_default=dict,
        metadata=_doc("by column, the text or the list of texts that rows must have, as in { role = 'student' }"),
    )  # fmt: skip
    header = fields.Boolean(load_default=True, metadata=_doc("whether the first line has the headers"))
    delimiter = fields.String(
        load_default=",", validate=validate.OneOf([",", "\t", ";", "|"]), metadata=_doc("what stands between cells")
    )
    always_quoted = fields.Boolean(load_default=False, metadata=_doc("whether every cell is in quotes"))
    line_end = fields.String(
        load_default="crlf", validate=validate.OneOf(["crlf", "lf"]), metadata=_doc("how lines end")
    )
    encoding = fields.String(
        load_default="utf-8", validate=_known,
        metadata=_doc("the character set; utf-8-sig is UTF-8 with a mark. A letter that it has not becomes a question mark"),
    )  # fmt: skip
    spreadsheet = fields.Boolean(
        load_default=False,
        metadata=_doc("whether people open it in a spreadsheet: an apostrophe goes before what looks like a formula"),
    )

    @validates_schema
    def _understood(self, data: Mapping[str, Any], **kwargs: object) -> None:
        table = data["rows"]
        wrong: dict[str, dict[str, list[str]]] = {}
        for header, column in data["columns"].items():
            try:
                for part in parts(column["value"]):
                    held = list(steps(table, part.path))[-1][1] if part.path else None
                    if part.form and (held is None or held.kind != "date"):
                        raise ExpressionError("only dates have a form behind a colon")
            except ExpressionError as error:
                wrong.setdefault("columns", {})[header] = [str(error)]
        for path, words in data["where"].items():
            try:
                list(steps(table, tuple(path.split("."))))
                if not isinstance(words, str) and not (
                    isinstance(words, list) and all(isinstance(w, str) for w in words)
                ):
                    raise ExpressionError("must be a text or a list of texts")
            except ExpressionError as error:
                wrong.setdefault("where", {})[path] = [str(error)]
        if wrong:
            raise ValidationError(wrong)


class TemplateSettings(FileSettings):
    """Which files, and where they go."""

    files = fields.Nested(
        TemplateFileSettings, many=True, required=True, validate=validate.Length(min=1), metadata=_doc("the files")
    )
    archive = fields.String(
        validate=plain_name,
        metadata=_doc("the name of a zip archive for all files, with {district}, {date}, {time} or {run}; without it, they "
                      "are published one by one"),
    )  # fmt: skip

    @validates("files")
    def _names_differ(self, value: list[Mapping[str, Any]], **kwargs: object) -> None:
        names = [each.get("name") for each in value]
        if len(set(names)) < len(names):
            raise ValidationError("two files have the same name")
