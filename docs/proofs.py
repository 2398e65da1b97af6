"""Finding the tests that prove a requirement: those that carry `@pytest.mark.requirement("S2-10")`, themselves, by their
class or by their module. The files are read, not imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path


class MarkError(Exception):
    """A mark in a test names a requirement that there is not, or none that can be read."""


def proved(tests: Path, known: set[str]) -> dict[str, list[str]]:
    """By requirement the tests that carry its mark, as `tests/path.py::name`."""
    found: dict[str, list[str]] = {}
    for path in sorted(tests.rglob("*.py")):
        shown = f"{tests.name}/{path.relative_to(tests).as_posix()}"
        tree = ast.parse(path.read_text(encoding="utf-8"), shown)
        for each in _marks([tree], shown):
            if each not in known:
                raise MarkError(f"{shown} names the requirement {each}, which is not in docs/requirements.toml")
        for name, ids in _tests(tree, shown, ()):
            for each in sorted(set(ids)):
                found.setdefault(each, []).append(f"{shown}::{name}")
    return found


def _tests(scope: ast.Module | ast.ClassDef, shown: str, outer: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The tests of a module or a class with the requirements that they, their class and their module name."""
    assigned = [each.value for each in scope.body if isinstance(each, ast.Assign) and _is_pytestmark(each)]
    here = [*outer, *_marks(assigned, shown)]
    for each in scope.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test"):
            yield each.name, [*here, *_marks(each.decorator_list, shown)]
        if isinstance(each, ast.ClassDef) and each.name.startswith("Test"):
            for name, ids in _tests(each, shown, [*here, *_marks(each.decorator_list, shown)]):
                yield f"{each.name}::{name}", ids


def _is_pytestmark(statement: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in statement.targets)


def _marks(nodes: Iterable[ast.AST], shown: str) -> Iterator[str]:
    """The ids in every `pytest.mark.requirement(...)` below the nodes."""
    for node in (inner for each in nodes for inner in ast.walk(each)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.requirement":
            for argument in node.args:
                if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                    raise MarkError(f"{shown}:{node.lineno} names a requirement that is not a plain text")
                yield argument.value
