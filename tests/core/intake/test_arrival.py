"""Recognising what arrived. A file that is not there is never an empty file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from syncrun.connectors.oneroster_csv.format import ONEROSTER_CSV
from syncrun.errors import ArrivingError, InputError
from syncrun.finding import Finding
from syncrun.intake import arrival as recognising
from syncrun.intake.arrival import Arrival, arrive, vanished
from syncrun.roster.entity import ENTITIES
from syncrun.roster.rule import Severity
from syncrun.rules.rule import RULES
from syncrun.sdk import FileSet

WHOLE = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
THREE = ("users", "classes", "enrollments")


def files(
    entities: Iterable[str] = WHOLE, *, folder: str = "", modes: Mapping[str, str] | None = None, version: str = "1.1"
) -> dict[str, str]:
    """A set by name; with `modes` it has a manifest."""
    found = {f"{folder}{entity}.csv": "sourcedId\n1\n" for entity in entities}
    if modes is not None:
        lines = "".join(f"file.{entity},{mode}\n" for entity, mode in modes.items())
        found[f"{folder}manifest.csv"] = f"propertyName,value\noneroster.version,{version}\n{lines}"
    return found


def bulk(entities: Iterable[str] = WHOLE) -> dict[str, str]:
    return dict.fromkeys(entities, "bulk")


def arrived(folder: Path, content: Mapping[str, str]) -> Arrival:
    for name, text in content.items():
        path = folder / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    paths = tuple(path for path in sorted((folder / "inbox").rglob("*")) if path.is_file())
    return arrive(FileSet(paths, "a test"), ONEROSTER_CSV, folder)


def told(findings: Iterable[Finding]) -> list[tuple[str, str | None]]:
    return sorted(((each.code, each.file) for each in findings), key=str)


def stops(found: Arrival) -> list[tuple[str, str | None]]:
    return told(each for each in found.findings if RULES[each.code].severity is Severity.STOP)


def test_whole_set_with_a_manifest_has_nothing_to_remark_on(tmp_path: Path) -> None:
    found = arrived(tmp_path, files(modes=bulk()))
    assert (list(found.findings), set(found.files), found.partial, found.version) == ([], set(WHOLE), False, "1.1")


def test_set_without_a_manifest_is_bulk_and_noted(tmp_path: Path) -> None:
    found = arrived(tmp_path, files())
    assert told(found.findings) == [("R-SET-12", "manifest.csv")]
    assert {each.mode for each in found.files.values()} == {"bulk"}


@pytest.mark.requirement("S2-4")
def test_three_files_alone_stand_for_a_set(tmp_path: Path) -> None:
    found = arrived(tmp_path, files(THREE))
    assert found.partial
    assert stops(found) == []


@pytest.mark.requirement("S2-25")
@pytest.mark.parametrize("missing", THREE)
def test_two_of_the_three_files_are_no_set(tmp_path: Path, missing: str) -> None:
    found = arrived(tmp_path, files(each for each in THREE if each != missing))
    assert not found.partial
    assert ("R-SET-02", f"{missing}.csv") in stops(found)


def test_three_files_with_another_are_no_set_of_three(tmp_path: Path) -> None:
    assert ("R-SET-02", "orgs.csv") in stops(arrived(tmp_path, files((*THREE, "courses"))))


@pytest.mark.parametrize("missing", WHOLE)
def test_file_that_is_not_there_is_missed(tmp_path: Path, missing: str) -> None:
    found = arrived(tmp_path, files(each for each in WHOLE if each != missing))
    assert stops(found) == [("R-SET-02", f"{missing}.csv")]


@pytest.mark.parametrize("mode", ["bulk", "delta"])
@pytest.mark.parametrize("missing", ["users", "demographics"])
def test_file_that_the_manifest_promises_is_missed(tmp_path: Path, missing: str, mode: str) -> None:
    there = [each for each in WHOLE if each != missing]
    found = arrived(tmp_path, files(there, modes={**bulk(), missing: mode}))
    assert stops(found) == [("R-SET-01", f"{missing}.csv")]


def test_file_that_is_marked_absent_is_not_missed_here(tmp_path: Path) -> None:
    there = [each for each in WHOLE if each != "courses"]
    found = arrived(tmp_path, files(there, modes={**bulk(there), "courses": "absent"}))
    assert (stops(found), found.absent) == ([], {"courses"})


def test_file_that_is_marked_absent_but_there_is_read_and_noted(tmp_path: Path) -> None:
    found = arrived(tmp_path, files(modes={**bulk(), "courses": "absent"}))
    assert told(found.findings) == [("R-SET-10", "courses.csv")]
    assert found.files["courses"].mode == "bulk"


def test_delta_needs_no_other_files(tmp_path: Path) -> None:
    found = arrived(tmp_path, files(["users"], modes={"users": "delta"}))
    assert (stops(found), found.files["users"].mode) == ([], "delta")


def test_file_that_is_empty_is_refused(tmp_path: Path) -> None:
    assert stops(arrived(tmp_path, {**files(), "users.csv": ""})) == [("R-SET-03", "users.csv")]


def test_manifest_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    assert stops(arrived(tmp_path, {**files(), "manifest.csv": ""})) == [("R-SET-11", "manifest.csv")]


@pytest.mark.parametrize("content", [{}, {"README.txt": "hello", "notes.csv": "a"}])
def test_nothing_that_is_known_is_no_set(tmp_path: Path, content: dict[str, str]) -> None:
    (tmp_path / "inbox").mkdir()
    assert ("R-SET-02", None) in stops(arrived(tmp_path, content))


def test_file_in_a_folder_below_is_named_but_not_taken(tmp_path: Path) -> None:
    there = files(each for each in WHOLE if each != "users")
    found = arrived(tmp_path, {**there, **files(["users"], folder="old/")})
    (missing,) = (each for each in found.findings if each.code == "R-SET-02")
    assert (missing.file, missing.words) == ("users.csv", "a file of that name stands in the folder old")


def test_same_file_in_a_folder_below_does_not_count(tmp_path: Path) -> None:
    found = arrived(tmp_path, {**files(), **files(["users"], folder="old/")})
    assert stops(found) == []
    assert found.files["users"].scan.path == tmp_path / "inbox" / "users.csv"


def test_whole_set_in_one_folder_is_read_and_noted(tmp_path: Path) -> None:
    found = arrived(tmp_path, {"README.txt": "hello", **files(folder="export/")})
    assert (set(found.files), stops(found)) == (set(WHOLE), [])
    assert ("R-SET-13", None) in told(found.findings)


def test_sets_of_two_folders_are_not_mixed(tmp_path: Path) -> None:
    found = arrived(tmp_path, {**files(THREE, folder="monday/"), **files(WHOLE[:3], folder="tuesday/")})
    assert found.files == {}
    assert len(stops(found)) == len(WHOLE) + 1


def test_name_in_other_case_is_read_and_noted(tmp_path: Path) -> None:
    content = files()
    content["Users.CSV"] = content.pop("users.csv")
    found = arrived(tmp_path, content)
    assert "users" in found.files
    assert ("R-SET-19", "users.csv") in told(found.findings)


def test_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    assert stops(arrived(tmp_path, {**files(), "USERS.csv": "sourcedId\n"})) == [("R-SET-14", "users.csv")]


def test_unknown_files_are_noted_and_known_ones_of_no_use_are_not(tmp_path: Path) -> None:
    found = arrived(tmp_path, {**files(modes=bulk()), "README.txt": "a", "results.csv": "b", ".DS_Store": "c"})
    assert told(found.findings) == [("R-SET-15", "README.txt")]


def test_roles_file_makes_it_1_2(tmp_path: Path) -> None:
    assert arrived(tmp_path, files((*WHOLE, "roles"))).version == "1.2"


def zipped(folder: Path, content: Mapping[str, str | bytes], name: str = "district.zip") -> Path:
    (folder / "inbox").mkdir()
    (folder / "unpacked").mkdir()
    path = folder / "inbox" / name
    with zipfile.ZipFile(path, "w") as made:
        for each, text in content.items():
            made.writestr(each, text)
    return path


@pytest.mark.parametrize(("folder", "code"), [("", []), ("export/", [("R-SET-13", None)])])
@pytest.mark.parametrize("name", ["district.zip", "upload.csv", "upload"])
def test_archive_is_unpacked_whatever_its_name(
    tmp_path: Path, folder: str, code: list[tuple[str, None]], name: str
) -> None:
    path = zipped(tmp_path, files(folder=folder, modes=bulk()), name)
    found = arrive(FileSet((path,), "a test"), ONEROSTER_CSV, tmp_path / "unpacked")
    assert (set(found.files), told(found.findings)) == (set(WHOLE), code)
    assert {each.path.parent for each in found.scans} == {tmp_path / "unpacked"}


SIGNS = {
    "a zip archive": b"PK\x03\x04" + b"\0" * 40,
    "an Excel workbook": b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml",
    "a gzip archive": b"\x1f\x8b\x08",
    "a 7z archive": b"7z\xbc\xaf\x27\x1c",
    "a RAR archive": b"Rar!\x1a\x07\x01",
    "a tar archive": b"users.csv".ljust(257, b"\0") + b"ustar",
    "a PDF document": b"%PDF-1.7",
    "a web page": b"\xef\xbb\xbf\r\n <!DOCTYPE html>",
}


@pytest.mark.parametrize("kind", sorted(set(SIGNS) - {"a zip archive"}))
@pytest.mark.parametrize("name", ["district.zip", "users.csv"])
def test_one_file_that_is_neither_archive_nor_csv_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(SIGNS[kind])
    found = arrive(FileSet((tmp_path / name,), "a test"), ONEROSTER_CSV, tmp_path)
    assert [(each.code, each.words) for each in found.findings] == [("R-ZIP-07", f"it is {kind}")]


def test_one_file_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "district.dat").write_bytes(b"sourcedId\n1\n")
    found = arrive(FileSet((tmp_path / "district.dat",), "a test"), ONEROSTER_CSV, tmp_path)
    assert [(each.code, each.words) for each in found.findings] == [("R-ZIP-07", "its kind is not known")]


@pytest.mark.parametrize("kind", sorted(SIGNS))
@pytest.mark.parametrize("packed", [False, True])
def test_csv_file_that_is_something_else_is_refused(tmp_path: Path, kind: str, *, packed: bool) -> None:
    if packed:
        path = zipped(tmp_path, {**files(), "users.csv": SIGNS[kind]})
        found = arrive(FileSet((path,), "a test"), ONEROSTER_CSV, tmp_path / "unpacked")
    else:
        (tmp_path / "inbox").mkdir()
        (tmp_path / "inbox" / "users.csv").write_bytes(SIGNS[kind])
        found = arrived(tmp_path, files(each for each in WHOLE if each != "users"))
    assert [(each.file, each.words) for each in found.findings if each.code == "R-SET-33"] == [
        ("users.csv", f"it is {kind}")
    ]


def test_archive_that_cannot_be_used_is_said_once(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"../users.csv": "a"})
    found = arrive(FileSet((path,), "a test"), ONEROSTER_CSV, tmp_path / "unpacked")
    assert told(found.findings + vanished(found, ONEROSTER_CSV, WHOLE)) == [("R-ZIP-03", None)]


def test_members_of_no_use_are_noted_unless_they_are_known(tmp_path: Path) -> None:
    more = {"README.txt": "a", "results.csv": "b", "__MACOSX/notes.txt": "c", ".DS_Store": "d"}
    path = zipped(tmp_path, {**files(modes=bulk()), **more})
    found = arrive(FileSet((path,), "a test"), ONEROSTER_CSV, tmp_path / "unpacked")
    assert told(found.findings) == [("R-SET-15", "README.txt")]


def test_file_that_the_manifest_does_not_name_is_bulk_and_noted(tmp_path: Path) -> None:
    found = arrived(tmp_path, files(modes=bulk(each for each in WHOLE if each != "users")))
    assert (told(found.findings), found.files["users"].mode) == ([("R-SET-39", "users.csv")], "bulk")


@pytest.mark.parametrize(("version", "codes"), [("1.1", [("R-SET-38", "roles.csv")]), ("1.2", [])])
def test_manifest_of_another_version_than_the_files_is_noted(
    tmp_path: Path, version: str, codes: list[tuple[str, str]]
) -> None:
    there = (*WHOLE, "roles")
    assert told(arrived(tmp_path, files(there, modes=bulk(there), version=version)).findings) == codes


@pytest.mark.parametrize("name", ["users.csv", "manifest.csv"])
def test_file_that_went_away_is_tried_again_later(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = files(modes=bulk())
    recognised = recognising._recognised

    def slowly(*arguments: object) -> object:
        (tmp_path / "inbox" / name).unlink()
        return recognised(*arguments)  # type: ignore[arg-type] # handed on as they came

    monkeypatch.setattr(recognising, "_recognised", slowly)
    with pytest.raises(ArrivingError, match="while it was read"):
        arrived(tmp_path, content)


def test_file_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(paths: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(recognising, "scan_all", forbidden)  # root may read everything
    with pytest.raises(InputError, match="Permission denied") as caught:
        arrived(tmp_path, files())
    assert "may read" in caught.value.next_step


@pytest.mark.requirement("S2-25")
def test_file_that_the_last_set_had_is_missed(tmp_path: Path) -> None:
    found = arrived(tmp_path, files())
    assert told(vanished(found, ONEROSTER_CSV, (*WHOLE, "demographics"))) == [("R-SET-05", "demographics.csv")]
    assert vanished(found, ONEROSTER_CSV, WHOLE) == []


def test_file_that_is_marked_absent_may_go_if_it_was_there_before(tmp_path: Path) -> None:
    there = [each for each in WHOLE if each != "courses"]
    found = arrived(tmp_path, files(there, modes={**bulk(there), "courses": "absent"}))
    assert told(vanished(found, ONEROSTER_CSV, WHOLE)) == [("R-SET-36", "courses.csv")]
    assert told(vanished(found, ONEROSTER_CSV, [])) == [("R-SET-02", "courses.csv")]


def test_delta_may_leave_files_out(tmp_path: Path) -> None:
    found = arrived(tmp_path, files(["users"], modes={"users": "delta"}))
    assert vanished(found, ONEROSTER_CSV, WHOLE) == []


def test_identity_follows_the_bytes_and_not_the_names(tmp_path: Path) -> None:
    content = files(modes=bulk())
    first = arrived(tmp_path / "a", content).identity()
    assert first == arrived(tmp_path / "b", {name.upper(): text for name, text in content.items()}).identity()
    changed = arrived(tmp_path / "c", {**content, "users.csv": "sourcedId\n2\n"}).identity()
    assert {name for name in first if first[name] != changed[name]} == {"users.csv"}


# -- files known by their columns ------------------------------------------------------------------------------------------


def full(entities: Iterable[str] = WHOLE) -> dict[str, str]:
    """A set whose files have the columns of the standard."""
    return {f"{entity}.csv": ",".join(ENTITIES[entity].cells()) + "\n" for entity in entities}


@pytest.mark.parametrize("name", ["people.csv", "users (1).csv", "USERS-2026-11-20.CSV", "u.txt", "ü ser.csv"])
@pytest.mark.parametrize("entity", [*WHOLE, "roles", "demographics"])
def test_file_of_another_name_is_known_by_its_columns(tmp_path: Path, entity: str, name: str) -> None:
    content = full({*WHOLE, entity})
    content[name] = content.pop(f"{entity}.csv")
    found = arrived(tmp_path, content)
    assert found.files[entity].scan.path.name == name
    (note,) = (each for each in found.findings if each.code == "R-KIND-01")
    assert (note.file, note.words, stops(found)) == (f"{entity}.csv", f"its name is {name}", [])


@pytest.mark.parametrize(
    "header", ["a,b", "sourcedId", "sourcedId,status,dateLastModified", "sourcedId,title", "", "\x00"]
)
def test_file_of_another_name_that_could_be_many_things_is_left_alone(tmp_path: Path, header: str) -> None:
    found = arrived(tmp_path, {**full(), "other.csv": f"{header}\n"})
    assert ("R-SET-15", "other.csv") in told(found.findings)
    assert (set(found.files), stops(found)) == (set(WHOLE), [])


def test_file_of_another_name_does_not_count_beside_the_one_of_the_right_name(tmp_path: Path) -> None:
    found = arrived(tmp_path, {**full(), "users_old.csv": full()["users.csv"]})
    assert found.files["users"].scan.path.name == "users.csv"
    (note,) = (each for each in found.findings if each.code == "R-SET-15")
    assert "users.csv, which is there" in note.words


def test_two_files_of_other_names_and_the_same_columns_are_refused(tmp_path: Path) -> None:
    content = full()
    content["a.csv"] = content["b.csv"] = content.pop("users.csv")
    assert stops(arrived(tmp_path, content)) == [("R-KIND-03", "users.csv")]


@pytest.mark.parametrize("entity", ["orgs", "courses", "classes", "enrollments"])
def test_file_whose_name_and_columns_disagree_is_refused(tmp_path: Path, entity: str) -> None:
    content = full()
    content["users.csv"] = content[f"{entity}.csv"]
    found = arrived(tmp_path, content)
    assert stops(found) == [("R-KIND-02", "users.csv")]
    assert f"those of {entity}.csv" in next(each.words for each in found.findings if each.code == "R-KIND-02")


def test_file_with_columns_of_several_kinds_goes_by_its_name(tmp_path: Path) -> None:
    everything = ",".join(dict.fromkeys(column for each in ENTITIES.values() for column in each.cells()))
    found = arrived(tmp_path, {**full(), "users.csv": f"{everything}\n"})
    assert stops(found) == []


def test_file_of_another_name_in_an_archive_is_known_by_its_columns(tmp_path: Path) -> None:
    content = full()
    content["people.csv"] = content.pop("users.csv")
    path = zipped(tmp_path, {**content, "__MACOSX/._people.csv": "\x00", "photo.jpg": "x"})
    found = arrive(FileSet((path,), "a test"), ONEROSTER_CSV, tmp_path / "unpacked")
    assert (set(found.files), stops(found)) == (set(WHOLE), [])
