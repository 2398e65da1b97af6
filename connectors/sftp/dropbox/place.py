"""Where the drop box keeps what it has, below the home folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of a drop box. All are made with mode 0700: they hold children's data."""

    home: Path

    @property
    def root(self) -> Path:
        """All of it."""
        return self.home / "sftp"

    @property
    def accounts(self) -> Path:
        """One file an account."""
        return self.root / "accounts"

    @property
    def boxes(self) -> Path:
        """One folder an account, with whole files alone."""
        return self.root / "boxes"

    @property
    def arriving(self) -> Path:
        """Files that are being sent; on the same file system as the boxes."""
        return self.root / "arriving"

    @property
    def sets(self) -> Path:
        """One folder an account, in it one a whole set."""
        return self.root / "sets"

    @property
    def ready(self) -> Path:
        """By account, the newest whole set."""
        return self.root / "ready"

    @property
    def taken(self) -> Path:
        """By account, the newest set that was dealt with. One that is ready and not taken waits for its run."""
        return self.root / "taken"

    @property
    def running(self) -> Path:
        """One lock a district, held while it runs."""
        return self.root / "running"

    @property
    def host_key(self) -> Path:
        """The server's private key."""
        return self.root / "host_key"

    @property
    def audit(self) -> Path:
        """A line for each thing that happened."""
        return self.root / "audit.jsonl"

    def make(self) -> None:
        """Make the folders that are missing."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        files = (self.accounts, self.boxes, self.arriving, self.sets)
        for folder in (self.root, *files, self.ready, self.taken, self.running):
            folder.mkdir(exist_ok=True, mode=0o700)
