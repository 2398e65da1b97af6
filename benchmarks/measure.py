"""Commands in a process of their own, with wall time and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SHOWN = 3000


@dataclass(frozen=True, slots=True)
class Measured:
    """`seconds` from the start of the process to its end; `peak` in bytes, of the largest process or of the sum of
    the command and its descendants; `out` is what it printed."""

    seconds: float
    peak: int
    out: str

    def told(self) -> dict[str, float]:
        """What a worker of ours printed in its last line: seconds by part."""
        told: dict[str, float] = json.loads(self.out.strip().splitlines()[-1])
        return told


class FailedError(Exception):
    """A contender did not end as it should, or left wrong rows; no figure counts then."""


def run(command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, exit_code: int = 0) -> Measured:
    """Run a command. Raises `FailedError` with the end of its output when its exit code is another one."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        report, out = Path(name) / "report.json", Path(name) / "out.txt"
        with out.open("wb") as stream:
            subprocess.run(
                [sys.executable, "-I", "-S", HERE / "launcher.py", report, *command],
                check=True, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, cwd=cwd,
                env={**usual(), **env},
            )  # fmt: skip
        told = json.loads(report.read_text(encoding="utf-8"))
        text = out.read_text(encoding="utf-8", errors="replace")
    if told["exit_code"] != exit_code:
        shown = " ".join(map(str, command))
        raise FailedError(f"{shown}\nended with {told['exit_code']}, not {exit_code}:\n{text[-SHOWN:]}")
    return Measured(told["seconds"], told["peak"], text)


def usual() -> dict[str, str]:
    """The environment without what slows Python down: compiled modules are kept, as they are once a package is
    installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def worker(module: str, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Measured:
    """Run a module of `benchmarks.worker` as a command."""
    return run([sys.executable, "-m", f"benchmarks.worker.{module}", *arguments], env=env or {}, cwd=HERE.parent)
