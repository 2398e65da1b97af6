"""Fetching what a reference stands for. A reference says where the secret is: an environment variable, a file, or the
keyring of the operating system. What is fetched is never shown."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncrun.errors import Problem
from syncrun.sdk import SecretText


class MissingSecretError(Exception):
    """There is nothing where the reference points; `hint` says what would help."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def fetch(reference: str, folder: Path, environment: Mapping[str, str] = os.environ) -> SecretText:
    """The secret behind `env:NAME`, `file:/path` (relative paths start at `folder`) or `keyring:service/name`."""
    scheme, _, where = reference.partition(":")
    if scheme == "env":
        if not environment.get(where):
            raise MissingSecretError(
                f"refers to the environment variable {where}, which is not set", f"export {where}=..."
            )
        return SecretText(environment[where])
    if scheme == "file":
        try:
            found = (folder / where).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise MissingSecretError(
                f"refers to the file {where}, which cannot be read", "create it, mode 0600"
            ) from None
        if not found:
            raise MissingSecretError(f"refers to the file {where}, which is empty", "write the secret into it")
        return SecretText(found)
    return _from_keyring(where)


def _from_keyring(where: str) -> SecretText:
    service, _, user = where.rpartition("/")
    try:
        keyring: Any = importlib.import_module("keyring")
    except ModuleNotFoundError:
        raise MissingSecretError("refers to the keyring, which is not installed", "install syncrun[keyring]") from None
    try:
        found = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 # every backend has errors of its own
        raise MissingSecretError(f"cannot be fetched from the keyring ({type(error).__name__})",
                                 "use env: or file: where there is no desktop") from None  # fmt: skip
    if not found:
        raise MissingSecretError(
            f"refers to {where} in the keyring, which is not there", f"keyring set {service} {user}"
        )
    return SecretText(found)


def problem(path: str, error: MissingSecretError) -> Problem:
    """The problem to report for a setting at `path`."""
    return Problem("E-CONFIG-5", path, error.message, error.hint)
