"""The header `Link` of a page: whether there is a next one, and how it is asked for.

Only the query of a link is ever used. Where it points is not: servers behind proxies name inner hosts or `http://`,
and credentials go nowhere but to the address in the settings (OneRoster 1.2, REST, paging).
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping

import requests.utils


def next_query(headers: Mapping[str, str]) -> str | None:
    """The query of the link to the next page; None where there is no such link."""
    for link in requests.utils.parse_header_links(headers.get("Link", "")):
        relations = {name.lower(): text for name, text in link.items()}.get("rel", "").lower().split()
        if "next" in relations:
            try:
                return urllib.parse.urlsplit(link["url"]).query
            except ValueError:
                return ""
    return None


def offset_of(query: str) -> int | None:
    """The offset in a query; None where there is none, or one that is no number."""
    found = urllib.parse.parse_qs(query).get("offset", [""])[0].strip()
    return int(found) if found.isascii() and found.isdigit() and len(found) < 16 else None
