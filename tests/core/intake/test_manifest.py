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
    assert {each.code for each in manifest(tmp_path, HEAD + lines)[1]} - {"R-SET-37"} == {"R-SET-11"}


def test_manifest_in_utf_16_cannot_be_used(tmp_path: Path) -> None:
    assert {each.code for each in manifest(tmp_path, (HEAD + "oneroster.version,1.1\n").encode("utf-16"))[1]} == {
        "R-SET-11",
        "R-SET-37",
    }


def test_system_that_is_named_twice_does_no_harm(tmp_path: Path) -> None:
    text = HEAD + "oneroster.version,1.1\nsource.systemName,A\nsource.systemName,B\nfile.users,bulk\nfile.users,bulk\n"
    assert manifest(tmp_path, text)[1] == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("propertyName,propertyValue\noneroster.version,1.1\n", 1),
        ("oneroster.version,1.1\nfile.users,delta\n", 1),
        (HEAD + "oneroster.version,1.1\nfiel.users,bulk\n", 4),
        (HEAD + "oneroster.version,1.1\nfile.pupils,bulk\n", 4),
        (HEAD.replace("1.0", "1") + "oneroster.version,1.1\n", None),
    ],
)
def test_manifest_that_departs_from_the_standard_is_read_and_noted(tmp_path: Path, text: str, line: int | None) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(text, encoding="utf-8")
    said, findings = read(path, "manifest.csv", ["users.csv", "orgs.csv"])
    assert (said.version, [(each.code, each.line) for each in findings]) == ("1.1", [("R-SET-37", line)])


def test_manifest_without_a_header_still_counts(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file.users,delta\noneroster.version,1.1\n", encoding="utf-8")
    assert read(tmp_path / "manifest.csv", "manifest.csv")[0].mode("users.csv") == "delta"


def test_keys_that_are_not_known_are_not_repeated(tmp_path: Path) -> None:
    """Another file that was given the manifest's name may have anything in its first column."""
    _, findings = manifest(tmp_path, "email,name\nana@example.org,Ana\nana@example.org,Berg\n")
    assert "example" not in repr(findings)


@pytest.mark.parametrize(("lines", "codes"), [(997, []), (998, ["R-SET-11"])])
def test_manifest_of_very_many_lines_is_not_gone_through(tmp_path: Path, lines: int, codes: list[str]) -> None:
    _, findings = manifest(tmp_path, HEAD + "oneroster.version,1.1\n" + "\n" * lines)
    assert [each.code for each in findings] == codes
