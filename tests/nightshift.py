"""A drop box in a process of its own, to be killed, whose runs only write down what they see.

    python nightshift.py HOME LOG MOMENT

HOME is the home folder; LOG is the folder of a `Recorder`; MOMENT is the time that it is taken to be, which stands still.
Prints its port. The window is the usual one, and tries follow each other at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harbour import PASSWORD

from syncrun.connectors.sftp.dropbox.account import Account, Accounts, hashed
from syncrun.connectors.sftp.dropbox.place import Place
from syncrun.connectors.sftp.dropbox.rule import Rules
from syncrun.connectors.sftp.dropbox.schedule import Window
from syncrun.connectors.sftp.dropbox.server import serving
from syncrun.connectors.sftp.dropbox.start import Starter

AFTERNOON, EVENING = "2026-11-22T17:00-05:00", "2026-11-22T19:30-05:00"

_RUN = """
import hashlib, json, os, pathlib, sys, time
log, ready = map(pathlib.Path, sys.argv[1:3])

def note(**told):
    with (log / "log").open("a") as stream:
        stream.write(json.dumps({"pid": os.getpid(), **told}) + "\\n")

note(district=sys.argv[3], seen={each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in ready.iterdir()})
end = time.monotonic() + 30
while (log / "hold").exists() and time.monotonic() < end:
    time.sleep(0.01)
code = (log / "code").read_text().split() if (log / "code").exists() else []
(log / "code").write_text(" ".join(code[1:]))
note(code=int(code[0]) if code else 0)
sys.exit(int(code[0]) if code else 0)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its process, its district, the SHA-256 of each file that it saw, and its exit code when it has ended."""

    pid: int
    district: str
    seen: dict[str, str]
    code: int | None


class Recorder:
    """Stands in for runs: each notes what is in a folder, waits while it is told to `hold`, and ends with the next of the
    codes it is given, or 0. Raises `AssertionError` when two were at work at one time."""

    def __init__(self, log: Path, ready: Path) -> None:
        self.log, self.ready = log, ready
        log.mkdir(exist_ok=True)

    def command(self, district: str) -> tuple[str, ...]:
        return sys.executable, "-c", _RUN, str(self.log), str(self.ready), district

    def hold(self) -> None:
        (self.log / "hold").touch()

    def let_go(self) -> None:
        (self.log / "hold").unlink()

    def codes(self, *codes: int) -> None:
        (self.log / "code").write_text(" ".join(map(str, codes)))

    @property
    def runs(self) -> list[Run]:
        """All runs so far, the oldest first."""
        found: list[Run] = []
        for line in (self.log / "log").read_text().splitlines() if (self.log / "log").exists() else ():
            told = json.loads(line)
            if "code" in told:
                assert found[-1].pid == told["pid"], "two runs at one time"
                found[-1] = Run(found[-1].pid, found[-1].district, found[-1].seen, told["code"])
            else:
                assert not found or found[-1].code is not None, "two runs at one time"
                found.append(Run(told["pid"], told["district"], told["seen"], None))
        return found

    def ended(self, count: int = 1) -> bool:
        """Whether so many runs have ended, and none is at work."""
        return len(self.runs) >= count and self.runs[-1].code is not None


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something; raises `AssertionError` when it does not come."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def sums(**files: bytes) -> dict[str, str]:
    """The SHA-256 of files, named without their `.csv`."""
    return {f"{name}.csv": hashlib.sha256(body).hexdigest() for name, body in files.items()}


@contextlib.contextmanager
def on_duty(home: Path, log: Path, moment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The program beside the test, and its port; it is killed at the end."""
    command = [sys.executable, __file__, str(home), str(log), moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


async def main(home: Path, log: Path, moment: datetime.datetime) -> None:
    place = Place(home)
    place.make()
    accounts = Accounts(place.accounts)
    if accounts.get("oak") is None:
        accounts.put(Account("oak", "riverside", hashed(PASSWORD)))
    recorder = Recorder(log, place.ready / "oak")
    starter = Starter(lambda district: (log / "approved").exists(), Window(), place.running, now=lambda: moment,
                      command=recorder.command, pauses=(0.05,) * 500)  # fmt: skip
    async with serving(home, Rules(quiet=0.1), on_complete=starter) as drop:
        print(drop.port, flush=True)  # noqa: T201 # whoever started it waits for this
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), datetime.datetime.fromisoformat(sys.argv[3])))
