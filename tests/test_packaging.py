"""What is installed is what is in the tree, under the package `syncrun` and nothing else."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {"core": "syncrun", "connectors": "syncrun/connectors", "sinks": "syncrun/sinks"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from the tree as git knows it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for path in tracked():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / path).read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", folder, source],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def tracked() -> list[Path]:
    """The files of the checkout that git knows or would know."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return [Path(line) for line in done.stdout.splitlines() if (ROOT / line).is_file()]


def test_wheel_has_every_module_of_the_tree_and_no_other(wheel: zipfile.ZipFile) -> None:
    expected = set()
    for path in tracked():
        if path.parts[0] in FOLDERS and path.suffix in {".py", ".typed", ".mako", ".xsd"}:
            expected.add(str(Path(FOLDERS[path.parts[0]], *path.parts[1:])))
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert found == expected


def test_wheel_installs_no_top_level_package_but_syncrun(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" not in name} == {"syncrun"}


def test_every_package_of_the_tree_is_listed_in_setup_cfg() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(config["options"]["packages"].split())
    found = {
        str(Path(FOLDERS[path.parts[0]], *path.parts[1:-1])).replace("/", ".")
        for path in tracked()
        if path.parts[0] in FOLDERS and path.suffix == ".py" and "migrations" not in path.parts  # data, see below
    }
    assert listed == found


def test_lowest_versions_are_those_of_setup_cfg() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = config["options"]["install_requires"].split() + [
        line for extra in config["options.extras_require"].values() for line in extra.split()
    ]
    floors = {re.split(r"[\[>=<]", line)[0].lower(): re.search(r">=([0-9.]+)", line)[1] for line in wanted}  # type: ignore[index] # each has a floor
    lines = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    assert {name: pinned.get(name) for name in floors} == floors


def test_licence_goes_along(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/LICENSE"))
    assert b"Apache License" in wheel.read(name)
