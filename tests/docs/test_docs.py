"""The docs say what the code does: generated pages are fresh, every block loads, compiles or runs.

A page is carried out in a folder of its own, block after block as a reader would: a block with a caption becomes a file
of that name, lines after `$ ` are given to a shell, and a Python block that stands for itself is executed. A line of
the shell ends as its `# exit N` says, without one with 0, and the output that the page shows must be in what came. One
that ends in `&` is a server, which is there until `kill %1` or the end of the page; its port is replaced by a free one.
"""

from __future__ import annotations

import configparser
import importlib
import inspect
import os
import pkgutil
import re
import shlex
import socket
import string
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Self

import pytest

import syncrun
from syncrun import errors, hookspecs
from syncrun.config.schema import DistrictSchema
from syncrun.sdk import rest
from syncrun.testing.postgres import PostgresServer

DOCS = Path(__file__).parents[2] / "docs"
README = DOCS.parent / "README.md"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
FENCE = re.compile(
    r"^ *(?P<fence>`{3,})(?:\{code-block\} )?(?P<kind>[a-z]+)\n(?::caption: (?P<caption>\S+)\n+)?(?P<text>.*?)^ *(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
EXAMPLE_HOST = "@db.example.org/"
"""Databases there are made on a server of the tests."""
EXAMPLE_PORT = "8123"
"""The port of a server that a page starts."""
PROGRAMS = {"cd", "chmod", "cp", "export", "kill", "ls", "mkdir", "printf", "python", "rm", "sed", "sh", "syncrun"}
"""What the shell lines of the docs may call; what else a page needs stands in a `text` block."""


@dataclass(frozen=True)
class Block:
    page: str
    kind: str
    caption: str | None
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    return blocks_of(page.read_text(encoding="utf-8"), page.relative_to(DOCS).as_posix())


def blocks_of(text: str, name: str) -> list[Block]:
    return [
        Block(name, found["kind"], found["caption"], textwrap.dedent(found["text"]),
              text.count("\n", 0, found.start()) + 1)
        for found in FENCE.finditer(text)
    ]  # fmt: skip


BLOCKS = [block for page in PAGES for block in blocks(page)]


def of_kind(kind: str) -> list[Block]:
    return [block for block in BLOCKS if block.kind == kind]


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("generate")


# -- what is generated -----------------------------------------------------------------------------------------------


def test_generated_pages_are_as_the_code_says(generate, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert generate.stale() == []


def test_a_page_that_was_edited_by_hand_is_stale(generate, tmp_path):
    for name, make in generate.PAGES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(make(), encoding="utf-8")
    assert generate.stale(tmp_path) == []
    (tmp_path / "reference/cli.md").write_text("other", encoding="utf-8")
    (tmp_path / "requirements.md").unlink()
    assert generate.stale(tmp_path) == ["requirements.md", "reference/cli.md"]


def test_the_check_names_what_is_stale_and_fails(generate, monkeypatch, capsys):
    monkeypatch.setattr(generate, "stale", lambda: ["reference/cli.md"])
    assert generate.main(["--check"]) == 1
    assert "docs/reference/cli.md" in capsys.readouterr().err
    monkeypatch.setattr(generate, "stale", list)
    assert generate.main(["--check"]) == 0


MARKED = """
import pytest
pytestmark = pytest.mark.requirement("S0-1")

@pytest.mark.requirement("S0-2", "S0-3")
class TestThem:
    @pytest.mark.requirement("S0-4")
    def test_one(self): ...

@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.requirement("S0-5"))])
def test_two(x): ...
"""


def test_marks_are_found_on_tests_classes_modules_and_cases(generate, tmp_path):
    (tmp_path / "test_it.py").write_text(MARKED, encoding="utf-8")
    one, two = f"{tmp_path.name}/test_it.py::TestThem::test_one", f"{tmp_path.name}/test_it.py::test_two"
    assert generate.proved(tmp_path, {f"S0-{n}" for n in range(1, 6)}) == {
        "S0-1": [one, two], "S0-2": [one], "S0-3": [one], "S0-4": [one], "S0-5": [two],
    }  # fmt: skip


@pytest.mark.parametrize("mark", ['"S9-1"', "NAME", "5"])
def test_a_mark_that_names_no_requirement_fails(generate, tmp_path, mark):
    (tmp_path / "test_it.py").write_text(f"@pytest.mark.requirement({mark})\ndef helper(): ...\n", encoding="utf-8")
    with pytest.raises(generate.MarkError, match=r"test_it\.py"):
        generate.requirements(tmp_path)


def test_every_requirement_has_an_id_of_its_own_a_status_and_one_sentence():
    documents = tomllib.loads((DOCS / "requirements.toml").read_text(encoding="utf-8"))
    ids = []
    for name, document in documents.items():
        assert document["title"]
        assert document["about"].endswith(".")
        for number, each in enumerate(document["requirements"], 1):
            assert each["id"] == f"{name}-{number}"
            assert each["status"] in ({"beyond"} if name == "SX" else {"stated", "implied", "gap"})
            assert each["text"].endswith(".")
            assert ". " not in each["text"]
            ids.append(each["id"])
    assert len(ids) == len(set(ids))
    assert [*documents] == ["S0", "S1", "S2", "S3", "S4", "SX"]


@pytest.mark.parametrize("name", [name for name in vars(hookspecs) if name.startswith("syncrun_")])
def test_every_hook_is_documented_with_its_signature_and_its_words(name):
    function = getattr(hookspecs, name)
    head = inspect.getsource(function).partition("def ")[2].partition(":  #")[0].partition(":\n")[0]
    page = (DOCS / "reference/hooks.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert f"```python\ndef {' '.join(head.split())}: ...\n```" in section
    assert inspect.cleandoc(function.__doc__) in section


def test_every_error_of_the_package_is_documented():
    for module in pkgutil.walk_packages(syncrun.__path__, "syncrun."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(cls: type[errors.SyncError]) -> Iterator[type[errors.SyncError]]:
        yield cls
        for child in cls.__subclasses__():
            yield from below(child)

    page = (DOCS / "reference/errors.md").read_text(encoding="utf-8")
    found = {each for each in below(errors.SyncError) if each.__module__.startswith("syncrun.")}
    assert errors.AuthError in found
    assert [each.__name__ for each in found if f"## {each.code}: {each.__name__}\n" not in page] == []


def test_every_name_for_rest_services_is_documented():
    page = (DOCS / "reference/rest.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (\w+)$", page, re.MULTILINE)) == set(rest.__all__)


def test_every_dependency_has_its_reason():
    setup = configparser.ConfigParser()
    setup.read(DOCS.parent / "setup.cfg", encoding="utf-8")
    wanted = setup["options"]["install_requires"] + "".join(setup["options.extras_require"].values())
    names = {re.split(r"[\[<>=]", line)[0] for line in wanted.split()}
    page = (DOCS / "dependencies.md").read_text(encoding="utf-8")
    assert "duckdb" in names
    assert {name for name in names if f"| `{name}` |" not in page} == set()
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE)) == names


# -- blocks ----------------------------------------------------------------------------------------------------------


def test_the_blocks_were_found():
    fences = sum(len(re.findall(r"^ *```+[{a-z]", page.read_text(encoding="utf-8"), re.MULTILINE)) for page in PAGES)
    included = sum(page.read_text(encoding="utf-8").count("```{literalinclude}") for page in PAGES)
    trees = sum(page.read_text(encoding="utf-8").count("```{toctree}") for page in PAGES)
    assert len(BLOCKS) == fences - included - trees
    assert {block.kind for block in BLOCKS} <= {"python", "toml", "console", "text", "sh", "ini", "json"}


@pytest.mark.parametrize("block", of_kind("toml"), ids=str)
def test_toml_loads_and_districts_pass_the_schema(block):
    found = tomllib.loads(block.text)
    if "district" in found:
        assert DistrictSchema().validate(found) == {}


@pytest.mark.parametrize("block", of_kind("python"), ids=str)
def test_python_compiles_and_what_is_complete_runs(block):
    program = compile(block.text, str(block), "exec")
    if block.caption is None and "from syncrun" in block.text:
        exec(program, {"__name__": "example"})


# -- pages -----------------------------------------------------------------------------------------------------------


@dataclass
class Reader:
    """Does what a page says, in a folder of its own."""

    folder: Path
    environment: dict[str, str]
    database: Callable[[str], str]
    servers: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        programs = self.folder.parent / "bin"
        programs.mkdir()
        for name, words in (("syncrun", "-m syncrun "), ("python", "")):
            (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words}"$@"\n')
            (programs / name).chmod(0o755)
        self.environment["PATH"] = f"{programs}:/usr/bin:/bin"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = str(probe.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        while self.servers:
            self._end_server()

    def read(self, block: Block) -> None:
        block = replace(block, text=block.text.replace(EXAMPLE_PORT, self._port))
        if block.caption:
            self._write(block)
        elif block.kind == "console":
            self._type(block)

    def _write(self, block: Block) -> None:
        target = self.folder / block.caption
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text, encoding="utf-8")
        if target.name == "pyproject.toml":
            self._install(tomllib.loads(block.text), target.parent)
        if target.suffix == ".py":
            self._run(f"python {shlex.quote(block.caption)}", 0, block)

    def _install(self, project: Mapping, folder: Path) -> None:
        """What `pip install --editable` would do with a project that needs no building: metadata on the path."""
        metadata = folder / f"{project['project']['name']}.dist-info"
        metadata.mkdir()
        lines = "".join(f"{key}: {project['project'][key.lower()]}\n" for key in ("Name", "Version"))
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\n{lines}")
        points = "".join(
            f"{name} = {module}\n" for name, module in project["project"]["entry-points"]["syncrun"].items()
        )
        (metadata / "entry_points.txt").write_text(f"[syncrun]\n{points}")
        self.environment["PYTHONPATH"] = str(folder)

    def _type(self, block: Block) -> None:
        commands = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
        assert commands[0].strip() == "", f"{block}: output before the first command"
        for each in commands[1:]:
            line, _, shown = each.partition("\n")
            while line.endswith("\\"):
                more, _, shown = shown.partition("\n")
                line = line.removesuffix("\\") + more.strip()
            code = re.search(r"# exit (\d+)$", line)
            came = self._run(line, int(code[1]) if code else 0, block)
            expect(shown, came, f"{block}: {line}")

    def _run(self, line: str, expected: int, block: Block) -> str:
        words = shlex.split(line, comments=True)
        assert words[0] in PROGRAMS, f"{block}: {line}: not one of {sorted(PROGRAMS)}"
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            if EXAMPLE_HOST in value:
                value = self.database(value)
            self.environment[name] = string.Template(value).substitute(self.environment, PWD=str(self.folder))
            return ""
        if words[0] == "cd":
            self.folder = (self.folder / words[1]).resolve(strict=True)
            return ""
        if words[0] == "kill":
            assert words[1] == "%1", f"{block}: {line}: there is one server at a time"
            self._end_server()
            return ""
        if words[-1] == "&":
            return self._serve(line.removesuffix("&"), block)
        done = subprocess.run(
            ["/bin/sh", "-c", line], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        came = done.stdout + done.stderr
        assert done.returncode == expected, f"{block}: {line}: exit {done.returncode}\n{came}"
        return came

    def _serve(self, line: str, block: Block) -> str:
        """Start a server; its first line says that it is there."""
        self.servers.append(subprocess.Popen(
            ["/bin/sh", "-c", f"exec {line}"], cwd=self.folder, env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        ))  # fmt: skip
        first = self.servers[-1].stdout.readline()
        assert first, f"{block}: {line}: ended at once"
        return first

    def _end_server(self) -> None:
        server = self.servers.pop()
        server.terminate()
        server.communicate(timeout=30)


def plain(text: str) -> list[str]:
    """Lines without what differs from one run to the next, and without the widths of columns."""
    for pattern, word in (
        (r"\d{8}T\d{12}-[0-9a-f]{6}", "RUN"), (r"\b[0-9a-f]{12}\b", "HASH"), (r"\d+\.\d s\b", "TIME"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d", "MOMENT"), (r"by \S+@\S+\.", "by WHO."),
    ):  # fmt: skip
        text = re.sub(pattern, word, text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def expect(shown: str, came: str, where: str) -> None:
    """What a page shows is in what came, line for line and in order; `...` stands for lines left out, or for the rest of
    a line."""
    real = iter(plain(came))
    for line in filter("...".__ne__, plain(shown)):
        start = line.removesuffix(" ...")
        found = any(each == line or (start != line and each.startswith(f"{start} ")) for each in real)
        assert found, f"{where}: not in the output: {line}\n{came}"


@pytest.mark.parametrize("came", ["one\n two  2\nthree", "0\none\nnull\ntwo 2\nthree\n"])
def test_output_is_found_in_order(came):
    expect("one\n...\ntwo 2\nthree", came, "here")


def test_the_rest_of_a_line_may_be_left_out():
    expect("one and ...\nthree", "one and two\nthree", "here")
    with pytest.raises(AssertionError, match="here"):
        expect("one and ...", "one andy\ntwo\none\nand three", "here")


@pytest.mark.parametrize("came", ["two 2\none\nthree", "one\ntwo 3\nthree", "one two 2 three", ""])
def test_other_output_is_seen(came):
    with pytest.raises(AssertionError, match="here"):
        expect("one\ntwo 2\nthree", came, "here")


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(block.kind == "console" for block in blocks(page))],
    ids=lambda page: page.relative_to(DOCS).as_posix(),
)  # fmt: skip
def test_a_page_does_what_it_says(page, tmp_path, request):
    def database(address: str) -> str:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server.create(f"{address.rpartition('/')[2]}_{os.getpid()}")

    found = blocks(page)
    carry_out(found, tmp_path, database)
    assert any(block.kind == "console" for block in found)


def carry_out(found: list[Block], tmp_path: Path, database: Callable[[str], str]) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    environment = {"SYNCRUN_HOME": str(folder / "home"), "COLUMNS": "160", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    with Reader(folder, environment, database) as reader:
        for block in found:
            reader.read(block)


NEEDS_NO_DATABASE = str
"""Leaves an address as it is."""


@pytest.mark.slow
def test_the_readme_syncs_a_classlink_district(tmp_path):
    """On GitHub a block has no caption: the first line of a file names it."""
    text = README.read_text(encoding="utf-8").partition("\n## Sync a ClassLink district\n")[2].partition("\n## ")[0]
    found = [
        replace(block, caption=block.text.removeprefix("# ").partition("\n")[0]) if block.kind == "toml" else block
        for block in blocks_of(text, "README.md")
    ]
    assert {block.kind for block in found} == {"console", "toml"}
    carry_out(found, tmp_path, NEEDS_NO_DATABASE)


def test_a_server_of_a_page_is_there_until_it_is_ended(tmp_path):
    line = f"python -m http.server --bind 127.0.0.1 {EXAMPLE_PORT} &"
    block = Block("page.md", "console", None, f"$ {line}\nServing FTP ...\n", 1)
    (tmp_path / "reader").mkdir()
    with Reader(tmp_path / "reader", {}, NEEDS_NO_DATABASE) as reader:
        with pytest.raises(AssertionError, match="not in the output: Serving FTP"):
            reader.read(block)
        (server,) = reader.servers
        assert server.poll() is None
        reader.read(Block("page.md", "console", None, "$ kill %1\n", 2))
        assert reader.servers == []
        assert server.poll() is not None
        with pytest.raises(AssertionError, match="ended at once"):
            reader.read(replace(block, text="$ python -c pass &\n"))
