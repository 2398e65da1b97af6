"""The files of one account, and nothing beyond.

There is one folder, without folders in it. A path from outside becomes a bare name, or is refused, before anything is
opened; a name is opened below a folder that is held open, and links are not followed. So nothing that a path can say leads
out, whatever else is on the disk.

What arrives is written elsewhere and gets its name when it is whole: no reader ever sees half a file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from syncrun.connectors.sftp.dropbox.account import Account
from syncrun.connectors.sftp.dropbox.place import Place
from syncrun.connectors.sftp.dropbox.rule import ALIASES, Rules
from syncrun.connectors.sftp.name import plain

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 1 << 20


@dataclass(slots=True)
class Usage:
    """What an account's sessions take together: bytes in the box, and bytes and files that are arriving."""

    kept: int = 0
    arriving: int = 0
    uploads: int = 0


@dataclass(slots=True, eq=False)
class Upload:
    """A file that is being sent. `whole` becomes false when a part of it was refused."""

    name: str
    part: str
    handle: int
    size: int = 0
    received: int = 0
    whole: bool = True
    digest: hashlib._Hash | None = field(default_factory=hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Received:
    """A file that was sent whole."""

    name: str
    size: int
    sha256: str


class Box:
    """One account's files, for one session. Errors are `OSError`s with the number that fits; their words hold no path."""

    def __init__(self, place: Place, account: Account, rules: Rules, usage: Usage) -> None:
        self._account, self._rules, self._usage = account, rules, usage
        self._arriving = os.open(place.arriving, _FOLDER)
        boxes = os.open(place.boxes, _FOLDER)
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(account.name, 0o700, dir_fd=boxes)
            self._files = os.open(account.name, _FOLDER, dir_fd=boxes)
        finally:
            os.close(boxes)
        self._held = [self._arriving, self._files]

    def close(self) -> None:
        """Let go of the folders; once more does no harm."""
        while self._held:
            os.close(self._held.pop())

    def name(self, path: bytes) -> str | None:
        """The name that a path from outside means; None is the box itself. Raises `OSError` for any other."""
        try:
            text = path.decode("utf-8")
        except UnicodeDecodeError:
            raise _error(errno.EINVAL) from None
        parts: list[str] = []
        for each in text.split("/"):
            if each == "..":
                parts = parts[:-1]
            elif each not in {"", "."}:
                parts.append(each)
        if parts and parts[0].lower() in ALIASES:
            parts = parts[1:]
        if not parts:
            return None
        if len(parts) > 1:
            raise _error(errno.ENOENT)
        if not self._rules.names.fullmatch(parts[0]) or not plain(parts[0]):
            raise _error(errno.EINVAL)
        return parts[0]

    def file(self, path: bytes) -> str:
        """The name of a file; the box itself is none."""
        found = self.name(path)
        if found is None:
            raise _error(errno.EISDIR)
        return found

    def listed(self) -> Iterator[tuple[str, os.stat_result]]:
        """The files by name."""
        for name in sorted(os.listdir(self._files)):  # noqa: PTH208 # by an open folder, not by a path
            try:
                found = self.look(name)
            except FileNotFoundError:
                continue
            yield name, found

    def look(self, name: str) -> os.stat_result:
        """What the disk says of a file; whatever is no plain file is not there."""
        found = os.stat(name, dir_fd=self._files, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            raise _error(errno.ENOENT)
        return found

    def there(self, name: str) -> bool:
        """Whether there is a file of that name."""
        try:
            self.look(name)
        except FileNotFoundError:
            return False
        return True

    def open(self, name: str) -> int:
        """Open a file for reading; those may who are allowed to."""
        if not self._account.reads:
            raise _error(errno.EACCES)
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._files)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise _error(errno.ENOENT)
        return handle

    def begin(self, name: str) -> Upload:
        """Begin to take in a file."""
        kept = dict(self.listed())
        self._usage.kept = sum(each.st_size for each in kept.values())
        if len(kept.keys() | {name}) + self._usage.uploads > self._rules.files:
            raise _error(errno.EDQUOT)
        part = f"{self._account.name}-{secrets.token_hex(8)}"
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(part, flags, 0o600, dir_fd=self._arriving)
        self._usage.uploads += 1
        return Upload(name, part, handle)

    def write(self, upload: Upload, offset: int, data: bytes) -> int:
        """Take in a part of a file, within the bounds. After one refusal the file does not count."""
        end = offset + len(data)
        growth = max(0, end - upload.size)
        if end > self._rules.file_bytes or self._usage.kept + self._usage.arriving + growth > self._account.quota:
            upload.whole = False
        if not upload.whole:
            raise _error(errno.EFBIG if end > self._rules.file_bytes else errno.EDQUOT)
        if upload.digest and offset == upload.size:
            upload.digest.update(data)
        else:
            upload.digest = None  # it came out of order, and is read again at the end
        self._usage.arriving += growth
        upload.size += growth
        upload.received += len(data)
        view = memoryview(data)
        try:
            while view:
                done = os.pwrite(upload.handle, view, offset)
                view, offset = view[done:], offset + done
        except OSError:
            upload.whole = False
            raise
        return len(data)

    def finish(self, upload: Upload) -> Received:
        """Give a whole file its name, durably, in place of one that had it. Raises `OSError` when it has holes or a part
        of it was refused; then it is gone. Takes as long as the disk does."""
        try:
            if not upload.whole or upload.received < upload.size:
                raise _error(errno.EIO)
            digest = upload.digest or _digest(upload.handle)
            os.fsync(upload.handle)
            os.rename(upload.part, upload.name, src_dir_fd=self._arriving, dst_dir_fd=self._files)
            os.fsync(self._files)
        except OSError:
            self.drop(upload)
            raise
        self._over(upload)
        return Received(upload.name, upload.size, digest.hexdigest())

    def drop(self, upload: Upload) -> None:
        """Forget a file that did not come whole."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(upload.part, dir_fd=self._arriving)
        self._over(upload)

    def _over(self, upload: Upload) -> None:
        os.close(upload.handle)
        self._usage.uploads -= 1
        self._usage.arriving -= upload.size

    def rename(self, old: str, new: str, *, over: bool) -> None:
        """Give a file another name; `over` one that is there only when that is asked for."""
        self.look(old)
        if not over and self.there(new):
            raise _error(errno.EEXIST)
        os.rename(old, new, src_dir_fd=self._files, dst_dir_fd=self._files)

    def remove(self, name: str) -> None:
        """Remove a file."""
        self.look(name)
        os.unlink(name, dir_fd=self._files)


def _digest(handle: int) -> hashlib._Hash:
    found = hashlib.sha256()
    offset = 0
    while block := os.pread(handle, _BLOCK, offset):
        found.update(block)
        offset += len(block)
    return found


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def sweep(place: Place) -> int:
    """Remove what was being sent when the server stopped; how many files."""
    count = 0
    for path in place.arriving.iterdir():
        path.unlink()
        count += 1
    return count
