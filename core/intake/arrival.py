"""Recognising what arrived: which file is which, what the manifest promises, and whether the set is complete.

Absence is said here once and for all: a file that is not there is never an empty file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from syncrun.errors import ArrivingError, InputError
from syncrun.finding import Finding
from syncrun.intake import archive, header, magic, manifest
from syncrun.intake import kind as kinds
from syncrun.intake.archive import ArchiveError
from syncrun.intake.manifest import Manifest
from syncrun.intake.scan import Scan, scan, scan_all
from syncrun.intake.settle import Patience, steady
from syncrun.intake.text import plain
from syncrun.sdk import FileKind, FileSet, Format, TextForm

TABLES = {".csv", ".txt", ".tsv"}
"""How the names of files end that may be known by their columns."""


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file that was recognised. `mode` says whether its rows are all there are (bulk), what changed (delta), or what
    a person adds and updates (additions), which neither needs a status nor a date of change. A file that came
    `by_hand` may have few columns; those that it lacks stay as they were."""

    kind: FileKind
    scan: Scan
    mode: Literal["bulk", "delta", "additions"]
    origins: tuple[str, ...] = ()
    """For rows that were drawn from files of another format: the file of each `Drawn` (`syncrun.intake.origin`)."""
    by_hand: bool = False
    pages: tuple[Path, ...] = ()
    """For records that a source sent: the files that they were kept in, one a page (`syncrun.intake.spool`)."""
    proved: bool = True
    """Whether it is proved, of records, that all that there are came."""

    part_of: tuple[str, str] | None = None
    """For rows that are parts of records of another file: their column that names it, and the file (`Drawn.of`)."""

    @property
    def pulled(self) -> bool:
        """Whether these are records that a source sent, not lines of a file."""
        return bool(self.pages)

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
    form: Format
    """The format that the files are of."""
    upload: bool = False
    """Whether a person brought the files, to lay them over what was accepted; then none need be there."""

    @property
    def version(self) -> str:
        """The version of OneRoster by what is there: 1.2 brought `roles.csv`."""
        return "1.2" if "roles" in self.files else "1.1"

    @property
    def pulled(self) -> bool:
        """Whether a source sent it as records."""
        return any(each.pulled for each in self.files.values())

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
        return Arrival({}, partial=False, findings=[error.finding], scans=(), absent=frozenset(), form=form)
    except FileNotFoundError:
        raise ArrivingError("A file went away while it was read.") from None
    except OSError as error:
        raise InputError(
            f"A file of the set cannot be read: {error.strerror}.",
            next_step="Make sure that the account that runs syncrun may read the files; then run again.",
        ) from None


def _arrive(fileset: FileSet, form: Format, unpacked: Path) -> Arrival:
    named, findings = _named(fileset, form, unpacked)
    findings += _left(fileset.left, form)
    named, seen, originals, more = _as_text(named, fileset.text, unpacked)
    findings += more
    found, misplaced, more, form = _recognised(named, form)
    findings += more
    refused = [each for each in findings if each.code.startswith("R-FORM") and each.code != "R-FORM-02"]
    if refused:
        return Arrival({}, partial=False, findings=refused, scans=(), absent=frozenset(), form=form)
    said, more = _said(found.pop(form.manifest), form) if form.manifest in found else (None, [])
    findings += more
    scans = {name: seen.get(path) or scan(path) for name, path in found.items()}
    named_kinds = {each.name: each for each in form.kinds}
    files = {}
    for name, each in scans.items():
        if name in named_kinds:
            mode = said.mode(name) if said else None
            if mode == "absent":
                findings.append(Finding("R-SET-10", name))
            files[named_kinds[name].entity] = ArrivedFile(
                named_kinds[name], each, "delta" if mode == "delta" else "bulk"
            )
    partial = bool(files) and not said and {each.name for each in files.values()} == form.partial
    if said is None and form.manifest:
        findings.append(Finding("R-SET-12", form.manifest))
    absent = _absent(said, form)
    findings += _missing(files, form, said, absent, misplaced, partial=partial)
    findings += [Finding("R-SET-03", each.name) for each in files.values() if each.scan.size == 0]
    findings += _against(files, said, form)
    findings += _no_text(files)
    return Arrival(files, partial, findings, (*scans.values(), *originals), absent, form)


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


def _as_text(
    named: list[tuple[str, Path]], form: TextForm, into: Path
) -> tuple[list[tuple[str, Path]], dict[Path, Scan], list[Scan], list[Finding]]:
    """The files as UTF-8 with commas, scans of them as far as they hold text, scans of those that had to be copied for
    it, and remarks on them."""
    tables = [path for _, path in named if _is_csv(path)]
    seen = dict(zip(tables, scan_all(tables), strict=True))
    found, originals, findings = [], [], []
    for name, path in named:
        copy, more = plain(seen[path], PurePosixPath(name).name, form, into) if path in seen else (path, [])
        found.append((name, copy))
        findings += more
        if copy != path:
            originals.append(seen[path])
            os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))  # it is as old as what it says
    return found, seen, originals, findings


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() in TABLES and path.stat().st_size > 0 and not magic.kind(path)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file with the folder that it stands in, its name, and the labels of its columns if it may be a table."""

    folder: str
    base: str
    path: Path
    labels: tuple[str, ...]


def _entry(shown: str, path: Path) -> _Entry:
    place = Path(shown)
    table = place.suffix.lower() in TABLES and not place.name.startswith((".", "~$"))
    return _Entry(place.parent.as_posix(), place.name, path, header.labels(path) if table else ())


def _said(path: Path, form: Format) -> tuple[Manifest, list[Finding]]:
    names = [kind.name for kind in form.kinds] + list(form.ignored)
    return manifest.read(path, form.manifest or path.name, names)


def _unpacked(path: Path, form: Format, into: Path) -> tuple[list[tuple[str, Path]], list[Finding]]:
    """The same for the members of an archive; those of no use are noted."""
    found = archive.unpack(path, {*_known(form), *TABLES}, into)
    return found.members, _left(found.left, form)


def _left(names: Iterable[str], form: Format) -> list[Finding]:
    """Remarks on what is of no use, but for what is known to be."""
    left = [Path(each).name for each in names if not each.startswith("__MACOSX/")]
    return [Finding("R-SET-15", each) for each in left if each not in form.ignored and not each.startswith(".")]


def _recognised(
    named: Iterable[tuple[str, Path]], form: Format
) -> tuple[dict[str, Path], dict[str, str], list[Finding], Format]:
    """Files by the name that the format gives them, where misplaced ones were seen, remarks, and the format itself,
    which is another when the files are plainly of that."""
    entries = sorted((_entry(shown, path) for shown, path in named), key=lambda each: (each.folder, each.base))
    findings: list[Finding] = []
    form = _format([each.labels for each in entries if each.folder == _home(entries, form)], form, findings)
    home = _home(entries, form)
    if home != ".":
        findings.append(Finding("R-SET-13", words="all files stand in one folder"))
    known = _known(form)
    found: dict[str, Path] = {}
    misplaced: dict[str, str] = {}
    strangers: list[tuple[_Entry, str]] = []
    ignored = {each.lower() for each in form.ignored}
    for each in entries:
        name = known.get(each.base.lower())
        like = kinds.fitting(each.labels, form) if each.labels else None
        if each.folder != home:
            if name:
                misplaced[name] = each.folder
        elif name is None:
            if each.base.lower() not in ignored and not each.base.startswith("."):
                strangers.append((each, like.name if like else ""))
        elif name in found:
            findings.append(Finding("R-SET-14", name))
        else:
            found[name] = each.path
            findings += _named_right(each, name, form)
    return found, misplaced, findings + _known_by_columns(strangers, found), form


def _known(form: Format) -> dict[str, str]:
    """The names of the format's files by how they are spelled in lower case."""
    return {name.lower(): name for name in (*(each.name for each in form.kinds), form.manifest) if name}


def _home(entries: Sequence[_Entry], form: Format) -> str:
    """The folder in which the set stands: the top, or the only one that has files of a format."""
    theirs = {name for each in (*form.others, *form.foreign) for name in _known(each)}
    folders: set[str] = set()
    for wanted in (
        lambda each: each.base.lower() in _known(form),
        lambda each: each.base.lower() in theirs,
        lambda each: bool(each.labels) and kinds.fitting(each.labels, form),
    ):
        folders = folders or {each.folder for each in entries if wanted(each)}
    return "." if "." in folders or len(folders) != 1 else next(iter(folders))


def _format(labels: Sequence[tuple[str, ...]], form: Format, findings: list[Finding]) -> Format:
    """The format that the files are plainly of, with a remark when it is not the one expected."""
    other = kinds.plainly([each for each in labels if each], form)
    if other in form.foreign and other is not None:
        findings.append(Finding(other.refusal, words=f"they are {other.title}, and {form.title} was expected"))
        return form
    if other is not None:
        findings.append(Finding("R-FORM-02", words=other.title))
        return other
    return form


def _named_right(entry: _Entry, name: str, form: Format) -> list[Finding]:
    """Remarks on the name of a file that has one of the format's: whether its columns are those of another."""
    findings = [Finding("R-SET-19", name)] if entry.base != name else []
    own = next((each for each in form.kinds if each.name == name), None)
    like = kinds.fitting(entry.labels, form) if own else None
    if own and like and like != own and not kinds.fits(entry.labels, own, form):
        findings.append(Finding("R-KIND-02", name, 1, words=f"its columns are those of {like.name}"))
    return findings


def _known_by_columns(strangers: Iterable[tuple[_Entry, str]], found: dict[str, Path]) -> list[Finding]:
    """Take files of other names for what their columns say, each where the file of that name is not there; what is
    taken is added to `found`."""
    named, taken, findings = set(found), set(), []
    for entry, name in strangers:
        if not name or name in named:
            words = f"its columns are those of {name}, which is there" if name else ""
            findings.append(Finding("R-SET-15", entry.base, words=words))
        elif name in taken:
            findings.append(Finding("R-KIND-03", name, words=entry.base))
        else:
            taken.add(name)
            found[name] = entry.path
            findings.append(Finding("R-KIND-01", name, words=f"its name is {entry.base}"))
    return findings


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
    if arrival.upload or not arrival.files or any(each.mode == "delta" for each in arrival.files.values()):
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
