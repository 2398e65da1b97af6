"""Names from outside: only plain ones are used."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncrun.connectors.sftp.name import decoded, fits, plain, same, shown, unfinished


@pytest.mark.parametrize(
    "name", ["users.csv", "Users 2026-11-22 (1).CSV", "größe.csv", "a.tar.gz", "_x", "consent.csv"]
)
def test_plain_names_are_plain(name: str) -> None:
    assert plain(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../users.csv", "/etc/passwd", "a/b", "a\\b", "..\\b", "C:", "C:users.csv", "a\0b", "a\nb", "a\rb", "a\x1b[31m",
     "CON", "con.csv", "Aux.txt", "LPT1.csv", "com¹.csv", "nul .csv", " a", "a ", "a.", "x" * 201, "é" * 101, "a*b", "\u202eb",
     decoded(b"\xff.csv")],
)  # fmt: skip
def test_others_are_not(name: str) -> None:
    assert not plain(name)


@given(st.one_of(st.text(), st.binary()))
def test_plain_name_never_leaves_its_folder(name: str | bytes) -> None:
    text = decoded(name)
    if plain(text):
        assert (Path("/into") / text).parent == Path("/into")
        assert (Path("/into") / text).name == text
    assert shown(text).isprintable()


@pytest.mark.parametrize(
    "name", ["users.csv.filepart", "users.csv.PART", "a.tmp", "users.csv~", "~$users.csv", ".users.csv"]
)
def test_unfinished_names(name: str) -> None:
    assert unfinished(name)
    assert not unfinished("users.csv")


def test_patterns_know_no_capitals_and_names_alike_are_one() -> None:
    assert fits("USERS.CSV", ["*.csv"])
    assert not fits("users.csv.done", ["*.csv"])
    assert same("Größe.csv") == same("GRO\u0308SSE.csv")
