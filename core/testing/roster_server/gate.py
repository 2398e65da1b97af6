"""The faults that answer in place of the records."""

from __future__ import annotations

import email.utils
import random
import time
from urllib.parse import quote

from syncrun.testing.roster_server.answer import Answer, refusal
from syncrun.testing.roster_server.asked import Asked
from syncrun.testing.roster_server.fault import Faults
from syncrun.testing.roster_server.question import parameters

RETRY_AFTER = 1
"""Seconds that a 429 asks to wait."""


def stopped(faults: Faults, asked: Asked, target: str) -> Answer | None:
    """The answer that a fault gives to the request for `target`, path and query, if one does."""
    given = parameters(asked.query)
    if faults.redirect_to:
        return Answer(302, b"", {"Location": faults.redirect_to.rstrip("/") + target})
    if faults.unauthorised:
        return _refused(faults, asked, 401, "unauthorisedrequest")
    if faults.forbidden:
        return _refused(faults, asked, 403, "forbidden")
    if faults.missing:
        return _refused(faults, asked, 404, "unknownobject")
    # One draw a request, so that the shares do not depend on the order in which parallel requests are answered.
    drawn = random.Random(f"{faults.seed}:{asked.number}").random()  # noqa: S311 # repeatable on purpose
    if drawn < faults.throttled:
        answer = _refused(faults, asked, 429, "server_busy")
        answer.headers |= _retry_after(faults.retry_after)
        return answer
    if drawn < faults.throttled + faults.failing:
        return _refused(faults, asked, faults.failing_status, "internal_server_error")
    limit = given.get("limit", "100")
    if faults.too_heavy and limit.isdecimal() and int(limit) > faults.too_heavy:
        return _refused(faults, asked, 502, "internal_server_error")
    if faults.filter_refused and "filter" in given:
        return _refused(faults, asked, 400, "invalid_filter_field")
    if faults.sort_refused and "sort" in given:
        return _refused(faults, asked, 400, "invalid_sort_field")
    return None


def _refused(faults: Faults, asked: Asked, status: int, minor: str) -> Answer:
    return refusal(status, minor, f"A fault of the test server: {quote(minor)}.", asked.version, faults.error_form)


def _retry_after(form: str) -> dict[str, str]:
    if form == "none":
        return {}
    forms = {
        "seconds": str(RETRY_AFTER),
        "date": email.utils.formatdate(time.time() + RETRY_AFTER, usegmt=True),
        "absurd": "1000000000",
        "text": "soon",
    }
    return {"Retry-After": forms[form]}
