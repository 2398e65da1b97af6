"""How often somebody may try to log in: after some failures they wait, longer each time.

Failures count for the account and for the address. An account waits half a minute at the most, or anybody could shut a
district out; an address a quarter of an hour.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE = 3
"""So many failures cost nothing: people mistype."""
FORGOTTEN = 3600.0
"""Seconds after the last failure after which none is remembered."""
MOST = 20_000
"""So many names and addresses are remembered; the longest quiet are forgotten first."""
ACCOUNT_WAITS, ADDRESS_WAITS = 30.0, 900.0


@dataclass(slots=True)
class _Failures:
    count: int
    last: float
    until: float


class Door:
    """Remembers failures. `now` tells seconds that only grow."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._seen: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def wait(self, account: str, address: str) -> float:
        """Seconds until they may try again; 0 when they may now."""
        return max(0.0, *(self._left(key) for key in _keys(account, address)))

    def failed(self, account: str, address: str) -> None:
        """They tried and were wrong."""
        now = self._now()
        for key in _keys(account, address):
            seen = self._seen.pop(key, None)
            count = seen.count + 1 if seen and now - seen.last < FORGOTTEN else 1
            longest = ACCOUNT_WAITS if key[0] == "account" else ADDRESS_WAITS
            delay = min(2.0 ** (count - FREE), longest) if count >= FREE else 0.0
            self._seen[key] = _Failures(count, now, now + delay)
        while len(self._seen) > MOST:
            self._seen.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """They were right: the account's failures are forgotten. Those of the address are not, or one good account
        would let its owner guess at all others."""
        self._seen.pop(_keys(account, address)[0], None)

    def _left(self, key: tuple[str, str]) -> float:
        seen = self._seen.get(key)
        return seen.until - self._now() if seen else 0.0


def _keys(account: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("account", account[:64]), ("address", net(address))


def net(address: str) -> str:
    """What one person may have of addresses: one of IPv4, 2**64 of IPv6."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)
