"""Quoting for the few places where SQL text is put together: names, literals and lists of them."""

from __future__ import annotations

from collections.abc import Iterable


def name(identifier: str) -> str:
    """An identifier in double quotes: `name('a"b')` gives `"a""b"`."""
    return '"' + identifier.replace('"', '""') + '"'


def names(identifiers: Iterable[str], prefix: str = "") -> str:
    """Several identifiers with commas between; `prefix` is an alias to put before each, like `n`."""
    dot = f"{prefix}." if prefix else ""
    return ", ".join(dot + name(each) for each in identifiers)


def literal(text: str) -> str:
    """A text in single quotes: `literal("O'Brien")` gives `'O''Brien'`."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """Several texts with commas between."""
    return ", ".join(literal(each) for each in texts)
