"""The district files of `districts/`, each read when it is new or has changed, and again while it cannot be used: what it
lacks may come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from syncrun.config.district import District, district_names, find, load
from syncrun.errors import ConfigError
from syncrun.registry import Registry

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Filed:
    """A district file as it was read last. `name` is the district's; `district` is None when the file cannot be used."""

    name: str
    path: Path
    stamp: Stamp
    district: District | None


class Shelf:
    """The district files by the names of their districts. Where two have one name, the first file counts."""

    def __init__(self) -> None:
        self._registry = Registry()
        self._by_path: dict[Path, Filed] = {}
        self._by_name: dict[str, Filed] = {}
        self._given: dict[Path, Filed] = {}

    def get(self, district: str) -> Filed | None:
        """The file of a district, if there is one."""
        return self._by_name.get(district)

    def all(self) -> list[Filed]:
        """All files, by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def look(self) -> Iterator[Filed]:
        """Read what is new or has changed since the last look; those files that count. One that its taker did not get done
        with comes again. A file that cannot be used any more keeps its district's name."""
        there = dict(_files())
        if any(each.district is None for each in self._by_path.values()):
            self._registry = Registry()  # its plug-in may have been installed since
        self._by_path = {path: self._read_anew(path, stamp) for path, stamp in there.items()}
        self._by_name = {}
        for found in self._by_path.values():
            self._by_name.setdefault(found.name, found)
        counting = {each.path: each for each in self._by_name.values()}
        self._given = {path: found for path, found in self._given.items() if counting.get(path) is found}
        for path, found in counting.items():
            if path not in self._given:
                yield found
                self._given[path] = found

    def _read_anew(self, path: Path, stamp: Stamp) -> Filed:
        """A file as it is now. One that cannot be used is always read: it may have been for want of another file."""
        before = self._by_path.get(path)
        if before and before.stamp == stamp and before.district:
            return before
        return self._read(path, stamp, before.name if before else path.stem)

    def _read(self, path: Path, stamp: Stamp, name: str) -> Filed:
        try:
            district = load(str(path), self._registry, fetch_secrets=False)
        except Exception:  # noqa: BLE001 # a plug-in may raise anything; a run of this district says what, others go on
            return Filed(name, path, stamp, None)
        return Filed(district.name, path, stamp, district)


def _files() -> Iterator[tuple[Path, Stamp]]:
    for name in district_names():
        try:
            path = find(name)
            look = path.stat()
        except (ConfigError, OSError):  # it went away this moment
            continue
        yield path, (look.st_mtime_ns, look.st_size, look.st_ino)
