"""Which of the files of a folder belong together: an archive is a set, and so are loose files of about the same time.

Of several sets the newest whole one counts. Files of two nights are never put together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from syncrun.sdk import Format


@dataclass(frozen=True, slots=True)
class Remote:
    """A file as a listing has it. `size` in bytes, None where the server does not say; `modified` in seconds since 1970,
    0 for unknown."""

    name: str
    size: int | None
    modified: float


@dataclass(frozen=True, slots=True)
class Generation:
    """Files that arrived together."""

    files: tuple[Remote, ...]

    @property
    def written(self) -> float:
        """When the newest of them was."""
        return max(each.modified for each in self.files)

    @property
    def names(self) -> frozenset[str]:
        """Their names."""
        return frozenset(each.name for each in self.files)


def generations(files: Iterable[Remote], spread: float) -> list[Generation]:
    """The sets, the newest first; the loose files of one were written within `spread` seconds."""
    found: list[Generation] = []
    loose: list[Remote] = []
    for each in sorted(files, key=lambda each: (-each.modified, each.name)):
        if each.name.lower().endswith(".zip"):
            found.append(Generation((each,)))
            continue
        if loose and loose[0].modified - each.modified > spread:
            found.append(Generation(tuple(loose)))
            loose = []
        loose.append(each)
    if loose:
        found.append(Generation(tuple(loose)))
    return sorted(found, key=lambda each: -each.written)


def whole(names: Collection[str], form: Format) -> bool:
    """Whether these are all that a set of the format, or of another that it may be, must have: what is required, or just
    those that make a set by themselves. Files of which a format knows nothing are then those of none."""
    there = {each.lower() for each in names}
    if any(each.endswith(".zip") for each in there):
        return True
    forms = (form, *form.others)
    known = there & set().union(*map(_kinds, forms))
    return any(known and known <= _kinds(each) and _all(known, each) for each in forms)


def _kinds(form: Format) -> set[str]:
    return {kind.name.lower() for kind in form.kinds}


def _all(known: Collection[str], form: Format) -> bool:
    required = {kind.name.lower() for kind in form.kinds if kind.required}
    return required <= set(known) or set(known) == {each.lower() for each in form.partial}


def newest(found: Sequence[Generation], form: Format) -> Generation:
    """The set to take: the newest, or where only a part of it has come, the newest whole one."""
    if _partly(found[0].names, form):
        return next((each for each in found if whole(each.names, form)), found[0])
    return found[0]


def _partly(names: Collection[str], form: Format) -> bool:
    """Whether these are plainly a part of a set and not all of it. Names that say nothing say nothing of this."""
    known = set().union(*map(_kinds, (form, *form.others)))
    return bool(known & {each.lower() for each in names}) and not whole(names, form)
