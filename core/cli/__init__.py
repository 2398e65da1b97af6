"""The command `syncrun`: click, and nothing else. What each command does is elsewhere."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command and leave with its exit code; an operator never sees a traceback."""
    os.umask(0o077)  # whatever is written here may tell of children
    from syncrun.cli.app import app  # imported late: `syncrun --help` must be quick
    from syncrun.cli.failure import guarded

    sys.exit(guarded(lambda: app(prog_name="syncrun", standalone_mode=False)))
