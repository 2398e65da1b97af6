"""`syncrun` carries school rosters from where they are kept to the apps that need them, without harm."""

from __future__ import annotations

__version__ = "0.1.0"
