"""A snapshot: the roster as it was last accepted, one Parquet file an entity, and what is known of each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class SnapshotTable:
    """The accepted rows of one entity. `path` is relative to the home folder. `made_up` says that no file brought
    them; `file`, `sha256`, `rows`, `ended` and `written` are of the file that did: its name, its hash, its rows, whether
    its last line had a line end, and when it was written (seconds since 1970, 0 for unknown); `origins` are the files
    that its rows were drawn from, by the number in their lines (`syncrun.intake.origin`)."""

    path: str
    rows: int
    file: str = ""
    sha256: str = ""
    ended: bool = True
    made_up: bool = False
    origins: tuple[str, ...] = ()
    written: float = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One generation of a district's roster. `pull` is kept for a source that sends records
    (`syncrun.run.pulling.Pulled`), `form` for files: the name of the format that the last whole set was of."""

    id: str
    version: str
    tables: Mapping[str, SnapshotTable]
    pull: Mapping[str, Any] | None = None
    form: str = ""

    def arrived(self) -> list[str]:
        """The entities that files brought."""
        return [entity for entity, table in self.tables.items() if not table.made_up]

    def paths(self, home: Path) -> dict[str, Path]:
        """Where each entity's rows are."""
        return {entity: home / table.path for entity, table in self.tables.items()}

    def to_json(self) -> str:
        """The snapshot as the state database keeps it."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Snapshot:
        """The reverse of `to_json`."""
        raw = json.loads(text)
        tables = {
            entity: SnapshotTable(**{**table, "origins": tuple(table.get("origins", ()))})
            for entity, table in raw["tables"].items()
        }
        return cls(raw["id"], raw["version"], tables, raw.get("pull"), raw.get("form", ""))
