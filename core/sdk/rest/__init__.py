"""What source connectors for REST services share: a careful client, credentials, and pages with proof.

    client = Client(base_url, OAuth1(key, secret))
    for page in pages(client, "/users", key="users", limit=10_000):
        ...

It is not part of `syncrun.sdk`'s flat list, because it imports HTTP libraries; import it where a source is built.
"""

from __future__ import annotations

from syncrun.sdk.rest.address import UNSAFE, segment
from syncrun.sdk.rest.answer import Answer
from syncrun.sdk.rest.auth import Auth, Bearer, OAuth1
from syncrun.sdk.rest.budget import HostBudget, host_budget
from syncrun.sdk.rest.client import Client
from syncrun.sdk.rest.delta import OVERLAP, changed_since, fits, window
from syncrun.sdk.rest.envelope import records_of
from syncrun.sdk.rest.limit import Limits
from syncrun.sdk.rest.paging import RecordPage, pages
from syncrun.sdk.rest.token import ClientCredentials

__all__ = [
    "OVERLAP",
    "UNSAFE",
    "Answer",
    "Auth",
    "Bearer",
    "Client",
    "ClientCredentials",
    "HostBudget",
    "Limits",
    "OAuth1",
    "RecordPage",
    "changed_since",
    "fits",
    "host_budget",
    "pages",
    "records_of",
    "segment",
    "window",
]
