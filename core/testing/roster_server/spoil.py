"""The faults of bodies: other envelopes, other answers than records, and JSON that is hard to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from syncrun.testing.roster_server.answer import FORMS, HTML, Answer
from syncrun.testing.roster_server.fault import Faults


def enclosed(records: bytes, key: str, word: str, total: int, form: str = "") -> bytes:
    """The list of records in its envelope. `records` are joined by commas; `word` is the last of the path."""
    name, path = key.encode(), word.encode()
    forms: Mapping[str, Callable[[], bytes]] = {
        "": lambda: b'{"%b":[%b]}' % (name, records),
        "path": lambda: b'{"%b":[%b]}' % (path, records),
        "list": lambda: b"[%b]" % records,
        "nested": lambda: b'{"data":{"%b":[%b]}}' % (name, records),
        "other": lambda: b'{"items":[%b]}' % records,
        "two_lists": lambda: b'{"warnings":[],"%b":[%b]}' % (name, records),
        "total": lambda: b'{"totalCount":%d,"pageCount":1,"%b":[%b]}' % (total, name, records),
    }
    return forms[form]()


def spoiled(answer: Answer, faults: Faults, key: str) -> Answer:
    """The answer with another body, where a fault says so. The status stays 200."""
    if faults.body:
        _replace(answer, faults.body, key)
    if faults.json:
        answer.body = _HARD[faults.json](answer.body, key.encode())
    if faults.truncated:
        answer.body = answer.body[: faults.truncated]
    return answer


def _replace(answer: Answer, form: str, key: str) -> None:
    plain = {"empty": b"", "html": HTML, "object": b"{}", "null": b"null", "no_records": b'{"%b":[]}' % key.encode()}
    if form in plain:
        answer.body = plain[form]
    else:
        answer.body = orjson.dumps(FORMS[form]("internal_server_error", "A fault of the test server."))
    if form == "html":
        answer.headers["Content-Type"] = "text/html; charset=utf-8"


def _with_first(extra: bytes) -> Callable[[bytes, bytes], bytes]:
    """Put something into the first record, or before the list where there is none."""

    def put(body: bytes, key: bytes) -> bytes:
        return (
            body.replace(b"[{", b"[{" + extra + b",", 1)
            if b"[{" in body
            else body.replace(b"{", b"{" + extra + b",", 1)
        )

    return put


_HARD: Mapping[str, Callable[[bytes, bytes], bytes]] = {
    "duplicate_keys": _with_first(b'"sourcedId":"one","sourcedId":"two"'),
    "nan": _with_first(b'"score":NaN'),
    "deep": _with_first(b'"metadata":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "long_number": _with_first(b'"identifier":' + b"9" * 5_000),
    "lone_surrogate": _with_first(b'"pronouns":"\\ud800"'),
    "not_utf8": _with_first(b'"pronouns":"\xff\xfe"'),
    "bom": lambda body, key: b"\xef\xbb\xbf" + body,
}
