"""What can be amiss with the files on a server that is there and lets us in."""

from __future__ import annotations

from typing import ClassVar

from syncrun.errors import Blame, TransientError


class NothingNewError(TransientError):
    """The server is there, and there is nothing to take: no file, or only a set that is too old."""

    code = "E-SFTP-4"
    blame: ClassVar[Blame] = "data"
    safe = "Nothing was written."
    next_step = "Have the export looked at if files should be there; the next run looks again."


class NotReadyError(TransientError):
    """A set is there whose marker has not come."""

    code = "E-SFTP-5"
    blame: ClassVar[Blame] = "data"
    safe = "Nothing was written."
    next_step = "Run again when the upload has ended."
