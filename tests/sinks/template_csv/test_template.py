"""Files in a receiver's own form: what stands in them, how they are written, and which settings are refused."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from exporter import Exporter, rich, unpacked

from syncrun.config.district import load
from syncrun.errors import ConfigError
from syncrun.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

STUDENTS = """
[[sinks.files]]
name = "students.csv"
rows = "users"
where = { role = "student" }
[sinks.files.columns]
"Student ID" = "{identifier}"
Name = "{familyName}, {givenName}"
School = "{school.name} ({school.identifier})"
Status = "Active"
Grade = { value = "{grades}", words = { "03" = "3rd", "04" = "4th" }, otherwise = "?" }
Role = { value = "{role}", words = { student = "S" } }
"Braces {{}}" = "{{{sourcedId}}}"
"""
CLASSES = """
[[sinks.files]]
name = "classes.csv"
rows = "enrollments"
where = { role = ["teacher"], "class.course.courseCode" = "0012" }
[sinks.files.columns]
Class = "{class.title}"
Course = "{class.course.title}"
Teacher = "{user.givenName} {user.familyName}"
From = "{beginDate:%m/%d/%Y}"
Lead = { value = "{primary}", words = { "true" = "Y" }, otherwise = "N" }
"""


class Template(Exporter):
    sink = "template_csv"


@pytest.fixture
def template(tmp_path: Path, home: Path) -> Template:
    found = Template(tmp_path)
    found.files = rich()
    return found


def read(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_files_have_the_columns_words_and_rows_that_are_asked_for(template: Template) -> None:
    template.configure(sink=STUDENTS + CLASSES)
    template.first()
    assert template.published() == ["classes.csv", "students.csv"]
    students = read((template.outbox / "students.csv").read_text("utf-8"))
    assert len(students) == 198
    assert students[0] == {
        "Student ID": "S1000", "Name": 'O\'Neil, "Jr", =HYPERLINK("x")', "School": "Birch Elementary (S001)",
        "Status": "Active", "Grade": "?", "Role": "S", "Braces {{}}": "{s1000}",
    }  # fmt: skip
    assert {row["Grade"] for row in students} == {"?", "3rd", "4th"}
    rooms = read((template.outbox / "classes.csv").read_text("utf-8"))
    assert len(rooms) == 6
    assert {(row["Course"], row["From"], row["Lead"]) for row in rooms} == {("Mathematics", "08/17/2026", "Y")}
    assert {row["Class"] for row in rooms} >= {"Mathematics 2A", "Mathematics 3B"}


def test_forms_of_text(template: Template) -> None:
    form = """delimiter = ";"
always_quoted = true
line_end = "lf"
encoding = "windows-1252"
header = false
spreadsheet = true
[sinks.files.columns]
"""
    sink = f'[[sinks.files]]\nname = "p.txt"\nrows = "users"\n{form}Name = "{{givenName}}"\nMore = "{{middleName}}"'
    template.configure(sink=sink)
    template.edit("users", "s1001", givenName="-5+3", middleName="Nguyễn é")
    template.first()
    lines = (template.outbox / "p.txt").read_bytes().split(b"\n")
    assert b'"\'=HYPERLINK(""x"")";"Zo\xeb ?ucja"' in lines
    assert b'"\'-5+3";"Nguy?n \xe9"' in lines
    assert len(lines) == len(template.files["users"]) + 1
    assert not any(line.endswith(b"\r") for line in lines)


def test_archive_has_all_files_also_without_rows(template: Template) -> None:
    none = '[[sinks.files]]\nname = "none.csv"\nrows = "users"\nwhere = { role = "proctor" }\ncolumns = { Id = "{sourcedId}" }\n'
    template.configure(sink='archive = "{district}-{date}.zip"\n' + none + STUDENTS)
    template.first()
    assert template.published() == ["riverside-2026-11-20.zip"]
    found = unpacked(template.newest().read_bytes())
    assert (found["none"], len(found["students"])) == ([], 198)


def test_only_what_a_file_uses_is_staged(template: Template) -> None:
    template.configure(sink=CLASSES)
    registry = Registry()
    (sink,) = template.session(registry=registry).sinks().values()
    asked = {
        table.name: {column.name for column in table.columns if column.privacy != "structure"} for table in sink.tables
    }
    assert {table: columns for table, columns in asked.items() if columns} == {"users": {"givenName", "familyName"}}


def test_what_changes_later_is_published_in_its_place(template: Template) -> None:
    template.configure(sink=STUDENTS + CLASSES)
    template.first()
    before = (template.outbox / "classes.csv").read_bytes()
    template.edit("users", "s1001", familyName="Another")
    template.night()
    assert template.published() == ["classes.csv", "students.csv"]
    assert "Another" in (template.outbox / "students.csv").read_text("utf-8")
    assert (template.outbox / "classes.csv").read_bytes() == before
    template.configure(sink=CLASSES)
    template.night()
    assert template.published() == ["classes.csv", "students.csv"]  # without `keep`, nothing goes


@pytest.mark.parametrize(("old", "new", "path", "words"), [
    ("{familyName}", "{famlyName}", "columns.Name", "users has no column famlyName; it has "),
    ("{school.name}", "{email.name}", "columns.School", "email of users names no other row; these do: school, primaryOrg"),
    ("{identifier}", "{identifier:%m}", "columns.Student ID", "only dates have a form"),
    ("{identifier}", "{identifier", "columns.Student ID", "a brace lacks its other half"),
    ("{identifier}", "{identifier!r}", "columns.Student ID", "is no column"),
    ("{identifier}", "{0}", "columns.Student ID", "is no column"),
    ('{ role = "student" }', "{ role = 1 }", "where.role", "must be a text or a list of texts"),
    ('{ role = "student" }', '{ rol = "x" }', "where.rol", "users has no column rol"),
    ('rows = "users"', 'rows = "pupils"', "rows", "must be one of"),
    ('name = "students.csv"', 'name = "../students.csv"', "name", "without a folder"),
])  # fmt: skip
def test_templates_that_cannot_be_understood_are_refused_with_their_place(
    template: Template, old: str, new: str, path: str, words: str
) -> None:
    template.configure(sink=STUDENTS.replace(old, new))
    with pytest.raises(ConfigError) as raised:
        load(str(template.toml), Registry())
    (problem,) = raised.value.problems
    assert problem.path == f"sinks[0].files[0].{path}"
    assert words in problem.message


def test_two_files_of_one_name_are_refused(template: Template) -> None:
    template.configure(sink=STUDENTS + STUDENTS)
    with pytest.raises(ConfigError, match="1 problem"):
        load(str(template.toml), Registry())


def test_text_of_a_template_never_becomes_sql(template: Template) -> None:
    template.configure(
        sink="""
[[sinks.files]]
name = "x.csv"
rows = "orgs"
where = { name = "x' OR '1'='1" }
[sinks.files.columns]
"a'b" = "'); DROP TABLE orgs; --{name}"
"""
    )
    template.first()
    assert (template.outbox / "x.csv").read_text("utf-8").strip() == "a'b"
