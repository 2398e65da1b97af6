"""What a vendor says of a plug-in, checked. Nothing here knows how it was written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Identifiers = Literal["dcid", "number"]
ROSTER = ("users", "classes", "enrollments")
CATALOGUE = ("orgs", "terms", "courses")
"""With the three above, a whole OneRoster set; only some of them would be no set of any format."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Whom a district asks about the plug-in; PowerSchool shows it beside the plug-in's name."""

    name: str
    email: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The SFTP server to which the district's files go. What is not known yet stays a placeholder on the page."""

    host: str
    port: int
    fingerprint: str
    folder: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plug-in that gives a roster as OneRoster files. `prefix` is a reversed domain of three words, under which all
    its queries are named; `lead_days` says how long before its first day a year, a class or a place in it is rostered.
    """

    name: str
    version: str
    vendor: str
    prefix: str
    publisher: Publisher
    data_sets: tuple[str, ...]
    guardians: bool
    guardians_of: Literal["custodial", "data_access"]
    identifiers: Identifiers
    api: bool
    labels: Literal["plain", "ordered"]
    quotes: bool
    staff: Literal["teachers", "all"]
    pre_registered: bool
    lead_days: int
    portal_pages: tuple[str, ...]
    delivery: Delivery
    schedule: str

    @property
    def whole(self) -> bool:
        """Whether the files are a whole OneRoster set, with schools, terms and courses of their own."""
        return set(CATALOGUE) <= set(self.data_sets)

    @property
    def description(self) -> str:
        """What PowerSchool shows below the name. It names the scheme of the identifiers, to which the plug-in is
        pinned: `pinned_identifiers` reads it back."""
        return f"Rosters for {self.vendor}, as OneRoster files. {PINNED}{self.identifiers}."


PINNED = "Identifiers: "


def pinned_identifiers(description: str) -> str | None:
    """The scheme of identifiers that a plug-in's description names, None for none."""
    _, found, scheme = description.rpartition(PINNED)
    return scheme.removesuffix(".") if found else None
