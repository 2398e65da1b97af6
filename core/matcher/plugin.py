"""What the matchers say of themselves; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable

from syncrun.sdk import MatcherInfo, hookimpl


@hookimpl
def syncrun_matchers() -> Iterable[MatcherInfo]:
    """The built-in matchers."""
    for name, title, cls in (
        ("identifiers", "The same number or code", "number:Identifiers"),
        ("addresses", "The same e-mail address, user name or telephone", "address:Addresses"),
        ("names", "Names of persons: particles, marks, nicknames, hyphens, slips of the pen", "person:Names"),
        ("births", "Dates of birth", "person_fact:Births"),
        ("places", "School and grade", "person_fact:Places"),
        ("school_names", "Names of schools, with their abbreviations", "school:SchoolNames"),
        ("years", "Titles and dates of school years", "year:Years"),
        ("sections", "Titles, codes, teachers and periods of classes", "section:Sections"),
    ):
        yield MatcherInfo(name=name, title=title, cls=f"syncrun.matcher.{cls}")
