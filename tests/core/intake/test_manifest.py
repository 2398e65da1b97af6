"""`manifest.csv`."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncrun.finding import Finding
from syncrun.intake.manifest import Manifest, read

HEAD = "propertyName,value\nmanifest.version,1.0\n"


def manifest(folder: Path, content: str | bytes) -> tuple[Manifest, list[Finding]]:
    path = folder / "manifest.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, "manifest.csv")


def test_manifest_tells_the_version_and_the_mode_of_each_file(tmp_path: Path) -> None:
    text = HEAD + "oneroster.version,1.2\nfile.users,bulk\nfile.roles,delta\nfile.orgs,absent\nsource.systemName,SIS\n"
    said, findings = manifest(tmp_path, text)
    assert findings == []
    assert said.version == "1.2"
    assert [said.mode(f"{name}.csv") for name in ("users", "roles", "orgs", "classes")] == [
        "bulk", "delta", "absent", None,
    ]  # fmt: skip


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_byte_order_mark_quotes_and_blanks_do_not_matter(tmp_path: Path, end: str) -> None:
    text = '\ufeffpropertyName,value\n"oneroster.version"," 1.1 "\n\nfile.users , BULK \n'.replace("\n", end)
    said, findings = manifest(tmp_path, text)
    assert (said.version, said.mode("users.csv"), findings) == ("1.1", "bulk", [])


def test_name_of_a_file_in_other_case_counts(tmp_path: Path) -> None:
    said, findings = manifest(tmp_path, HEAD + "oneroster.version,1.1\nFile.Users,delta\n")
    assert (said.mode("users.csv"), findings) == ("delta", [])


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "oneroster.version,2.0\n",
        "oneroster.version\n",
        "oneroster.version,1.1\nfile.users,all\n",
        "oneroster.version,1.1\nfile.users\n",
        "oneroster.version,1.1\nfile.users,bulk\nfile.users,delta\n",
        "oneroster.version,1.1\nfile.users,bulk\nfile.Users,delta\n",
        "oneroster.version,1.1\noneroster.version,1.2\n",
        "x" * 300_000,
        '"' * 99,
        "\0\0",
    ],
)
def test_manifest_that_cannot_be_used_is_said(tmp_path: Path, lines: str) -> None:
    assert {each.code for each in manifest(tmp_path, HEAD + lines)[1]} == {"R-SET-11"}


def test_manifest_in_utf_16_cannot_be_used(tmp_path: Path) -> None:
    assert {each.code for each in manifest(tmp_path, (HEAD + "oneroster.version,1.1\n").encode("utf-16"))[1]} == {
        "R-SET-11"
    }


def test_system_that_is_named_twice_does_no_harm(tmp_path: Path) -> None:
    text = HEAD + "oneroster.version,1.1\nsource.systemName,A\nsource.systemName,B\nfile.users,bulk\nfile.users,bulk\n"
    assert manifest(tmp_path, text)[1] == []
