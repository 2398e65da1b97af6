"""What the plug-in's queries give, read into the canonical roster.

Their columns are OneRoster's. The short set (users, classes, enrollments) is what a short PowerSchool export has too
(`syncrun.connectors.format.powerschool`), and what it lacks is made up in the same way, where no query gives it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from syncrun.connectors.format.powerschool import POWERSCHOOL
from syncrun.sdk import Drawn, FileColumn, FileKind, Format

WORDS: Mapping[str, str] = {
    "orgs": "ps_orgs", "academicSessions": "ps_sessions", "courses": "ps_courses", "users": "ps_users",
    "classes": "ps_classes", "enrollments": "ps_enrollments",
}  # fmt: skip
"""The format's word for each collection."""
_MORE = {
    "orgs": "sourcedId name type identifier parentSourcedId",
    "academicSessions": "sourcedId title type startDate endDate parentSourcedId schoolYear",
    "courses": "sourcedId schoolYearSourcedId title courseCode grades orgSourcedId subjects subjectCodes",
}


def queried(collections: Collection[str]) -> Format:
    """The format of what queries give for these collections."""
    short = {each.entity: each for each in POWERSCHOOL.kinds}
    kinds = []
    for collection in (each for each in WORDS if each in collections):
        word = WORDS[collection]
        if collection in _MORE:
            columns = tuple(FileColumn(each) for each in _MORE[collection].split())
        else:
            columns = short[word].columns
        kinds.append(FileKind(collection, word, collection != "courses", (*columns, FileColumn("status"))))
    drawn = [
        Drawn(each, WORDS[each], {"status": "status", **{name: f'"{name}"' for name in _MORE[each].split()}})
        for each in _MORE if each in collections
    ]  # fmt: skip
    drawn += [
        dataclasses.replace(each, columns={**each.columns, "status": "status"}) if each.same == "each" else each
        for each in POWERSCHOOL.drawn
        if each.entity not in _MORE or each.entity not in collections
    ]
    return Format("powerschool_api", "PowerSchool's API", tuple(kinds), drawn=tuple(drawn))
