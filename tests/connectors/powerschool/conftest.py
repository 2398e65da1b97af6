"""A plug-in as a vendor describes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncrun.connectors.powerschool.package import Plugin, read

DESCRIPTION = """
name = "Example Rosters"
version = "1.2.0"
vendor = "Example"
prefix = "com.example.rosters"
identifiers = "dcid"
guardians = true
api = true
data_sets = ["users", "classes", "enrollments", "orgs", "terms", "courses"]
[publisher]
name = "Example & Sons"
email = "support@example.com"
phone = "555-0100"
[delivery]
host = "sftp.example.com"
port = 2222
fingerprint = "SHA256:abcDEF123"
folder = "in"
"""


@pytest.fixture
def description(tmp_path: Path) -> Path:
    path = tmp_path / "plugin.toml"
    path.write_text(DESCRIPTION, encoding="utf-8")
    return path


@pytest.fixture
def plugin(description: Path) -> Plugin:
    return read(description)
