"""What all formats that are read into OneRoster have in common."""

from __future__ import annotations

import re

import pytest
from desk import Desk, small

from syncrun.connectors.format import AUTO, NAMES, READ, REFUSED, named
from syncrun.connectors.oneroster_csv.setting import OneRosterCsvSettings
from syncrun.intake import kind
from syncrun.roster.entity import ENTITIES
from syncrun.roster.rule import Severity
from syncrun.rules.rule import RULES
from syncrun.run.reading import SetRefusedError
from syncrun.sdk import Drawn, Format

DRAWN = [(form, each) for form in READ for each in form.drawn]


def _id(pair: tuple[Format, Drawn]) -> str:
    return f"{pair[0].name}:{pair[1].entity}:{pair[1].file}"


@pytest.mark.parametrize("pair", DRAWN, ids=_id)
def test_what_no_sink_asks_for_is_not_staged_for_something_else(pair: tuple[Format, Drawn]) -> None:
    form, drawn = pair
    privacy = {
        column.name: column.privacy for each in form.kinds if each.entity == drawn.file for column in each.columns
    }
    for column, expression in drawn.columns.items():
        used = {word for word in re.findall(r"\w+", expression) if word in privacy}
        kind = ENTITIES[drawn.entity].cells()[column].privacy
        assert all(privacy[word] == kind or word.lower().endswith("id") for word in used), column


@pytest.mark.parametrize("pair", DRAWN, ids=_id)
def test_what_is_drawn_is_in_the_roster(pair: tuple[Format, Drawn]) -> None:
    form, drawn = pair
    assert set(drawn.columns) <= set(ENTITIES[drawn.entity].cells())
    assert drawn.file in {each.entity for each in form.kinds}
    assert "sourcedId" in drawn.columns


@pytest.mark.parametrize("form", [*READ, *REFUSED], ids=lambda each: each.name)
def test_every_file_of_a_format_is_known_for_itself_by_its_columns(form: Format) -> None:
    for each in form.kinds:
        found = kind.fitting(tuple(kind.cells(each)), form)
        assert found is not None, each.name
        assert found.columns == each.columns


def test_words_for_files_are_not_those_of_the_roster() -> None:
    words = [each.entity for form in (*READ, *REFUSED) for each in form.kinds if each.columns]
    assert len(set(words)) == len(words)
    assert not set(words) & set(ENTITIES)


def test_every_refusal_stops_the_set() -> None:
    assert {RULES[form.refusal].severity for form in (*READ, *REFUSED)} == {Severity.STOP}


def test_setting_knows_the_formats() -> None:
    load = OneRosterCsvSettings().load
    assert load({"path": "inbox"})["format"] == "auto"
    assert [load({"path": "x", "format": name})["format"] for name in NAMES] == list(NAMES)
    assert "format" in OneRosterCsvSettings().validate({"path": "x", "format": "canvas"})
    assert named("auto") is AUTO


@pytest.mark.parametrize("name", ["powerschool", "sds_v2.1", "clever"])
@pytest.mark.requirement("S2-2")
def test_files_of_another_format_than_the_one_named_are_refused(desk: Desk, name: str) -> None:
    desk.write(small())
    with pytest.raises(SetRefusedError, match="they are OneRoster CSV") as caught:
        desk.read(form=named(name))
    assert [each.code for each in caught.value.findings] == ["R-FORM-01"]
