"""Recognising what arrived: which file is which, what the manifest promises, and whether the set is complete.

Absence is said here once and for all: a file that is not there is never an empty file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from syncrun.errors import ArrivingError, InputError
from syncrun.finding import Finding
from syncrun.intake import archive, magic, manifest
from syncrun.intake.archive import ArchiveError
from syncrun.intake.manifest import Manifest
from syncrun.intake.scan import Scan, scan_all
from syncrun.intake.settle import Patience, steady
from syncrun.sdk import FileKind, FileSet, Format


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file that was recognised. `mode` says whether its rows are all there are (bulk) or what changed (delta)."""

    kind: FileKind
    scan: Scan
    mode: Literal["bulk", "delta"]

    @property
    def name(self) -> str:
        """The file's name as the standard spells it."""
        return self.kind.name


@dataclass(frozen=True, slots=True)
class Arrival:
    """A set of files. `files` is keyed by entity; `partial` says that it is a set of three that stands alone;
    `findings` are remarks on the set. `scans` are of everything that was read."""

    files: dict[str, ArrivedFile]
    partial: bool
    findings: list[Finding]
    scans: tuple[Scan, ...]
    absent: frozenset[str]
    """Entities that the manifest says are not sent."""

    @property
    def version(self) -> str:
        """The version of OneRoster by what is there: 1.2 brought `roles.csv`."""
        return "1.2" if "roles" in self.files else "1.1"

    def identity(self) -> dict[str, str]:
        """The hash of each file, by name."""
        return {found.name: found.scan.sha256 for found in self.files.values()}


def arrive(fileset: FileSet, form: Format, unpacked: Path, patience: Patience | None = None) -> Arrival:
    """Recognise the files of a set. `unpacked` is an empty folder for the members of an archive, `patience` says how
    long the files must have been quiet.

    Raises `InputError` for files that may not be read, `ArrivingError` for files that are still being written or went
    away; everything else is a finding.
    """
    try:
        with steady(fileset.files, patience or Patience()):
            return _arrive(fileset, form, unpacked)
    except ArchiveError as error:
        return Arrival({}, partial=False, findings=[error.finding], scans=(), absent=frozenset())
    except FileNotFoundError:
        raise ArrivingError("A file went away while it was read.") from None
    except OSError as error:
        raise InputError(
            f"A file of the set cannot be read: {error.strerror}.",
            next_step="Make sure that the account that runs syncrun may read the files; then run again.",
        ) from None


def _arrive(fileset: FileSet, form: Format, unpacked: Path) -> Arrival:
    named, findings = _named(fileset, form, unpacked)
    found, misplaced, more = _recognised(named, form)
    findings += more
    said, more = _said(found.pop(form.manifest), form) if form.manifest in found else (None, [])
    findings += more
    scans = dict(zip(found, scan_all(found.values()), strict=True))
    kinds = {kind.name: kind for kind in form.kinds}
    files = {}
    for name, each in scans.items():
        if name in kinds:
            mode = said.mode(name) if said else None
            if mode == "absent":
                findings.append(Finding("R-SET-10", name))
            files[kinds[name].entity] = ArrivedFile(kinds[name], each, "delta" if mode == "delta" else "bulk")
    partial = not said and {each.name for each in files.values()} == form.partial
    if said is None and form.manifest:
        findings.append(Finding("R-SET-12", form.manifest))
    absent = _absent(said, form)
    findings += _missing(files, form, said, absent, misplaced, partial=partial)
    findings += [Finding("R-SET-03", each.name) for each in files.values() if each.scan.size == 0]
    findings += _against(files, said, form)
    findings += _no_text(files)
    return Arrival(files, partial, findings, tuple(scans.values()), absent)


def _named(fileset: FileSet, form: Format, unpacked: Path) -> tuple[list[tuple[str, Path]], list[Finding]]:
    """Pairs of a name, with its folders, and the file."""
    paths = fileset.files
    kind = magic.kind(paths[0]) if len(paths) == 1 else ""
    if kind == magic.ZIP:
        return _unpacked(paths[0], form, unpacked)
    if len(paths) == 1 and (kind or paths[0].suffix.lower() != ".csv"):
        raise ArchiveError("R-ZIP-07", f"it is {kind}" if kind else "its kind is not known")
    if not paths:
        return [], []
    top = os.path.commonpath([path.parent for path in paths])
    return [(str(path.relative_to(top)), path) for path in paths], []


def _said(path: Path, form: Format) -> tuple[Manifest, list[Finding]]:
    names = [kind.name for kind in form.kinds] + list(form.ignored)
    return manifest.read(path, form.manifest or path.name, names)


def _unpacked(path: Path, form: Format, into: Path) -> tuple[list[tuple[str, Path]], list[Finding]]:
    """The same for the members of an archive; those of no use are noted."""
    wanted = [kind.name for kind in form.kinds] + ([form.manifest] if form.manifest else [])
    found = archive.unpack(path, wanted, into)
    left = [Path(each) for each in found.left if not each.startswith("__MACOSX/")]
    names = (each.name for each in left if each.name not in form.ignored and not each.name.startswith("."))
    return found.members, [Finding("R-SET-15", each) for each in names]


def _recognised(
    named: Iterable[tuple[str, Path]], form: Format
) -> tuple[dict[str, Path], dict[str, str], list[Finding]]:
    """Files by the name that the format gives them, where misplaced ones were seen, and remarks."""
    known = {kind.name.lower(): kind.name for kind in form.kinds}
    if form.manifest:
        known[form.manifest.lower()] = form.manifest
    found: dict[str, Path] = {}
    findings: list[Finding] = []
    entries = [(Path(shown).parent.as_posix(), Path(shown).name, path) for shown, path in named]
    folders = {folder for folder, base, _ in entries if base.lower() in known}
    home = "." if "." in folders or len(folders) != 1 else next(iter(folders))
    if home != ".":
        findings.append(Finding("R-SET-13", words="all files stand in one folder"))
    misplaced: dict[str, str] = {}
    for folder, base, path in sorted(entries):
        name = known.get(base.lower())
        if folder != home:
            if name:
                misplaced[name] = folder
        elif name is None:
            if base not in form.ignored and not base.startswith("."):
                findings.append(Finding("R-SET-15", base))
        elif name in found:
            findings.append(Finding("R-SET-14", name))
        else:
            found[name] = path
            if base != name:
                findings.append(Finding("R-SET-19", name))
    return found, misplaced, findings


def _absent(said: Manifest | None, form: Format) -> frozenset[str]:
    if said is None:
        return frozenset()
    return frozenset(kind.entity for kind in form.kinds if said.mode(kind.name) == "absent")


def _against(files: Mapping[str, ArrivedFile], said: Manifest | None, form: Format) -> Iterator[Finding]:
    """What there is that the manifest does not speak of."""
    if said is None:
        return
    for each in files.values():
        if said.mode(each.name) is None:
            yield Finding("R-SET-39", each.name)
    if said.version == "1.1" and "roles" in files:
        yield Finding("R-SET-38", files["roles"].name)


def _no_text(files: Mapping[str, ArrivedFile]) -> Iterator[Finding]:
    """Files that have the name of a CSV file and are something else."""
    for each in files.values():
        kind = magic.kind(each.scan.path)
        if kind:
            yield Finding("R-SET-33", each.name, words=f"it is {kind}")


def _missing(
    files: dict[str, ArrivedFile], form: Format, said: Manifest | None, absent: frozenset[str],
    misplaced: dict[str, str], *, partial: bool,
) -> list[Finding]:  # fmt: skip
    """Files that should be there and are not. A set with a delta in it needs no other files."""
    there = {each.name for each in files.values()}
    delta = any(each.mode == "delta" for each in files.values())
    findings = []
    for kind in form.kinds:
        if kind.name in there:
            continue
        elsewhere = f"a file of that name stands in the folder {misplaced[kind.name]}" if kind.name in misplaced else ""
        mode = said.mode(kind.name) if said else None
        if mode in {"bulk", "delta"}:
            findings.append(Finding("R-SET-01", kind.name, words=elsewhere))
        elif kind.required and not partial and not delta and kind.entity not in absent:
            findings.append(Finding("R-SET-02", kind.name, words=elsewhere))
    if not there:
        findings.append(Finding("R-SET-02", words="no file of the set was found"))
    return findings


def vanished(arrival: Arrival, form: Format, before: Sequence[str]) -> list[Finding]:
    """Files that the last accepted set had (`before`: its entities) and that this one neither brings nor marks
    absent; and files marked absent, whether anything of them was accepted before or not. Where no file at all was
    recognised, that has been said."""
    if not arrival.files or any(each.mode == "delta" for each in arrival.files.values()):
        return []
    names = {kind.entity: kind for kind in form.kinds}
    gone = [entity for entity in before if entity not in arrival.files]
    never = [entity for entity in arrival.absent if entity not in arrival.files and entity not in before]
    return [
        Finding("R-SET-36" if entity in arrival.absent else "R-SET-05", names[entity].name)
        for entity in gone
        if entity in names
    ] + [
        Finding("R-SET-02", names[entity].name, words="it is marked absent, and no earlier set had it")
        for entity in never
        if names[entity].required
    ]
