"""A drop box for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harbour import Harbour, harbour


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Harbour]:
    with harbour(tmp_path / "home") as found:
        yield found
