"""What people archived by hand in a sink, and the operator was told of: each row is mentioned once, not every night."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from syncrun.run.folder import write_whole


@dataclass(frozen=True, slots=True)
class Aside:
    """The keys that were mentioned, by table, in a file. `remembers` is off for dry runs, which leave no trace."""

    path: Path
    remembers: bool = True

    def news(self, table: str, keys: Collection[str]) -> int:
        """How many of the keys were not mentioned before. They are from now on, and only they: what came back and is
        archived again is news again."""
        known: dict[str, list[str]] = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}
        fresh = set(keys) - set(known.get(table, ()))
        if self.remembers and set(keys) != set(known.get(table, ())):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.path, json.dumps({**known, table: sorted(keys)}))
        return len(fresh)
