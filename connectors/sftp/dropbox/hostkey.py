"""The server's own key: made once, kept, and known to districts by its fingerprint. A new one would look to them like an
attack."""

from __future__ import annotations

import os
from pathlib import Path

import asyncssh

from syncrun.errors import RefusedError


def host_key(path: Path) -> asyncssh.SSHKey:
    """The key in the file, which is made with mode 0600 when it is missing. Raises `RefusedError` when others may read it
    or it cannot be read."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _kept(path)
    key = asyncssh.generate_private_key("ssh-ed25519")
    with os.fdopen(handle, "wb") as stream:
        stream.write(key.export_private_key())
        stream.flush()
        os.fsync(stream.fileno())
    return key


def _kept(path: Path) -> asyncssh.SSHKey:
    if path.stat().st_mode & 0o077:
        raise RefusedError("The server's private key can be read by others.",
                           next_step=f"chmod 600 {path}, and consider whether it was read; then run again.")  # fmt: skip
    try:
        return asyncssh.import_private_key(path.read_bytes())
    except asyncssh.KeyImportError:
        raise RefusedError("The server's private key cannot be read.",
                           next_step=f"Restore {path} from a backup; a new key makes every district stop.") from None  # fmt: skip
