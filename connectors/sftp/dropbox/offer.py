"""Whole sets, set aside for runs: a run never reads the box itself, where the next file may come at any time.

A set is a folder of further links to the files of the box. A file that is sent again gets a new file on the disk, so that
the set stays as it was; `ready/X` is changed to the newest set in one step. `taken/X` names the set that was dealt with
last: whatever stops the server, a set waits until that was said of it, or of a newer one.
"""

from __future__ import annotations

import datetime
import os
import secrets
import shutil
from pathlib import Path

from syncrun.connectors.sftp.dropbox.place import Place
from syncrun.connectors.sftp.generation import Generation, Remote, generations, newest, whole
from syncrun.connectors.sftp.name import fits, unfinished
from syncrun.sdk import Format

MARKERS = ("*.done", "_SUCCESS")
KEPT_SETS = 3


def offer(place: Place, account: str, form: Format, spread: float, now: datetime.datetime) -> tuple[Path, ...]:
    """Set the newest whole set of an account aside; its files, none when there is no whole set or it was set aside before.

    A marker that came last says that the set is whole, whatever its files are called.
    """
    box = place.boxes / account
    chosen, sizes = _whole(box, form, spread)
    if chosen is None:
        return ()
    ready = place.ready / account
    if ready.is_symlink() and sizes == {each.name: each.stat().st_ino for each in ready.iterdir()}:
        return ()
    folder = place.sets / account / f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    folder.parent.mkdir(exist_ok=True, mode=0o700)
    folder.mkdir(mode=0o700)
    try:
        for name in sizes:
            os.link(box / name, folder / name, follow_symlinks=False)
    except FileNotFoundError:  # it was taken away this moment: what follows will be looked at
        shutil.rmtree(folder)
        return ()
    _point(ready, folder)
    for old in sorted(folder.parent.iterdir())[:-KEPT_SETS]:
        shutil.rmtree(old)
    return tuple(sorted(ready / name for name in sizes))


def ready_set(place: Place, account: str) -> str | None:
    """The newest set of an account by the name of its folder, if there is one."""
    return _pointed(place.ready / account)


def waiting(place: Place, account: str) -> tuple[Path, ...]:
    """The files of an account's newest set, none when it was dealt with."""
    ready = place.ready / account
    if ready_set(place, account) == _pointed(place.taken / account) or not ready.is_dir():
        return ()
    return tuple(sorted(ready.iterdir()))


def take(place: Place, account: str, name: str) -> None:
    """Note that a set was dealt with; it does not matter any more when there is a newer one."""
    if ready_set(place, account) == name:
        _point(place.taken / account, place.sets / account / name)


def _pointed(link: Path) -> str | None:
    return link.readlink().name if link.is_symlink() else None


def _point(link: Path, folder: Path) -> None:
    """Make a link point to a folder, in one step."""
    new = link.with_name(f".{link.name}-{secrets.token_hex(4)}")
    new.symlink_to(os.path.relpath(folder, link.parent))
    new.replace(link)


def _whole(box: Path, form: Format, spread: float) -> tuple[Generation | None, dict[str, int]]:
    """The newest whole set in a box, and where on the disk each of its files is."""
    if not box.is_dir():
        return None, {}
    entries = [each for each in os.scandir(box) if each.is_file(follow_symlinks=False)]
    looks = {each.name: each.stat(follow_symlinks=False) for each in entries}
    marked = max((look.st_mtime_ns for name, look in looks.items() if fits(name, MARKERS)), default=0)
    files = {name: look for name, look in looks.items() if not fits(name, MARKERS) and not unfinished(name)}
    found = generations((Remote(name, look.st_size, look.st_mtime) for name, look in files.items()), spread)
    if not found:
        return None, {}
    if marked >= max(look.st_mtime_ns for look in files.values()):
        chosen = found[0]
    else:
        chosen = newest(found, form)
        if not whole(chosen.names, form):
            return None, {}
    return chosen, {name: files[name].st_ino for name in sorted(chosen.names)}
