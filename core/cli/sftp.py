"""`syncrun sftp`: the drop box and its accounts, and the fingerprints of servers' keys."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syncrun.cli.opening import district_option, json_option
from syncrun.errors import EXIT_DONE, UsageError

if TYPE_CHECKING:
    from syncrun.connectors.sftp.dropbox.account import Account, Accounts
    from syncrun.connectors.sftp.dropbox.place import Place
    from syncrun.connectors.sftp.dropbox.schedule import Window

PORT = 2022

home_option = click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="The home folder (SYNCRUN_HOME)."
)
key_option = click.option(
    "--key", "keys", multiple=True, metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with a public key as OpenSSH writes it; may be given again. Without it a password is made.",
)  # fmt: skip


@click.group()
def sftp() -> None:
    """Take files in over SFTP: the drop box and its accounts; and see the keys of servers."""


@sftp.command()
@home_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 for all.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--window", default="19:00-21:00", show_default=True, metavar="FROM-TO", help="When runs may begin.")
@click.option("--zone", default="America/New_York", show_default=True, help="The time zone of the window.")
@click.option("--at-once", is_flag=True, help="Begin a run as soon as a whole set has come.")
@click.option("--no-runs", is_flag=True, help="Take files in, and begin no runs.")
@click.option("--quiet", default=300.0, show_default=True, type=click.FloatRange(0), metavar="SECONDS",
              help="How long nothing must have come before a set counts as whole.")  # fmt: skip
@json_option
def serve(
    home: Path | None, host: str, port: int, window: str, zone: str, at_once: bool, no_runs: bool, quiet: float,
    as_json: bool,
) -> int:  # fmt: skip
    """Serve the drop box until it is stopped: each account sends files into a box of its own.

    A whole set begins a run of its district, within the window, once a person has approved the district's first sync.
    """
    when = None if at_once else _window(window, zone)
    place = _place(home)
    os.environ["SYNCRUN_HOME"] = str(place.home)  # the runs' too
    asyncio.run(_serve(place, host, port, quiet, when, runs=not no_runs, as_json=as_json))
    return EXIT_DONE


async def _serve(
    place: Place, host: str, port: int, quiet: float, when: Window | None, *, runs: bool, as_json: bool
) -> None:
    from syncrun.clock import SystemClock
    from syncrun.connectors.sftp.dropbox.rule import Rules
    from syncrun.connectors.sftp.dropbox.server import serving
    from syncrun.connectors.sftp.dropbox.start import Starter

    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    starter = Starter(first_sync_done, when, place.running, now=SystemClock().now, ended=_ended) if runs else None
    async with serving(place.home, Rules(quiet=quiet), host=host, port=port, on_complete=starter) as drop:
        facts = {"host": host, "port": drop.port, "host_key": drop.fingerprint}
        click.echo(
            json.dumps(facts)
            if as_json
            else f"Serving SFTP at {host}:{drop.port}, key {drop.fingerprint}, until Ctrl-C."
        )
        await stop.wait()


def _ended(district: str, code: int, again: float | None) -> None:
    from syncrun.connectors.sftp.dropbox.start import FINAL

    if again is not None:
        more = f", and is tried again in {again:.0f} seconds or when the window is open"
    else:
        more = "" if code in FINAL else f", too often: begin it yourself, syncrun --district {district}"
    click.echo(f"The run of {district} ended with exit {code}{more}.", err=True)


def first_sync_done(district: str) -> bool:
    """Whether a first sync of the district was carried out: without that none begins by itself."""
    from syncrun.cli.opening import open_state
    from syncrun.state import history

    return history.first_sync_done(open_state(), district)


def _window(text: str, zone: str) -> Window:
    import datetime
    import zoneinfo

    from syncrun.connectors.sftp.dropbox.schedule import Window

    try:
        start, end = (datetime.time.fromisoformat(each) for each in text.split("-"))
        zoneinfo.ZoneInfo(zone)
    except (ValueError, zoneinfo.ZoneInfoNotFoundError):
        raise UsageError(
            "The window is not right.", next_step="Write --window 19:00-21:00 --zone America/New_York."
        ) from None
    return Window(start, end, zone)


@sftp.command()
@home_option
@click.argument("host", required=False)
@click.option("--port", default=22, show_default=True, type=click.IntRange(1, 65535), help="The server's port.")
@click.option("--legacy", is_flag=True, help="Also look for keys of old kinds.")
@json_option
def hostkey(home: Path | None, host: str | None, port: int, legacy: bool, as_json: bool) -> int:
    """Print the fingerprints of a server's keys; without HOST, of our own drop box.

    Compare them with what the server's operator says before one goes into a district file: whoever answers at an address
    may print any.
    """
    if host is None:
        from syncrun.connectors.sftp.dropbox.hostkey import host_key

        found = [("ssh-ed25519", host_key(_place(home).host_key).get_fingerprint())]
    else:
        from syncrun.sdk.sftp.connection import host_keys

        keys = asyncio.run(host_keys(host, port, legacy=legacy))
        found = [(each.kind, each.fingerprint) for each in keys]
    if as_json:
        click.echo(json.dumps([{"kind": kind, "fingerprint": fingerprint} for kind, fingerprint in found], indent=2))
    else:
        for kind, fingerprint in found:
            click.echo(f"{fingerprint}  {kind}")
    return EXIT_DONE


@sftp.group()
def user() -> None:
    """Make, change, withdraw and list accounts of the drop box."""


@user.command()
@home_option
@click.argument("name")
@district_option
@key_option
@click.option("--quota-mb", default=4000, show_default=True, type=click.IntRange(1), help="What the box may hold.")
@click.option("--may-read", is_flag=True, help="Let the account also fetch what it has sent.")
@json_option
def add(
    home: Path | None, name: str, district: str | None, keys: tuple[Path, ...], quota_mb: int, may_read: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Make an account, NAME, for one district (of the same name unless --district names it)."""
    from syncrun.connectors.sftp.dropbox.account import Account

    accounts = _accounts(home)
    if accounts.get(name):
        raise UsageError(f"There is an account {name}.", next_step=f"See `syncrun sftp user rotate {name}`.")
    made = Account(name, district or name, quota=quota_mb * 1_000_000, reads=may_read)
    return _put(accounts, made, keys, as_json=as_json)


@user.command()
@home_option
@click.argument("name")
@key_option
@json_option
def rotate(home: Path | None, name: str, keys: tuple[Path, ...], as_json: bool) -> int:
    """Give an account a new password, or other keys. The old ones end at once, and so do sessions that are open."""
    accounts = _accounts(home)
    return _put(accounts, dataclasses.replace(_known(accounts, name), enabled=True), keys, as_json=as_json)


@user.command()
@home_option
@click.argument("name")
def disable(home: Path | None, name: str) -> int:
    """Withdraw an account. Nobody logs in with it any more, and sessions that are open end; its files stay."""
    accounts = _accounts(home)
    accounts.put(dataclasses.replace(_known(accounts, name), enabled=False))
    click.echo(f"{name} is withdrawn. `syncrun sftp user rotate {name}` gives it back with a new password.")
    return EXIT_DONE


@user.command("list")
@home_option
@json_option
def list_(home: Path | None, as_json: bool) -> int:
    """List the accounts."""
    rows = [
        {"name": each.name, "district": each.district, "enabled": each.enabled, "password": bool(each.password),
         "keys": len(each.keys), "quota_mb": each.quota // 1_000_000, "reads": each.reads}
        for each in _accounts(home).all()
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return EXIT_DONE
    for row in rows:
        by = f"{row['keys']} keys" if row["keys"] else "password"
        click.echo(f"{row['name']}  district {row['district']}  {by}{'' if row['enabled'] else '  withdrawn'}")
    return EXIT_DONE


def _put(accounts: Accounts, account: Account, keys: tuple[Path, ...], *, as_json: bool) -> int:
    """Write an account with keys, or with a password that is shown this once."""
    from syncrun.connectors.sftp.dropbox.account import hashed, new_password

    told = {"name": account.name, "district": account.district}
    if keys:
        accounts.put(dataclasses.replace(account, password=None, keys=tuple(map(_public, keys))))
    else:
        told["password"] = new_password()
        accounts.put(dataclasses.replace(account, password=hashed(told["password"]), keys=()))
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return EXIT_DONE
    click.echo(f"{account.name} may send files for the district {account.district}.")
    if not keys:
        click.echo(f"Password, shown this once: {told['password']}")
    return EXIT_DONE


def _public(path: Path) -> str:
    """A public key from a file; private ones are turned away."""
    import asyncssh

    try:
        text = path.read_bytes()
        key = asyncssh.import_public_key(b"" if b"PRIVATE" in text else text)
    except (asyncssh.KeyImportError, OSError):
        raise UsageError(
            f"{path.name} holds no public key.", next_step="Give the .pub file that ssh-keygen wrote."
        ) from None
    return key.export_public_key("openssh").decode("ascii").strip()


def _known(accounts: Accounts, name: str) -> Account:
    found = accounts.get(name)
    if found is None:
        raise UsageError(f"There is no account {name}.", next_step="See `syncrun sftp user list`.")
    return found


def _place(home: Path | None) -> Place:
    from syncrun.config.district import home as default
    from syncrun.connectors.sftp.dropbox.place import Place

    place = Place((home or default()).absolute())
    place.make()
    return place


def _accounts(home: Path | None) -> Accounts:
    from syncrun.connectors.sftp.dropbox.account import Accounts

    return Accounts(_place(home).accounts)
