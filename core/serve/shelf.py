"""The district files of `districts/`, each read when it is new or has changed."""

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

    def get(self, district: str) -> Filed | None:
        """The file of a district, if there is one."""
        return self._by_name.get(district)

    def all(self) -> list[Filed]:
        """All files, by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def look(self) -> Iterator[Filed]:
        """Read what is new or has changed since the last look; those files. A file that cannot be used any more keeps its
        district's name."""
        there = dict(_files())
        for path in self._by_path.keys() - there.keys():
            del self._by_path[path]
        for path, stamp in there.items():
            before = self._by_path.get(path)
            if before is None or before.stamp != stamp:
                self._by_path[path] = found = self._read(path, stamp, before.name if before else path.stem)
                yield found
        self._by_name = {}
        for path in there:
            self._by_name.setdefault(self._by_path[path].name, self._by_path[path])

    def _read(self, path: Path, stamp: Stamp, name: str) -> Filed:
        try:
            district = load(str(path), self._registry, fetch_secrets=False)
        except ConfigError:
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
