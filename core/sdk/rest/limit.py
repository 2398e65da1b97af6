"""How much a client takes in, how long it waits and how often it asks again."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one client. Seconds and bytes, unless a name says otherwise.

    `read` is the longest silence within an answer, `answer` the longest time that a whole answer may take. `packed`
    bounds the bytes that come over the wire, `unpacked` those of the body after decoding; both are counted while they
    come, so a bomb costs no more than that. A failed request is tried again `retries` times, after `first_wait` and
    then twice as long each time, up to `longest_wait`; one that the server had too many requests for, `throttled` times,
    since its minute may have to pass first. What a server asks us to wait (`Retry-After`) is obeyed up to
    `asked_wait`, and is no retry in this sense. All of a pull's repeats together may be `share` of what it sent, and
    at least `spare`; `pull` bounds its time.
    """

    connect: float = 10
    read: float = 60
    answer: float = 300
    packed: int = 64 * MIB
    unpacked: int = 128 * MIB
    retries: int = 5
    throttled: int = 8
    first_wait: float = 1
    longest_wait: float = 32
    asked_wait: float = 120
    spare: int = 20
    share: float = 0.5
    pull: float | None = None
