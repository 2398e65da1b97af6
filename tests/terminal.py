"""The command line as an operator has it: a command, its exit code, what it printed."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from syncrun.cli import main


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of stdout as JSON; raises when there is anything beside it."""
        return json.loads(self.out)


class Terminal:
    """Runs `syncrun` in this process by the same door as the command does, which spares half a second a time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> Answer:
        self._monkeypatch.setattr(sys, "argv", ["syncrun", *map(str, arguments)])
        self._capsys.readouterr()
        before, mask = signal.getsignal(signal.SIGTERM), os.umask(0o022)
        try:
            with pytest.raises(SystemExit) as left:
                main()
        finally:
            signal.signal(signal.SIGTERM, before)
            os.umask(mask)
        printed = self._capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return Answer(int(left.value.code or 0), printed.out, printed.err)
