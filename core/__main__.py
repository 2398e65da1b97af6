"""Lets `python -m syncrun` do what the `syncrun` command does."""

from __future__ import annotations

from syncrun.cli import main

if __name__ == "__main__":
    main()
