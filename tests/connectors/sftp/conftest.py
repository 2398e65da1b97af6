"""Servers for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncrun.testing.sftp_server import OpenSshServer, openssh


@pytest.fixture
def district(tmp_path: Path) -> Iterator[OpenSshServer]:
    """OpenSSH, with a folder for a district's files."""
    folder = tmp_path / "served"
    folder.mkdir()
    with openssh(folder) as server:
        yield server


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder
