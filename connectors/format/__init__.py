"""The formats of files that a source may bring, whatever way they come: OneRoster CSV, and others that are read into
it or known by their names."""

from __future__ import annotations

import dataclasses

from syncrun.connectors.format.clever import CLEVER
from syncrun.connectors.format.powerschool import POWERSCHOOL
from syncrun.connectors.format.refused import APPLE_SCHOOL_MANAGER, CANVAS, SDS_V1
from syncrun.connectors.format.school_data_sync import SDS_V2_1
from syncrun.connectors.oneroster_csv.format import ONEROSTER_CSV
from syncrun.sdk import Format

READ = (ONEROSTER_CSV, POWERSCHOOL, SDS_V2_1, CLEVER)
REFUSED = (SDS_V1, APPLE_SCHOOL_MANAGER, CANVAS)

AUTO = dataclasses.replace(ONEROSTER_CSV, others=READ[1:], foreign=REFUSED)
"""OneRoster first; another format when the files are plainly of it."""


def named(name: str) -> Format:
    """The format that a setting names; files of the others are refused by their names."""
    if name == "auto":
        return AUTO
    (found,) = (each for each in READ if each.name == name)
    others = tuple(each for each in (*READ, *REFUSED) if each is not found)
    return dataclasses.replace(found, foreign=others)


NAMES = ("auto", *(each.name for each in READ))
