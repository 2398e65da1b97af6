"""An account with a password that one server of a test knows, and the machine does not.

`sshd` looks accounts up in `/etc`. The server gets an `/etc` of its own for that: a mount namespace in which the account's
`passwd`, `shadow` and rules for PAM lie over the real files. It ends with the server's process, so there is nothing to
take back, and whatever is left behind by a test that was killed, no account is. Root may do so, where the machine lets it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

USER_ID = 54_321
"""An id that no user of a machine has: the account is an ordinary one, to whom only the served folder belongs."""
_DAY = 20_000
"""Some day, counted from 1970, long ago for a password with a term."""
_OVERLAID = ("passwd", "shadow", "pam.d")
_ENTER = "; ".join((
    "set -e", 'over="$1"', "shift", *(f'mount --bind "$over/{each}" /etc/{each}' for each in _OVERLAID), 'exec "$@"',
))  # fmt: skip
_PAM = "".join(f"{each} required pam_unix.so\n" for each in ("auth", "account", "session", "password"))


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody whom a server knows. The password of an `expired` account must be changed at the next log-in."""

    username: str
    password: str
    expired: bool = False


def hindrance() -> str:
    """Why this machine can have no such account; empty where it can."""
    if os.getuid() != 0:
        return "sshd checks passwords for root alone"
    if not Path("/etc/pam.d").is_dir():
        return "there is no PAM"
    unshare = shutil.which("unshare")
    if unshare is None:
        return "there is no unshare (Debian: util-linux)"
    tried = subprocess.run([unshare, "--mount", "true"], check=False, capture_output=True)  # noqa: S603 # our own arguments
    return "" if tried.returncode == 0 else "this machine's root may not make mount namespaces"


def known_to(command: list[str], account: Account, settings: Path) -> list[str]:
    """The command that runs `command` where there is the account, and no other but those of the system. `settings` is a
    folder for the files that say so."""
    over = settings / "etc"
    (over / "pam.d").mkdir(parents=True, exist_ok=True)
    (over / "pam.d" / "sshd").write_text(_PAM, encoding="utf-8")
    home = f"{account.username}:x:{USER_ID}:{USER_ID}::/:/bin/sh\n"
    (over / "passwd").write_text(Path("/etc/passwd").read_text(encoding="utf-8") + home, encoding="utf-8")
    term = f"{_DAY - 10}:0:1" if account.expired else f"{_DAY}:0:99999"
    shadow = over / "shadow"
    shadow.touch(mode=0o600)
    shadow.write_text(f"{account.username}:{_hashed(account.password)}:{term}:7:::\n", encoding="utf-8")
    enter = ("--mount", "--propagation", "private", "/bin/sh", "-c", _ENTER, "sh")
    return [str(shutil.which("unshare")), *enter, str(over), *command]


def _hashed(password: str) -> str:
    """As `shadow` has it: by the library that `sshd` itself asks."""
    library = ctypes.CDLL(ctypes.util.find_library("crypt"))
    library.crypt.restype = ctypes.c_char_p
    found: bytes = library.crypt(password.encode(), f"$6${secrets.token_hex(8)}".encode())
    return found.decode()
