"""What can be wrong with a server, each on a switch and off at first; the numbers F058 to F084 name the faults of the
list that the engine is tested against.

Faults may be changed while the server runs. All that are on hold for every request for records, unless `only`, `begin`,
`end` or `on` narrows them; a request is wholly right or as wrong as its faults say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from syncrun.errors import UsageError
from syncrun.testing.roster_server.asked import Asked


def _off(words: str, default: Any = 0, *choices: str) -> Any:
    return field(default=default, metadata={"words": words, "choices": choices})


@dataclass(slots=True)
class Faults:
    """The switches. What each does is in its words, which `syncrun testserver --list-faults` prints."""

    # which requests
    only: tuple[str, ...] = _off("the faults hold for these path words alone, as users,enrollments", ())
    begin: int = _off("the faults hold from this request for records on, counted from 1", 1)
    end: int = _off("the faults hold up to this request; 0: no end")
    on: Callable[[Asked], bool] | None = field(default=None, metadata={"words": "", "choices": ()})
    seed: int = _off("for the shares: the same seed fails the same requests", 7)
    # before the answer
    latency: float = _off("seconds before each answer", 0.0)
    throttled: float = _off("share of requests answered 429 (F059)", 0.0)
    retry_after: str = _off("the Retry-After of a 429", "seconds", "seconds", "date", "absurd", "text", "none")
    failing: float = _off("share of requests answered with `failing_status` (F058)", 0.0)
    failing_status: int = _off("what failing requests are answered with", 503)
    too_heavy: int = _off("502 when limit is more than this")
    unauthorised: bool = _off("401, with begin=K from request K on (F061)", default=False)
    forbidden: bool = _off("403, with only=demographics that collection alone (F062)", default=False)
    missing: bool = _off("404, with only=demographics that collection alone", default=False)
    redirect_to: str = _off("302 to the same path below this address (F073)", "")
    filter_refused: bool = _off("400 where there is a filter", default=False)
    sort_refused: bool = _off("400 where there is a sort", default=False)
    token_status: int = _off("the token endpoint answers with this status")
    # which records
    offset_ignored: bool = _off("every page is the first", default=False)
    page_missing: int = _off("the records of this page are never sent")
    page_repeated: int = _off("this page is sent twice, under the next offset too (F064)")
    short_pages: int = _off("so many records fewer than the limit on each page (F063)")
    sort_ignored: bool = _off("records come in the server's own order", default=False)
    descending: bool = _off("records come in descending order unless orderBy=asc", default=False)
    filter_ignored: bool = _off("a filter leaves everything in", default=False)
    filter_empty: bool = _off("a filter leaves nothing in", default=False)
    fields_ignored: bool = _off("records have all their fields whatever is asked for", default=False)
    # what is in a record
    booleans: str = _off("booleans other than words", "", "real", "number", "capital")
    blanks: str = _off("fields without a value are there", "", "empty", "null", "word", "object")
    lists: str = _off("lists other than lists", "", "scalar", "comma", "null")
    flat_ids: bool = _off("courseSourcedId and orgSourcedIds in place of references", default=False)
    hrefs: str = _off("hrefs that lead nowhere", "", "inner", "relative", "doubled", "absent")
    ref_types: str = _off("the type of references", "", "absent", "wrong")
    refs: str = _off("references other than objects", "", "text", "list", "number")
    integer_ids: bool = _off("sourcedIds of digits are numbers", default=False)
    undated: bool = _off("status and dateLastModified are not there", default=False)
    dated_now: bool = _off("dateLastModified is the moment of the answer", default=False)
    extra_keys: bool = _off("records have keys that OneRoster does not know", default=False)
    # headers
    total: str = _off("X-Total-Count (F066)", "", "absent", "zero", "minus", "huge", "text", "more", "less")
    count: str = _off("X-Count", "", "absent", "more", "returned")
    link: str = _off("Link (F067)", "", "absent", "self", "back", "host", "http", "relative", "always")
    revision: str = _off("x-perm-rev", "", "absent", "restless")
    revision_moves_at: int = _off("x-perm-rev moves once, at this request")
    # the body
    body: str = _off(
        "a 200 with something else (F068, F069)", "",
        "empty", "html", "object", "null", "no_records", "imsx", "status_info", "flat", "status_info_set",
        "strongmind", "unprefixed", "oauth",
    )  # fmt: skip
    envelope: str = _off("what the list stands in", "", "path", "list", "nested", "other", "two_lists", "total")
    json: str = _off(
        "JSON that is hard to read (F075)", "",
        "duplicate_keys", "nan", "deep", "long_number", "lone_surrogate", "not_utf8", "bom",
    )  # fmt: skip
    truncated: int = _off("the body ends after so many bytes, and Content-Length says so (F070)")
    error_form: str = _off(
        "the form of error bodies", "",
        "imsx", "status_info", "flat", "status_info_set", "strongmind", "unprefixed", "oauth", "html", "empty",
    )  # fmt: skip
    # on the wire
    length_off: int = _off("Content-Length is so much more, or less (F070, F072)")
    cut_after: int = _off("the connection is cut after so many bytes of the body (F060)")
    stall_after: int = _off("the body stalls after so many bytes (F060)")
    stall_seconds: float = _off("for so long", 3600.0)
    bytes_per_second: int = _off("the body is sent so slowly (F084)")
    gzip_bomb: int = _off("the body is gzip of so many zeros (F071)")

    def hold(self, asked: Asked) -> bool:
        """Whether they hold for a request."""
        within = self.begin <= asked.number and (not self.end or asked.number <= self.end)
        return within and (not self.only or asked.word in self.only) and (self.on is None or self.on(asked))


NONE = Faults()
"""A server without faults."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One fault for a list: its name, kind of value, default, the words it takes, and what it does."""

    name: str
    kind: type
    default: Any
    choices: Sequence[str]
    words: str


def switches() -> list[Switch]:
    """All that can be set by text, in the order of the class."""
    kinds = get_type_hints(Faults)
    return [
        Switch(each.name, type(each.default), each.default, each.metadata["choices"], each.metadata["words"])
        for each in dataclasses.fields(Faults)
        if each.name in kinds and each.metadata["words"]
    ]


def faults_of(told: Iterable[str]) -> Faults:
    """Faults from texts like `filter_ignored` or `throttled=0.3`. Raises `UsageError` for what is none."""
    known = {each.name: each for each in switches()}
    found = Faults()
    for each in told:
        name, _, value = each.partition("=")
        switch = known.get(name.strip().replace("-", "_"))
        if switch is None:
            raise UsageError(f"There is no fault {name}.", next_step="See `syncrun testserver --list-faults`.")
        setattr(found, switch.name, _value(switch, value))
    return found


def _value(switch: Switch, told: str) -> Any:
    if switch.choices and told not in switch.choices:
        raise UsageError(f"{switch.name} is one of: {', '.join(filter(None, switch.choices))}.")
    if switch.kind is bool:
        if told not in {"", "true", "false"}:
            raise UsageError(f"{switch.name} takes no value.")
        return told != "false"
    if switch.kind is tuple:
        return tuple(each.strip() for each in told.split(",") if each.strip())
    try:
        return switch.kind(told)
    except ValueError:
        wanted = "a whole number" if switch.kind is int else "a number"
        raise UsageError(f"{switch.name} takes {wanted}: {switch.name}=VALUE.") from None
