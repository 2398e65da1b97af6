"""Who may send files: one file an account, mode 0600, with the hash of a password that we made, or public keys.

The server reads it at each log-in and again while somebody is logged in, so that a change holds at once.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import argon2

from syncrun.errors import FaultError, UsageError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
QUOTA = 4_000_000_000
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The least that OWASP's cheat sheet on password storage advises. Our passwords are random, 144 bits long."""
_NOBODY = _HASHER.hash(secrets.token_urlsafe(18))
"""Compared with where there is no account, so that its absence does not show in the time that an answer takes."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who sends files, for one district. `password` is a hash, `keys` are public keys as OpenSSH writes them.
    `quota` is how many bytes the box may hold; who `reads` may fetch back what is in it."""

    name: str
    district: str
    password: str | None = field(default=None, repr=False)
    keys: tuple[str, ...] = ()
    enabled: bool = True
    quota: int = QUOTA
    reads: bool = False


class Accounts:
    """The accounts, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> Account | None:
        """The account of a name, if there is one. A name that cannot be an account's is never made into a path."""
        if not NAME.fullmatch(name):
            return None
        try:
            told = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
            return Account(**{**told, "keys": tuple(told["keys"])})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            raise FaultError(f"The file of the account {name} cannot be read.",
                             next_step="Restore it from a backup, or make the account anew.") from None  # fmt: skip

    def all(self) -> list[Account]:
        """All accounts, by name."""
        found = [self.get(path.stem) for path in sorted(self._folder.glob("*.json"))]
        return [each for each in found if each is not None]

    def put(self, account: Account) -> None:
        """Write an account, whole or not at all."""
        if not NAME.fullmatch(account.name):
            raise UsageError("The name of an account has small letters, digits, - and _, 32 at the most.")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._folder / f".{account.name}-{secrets.token_hex(4)}"
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as stream:
            json.dump(dataclasses.asdict(account), stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self._folder / f"{account.name}.json")


def new_password() -> str:
    """A password that nobody has to think up, and nobody can guess."""
    return secrets.token_urlsafe(18)


def hashed(password: str) -> str:
    """The hash to keep in its place."""
    return _HASHER.hash(password)


def right(account: Account | None, password: str) -> bool:
    """Whether the password is the account's; takes as long when there is no account, or it may not log in."""
    usable = account is not None and account.enabled and account.password
    try:
        matches = _HASHER.verify(account.password if account and account.password else _NOBODY, password)
    except argon2.exceptions.VerificationError:
        return False
    return bool(usable) and matches
