"""Fixtures for the tests of the OneRoster export."""

from __future__ import annotations

from pathlib import Path

import pytest
from exporter import Exporter


@pytest.fixture
def exporter(tmp_path: Path, home: Path) -> Exporter:
    """A district that is exported into a folder, before its first sync."""
    return Exporter(tmp_path)
