"""One page of records: select, count, cut out, write, and say so in the headers. The order of work is that of section 7:
filter, sort, count, page, project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import orjson

from syncrun.testing.roster_server.answer import JSON, Answer, refusal
from syncrun.testing.roster_server.asked import Asked
from syncrun.testing.roster_server.deform import INNER, deformed, deforms
from syncrun.testing.roster_server.fault import Faults
from syncrun.testing.roster_server.field import HERE, SINGULAR
from syncrun.testing.roster_server.place import Place
from syncrun.testing.roster_server.place import place as place_at
from syncrun.testing.roster_server.question import Question, ask, asked_fields, filter_test, order_key, parameters, pick
from syncrun.testing.roster_server.roster import Record, Roster, stamp
from syncrun.testing.roster_server.spoil import enclosed, spoiled

_HERE = HERE.encode()


@dataclass(frozen=True, slots=True)
class Rules:
    """How a right server may differ from another: the highest limit, what it does with more, whether lists show what is
    marked `tobedeleted` without being asked for it, and whether a list below a record that is not there is 404 or empty."""

    most: int = 10_000
    over: Literal["clamp", "refuse"] = "clamp"
    tombstones: Literal["listed", "hidden"] = "listed"
    unknown_parent: Literal["empty", "missing"] = "empty"


class Pages:
    """Answers requests for records from a roster."""

    def __init__(self, roster: Roster, rules: Rules) -> None:
        self.roster, self.rules = roster, rules

    def answer(self, asked: Asked, place: Place, faults: Faults, base: str) -> Answer:
        """The answer to a request; `base` is the address that it came to, up to the version. Raises
        `BadQuestionError`."""
        if place.key is not None:
            return self._single(asked, place, faults, base)
        query = _followed(asked.query, faults)
        question = ask(
            query, place.collection, asked.version,
            most=self.rules.most, refuse_more=self.rules.over == "refuse", descending=faults.descending,
        )  # fmt: skip
        with self.roster.lock:
            found = self._selected(asked, place, question, faults)
            revision = self.roster.revision
        if not found and self._lacks_parent(asked):
            return refusal(404, "unknownobject", "There is no such record.", asked.version, faults.error_form)
        begin, end = _window(question, faults)
        page = found[begin:end]
        body = self._written(page, asked, question.fields, faults)
        answer = Answer(200, enclosed(body, place.collection, place.word, len(found), faults.envelope))
        answer.headers = {
            "Content-Type": JSON,
            **_headers(asked, question, len(found), len(page), revision, faults, base),
        }
        answer.body = answer.body.replace(_HERE, base.encode())
        return spoiled(answer, faults, place.collection)

    def _single(self, asked: Asked, place: Place, faults: Faults, base: str) -> Answer:
        fields = asked_fields(_followed(asked.query, faults), place.collection, asked.version)
        found = place.records(self.roster)
        if not found:
            return refusal(404, "unknownobject", "There is no such record.", asked.version, faults.error_form)
        body = self._written(found, asked, fields, faults)
        told = b'{"%b":%b}' % (SINGULAR[place.collection].encode(), body)
        return spoiled(Answer(200, told.replace(_HERE, base.encode())), faults, place.collection)

    def _lacks_parent(self, asked: Asked) -> bool:
        if self.rules.unknown_parent == "empty" or asked.path.count("/") < 3:
            return False
        found = place_at(asked.path.rpartition("/")[0])
        return found is not None and not found.records(self.roster)

    # -- selecting ----------------------------------------------------------------------------------------------------

    def _selected(self, asked: Asked, place: Place, question: Question, faults: Faults) -> Sequence[Record]:
        """All records that the question is about, in its order; remembered until the roster changes."""
        filter_, sort = question.filter, question.sort
        if faults.filter_empty and "filter" in parameters(asked.query):
            return []
        hides = self.rules.tombstones == "hidden" and "status" not in filter_
        if not (filter_ or sort or hides or question.descending):
            return place.records(self.roster)
        what = ("selected", asked.version, asked.path, filter_, sort, question.descending, hides)

        def made() -> Sequence[Record]:
            found = place.records(self.roster)
            if hides:
                found = [each for each in found if b'"tobedeleted"' not in each.written(asked.version)]
            if filter_:
                found = self._filtered(found, filter_, asked, faults)
            return _sorted(found, sort, question, asked)

        return made() if faults.dated_now else self.roster.remembered(what, made)

    def _filtered(self, found: Sequence[Record], told: str, asked: Asked, faults: Faults) -> list[Record]:
        test = filter_test(told)
        dated = {"dateLastModified": stamp(self.roster.clock.now())} if faults.dated_now else {}
        return [each for each in found if test(each.facts(asked.version) | dated)]

    # -- writing ------------------------------------------------------------------------------------------------------

    def _written(self, page: Sequence[Record], asked: Asked, fields: tuple[str, ...] | None, faults: Faults) -> bytes:
        """The records of a page, with commas between them."""
        if fields is None and not deforms(faults):
            return b",".join([each.written(asked.version) for each in page])
        now = stamp(self.roster.clock.now())
        told = []
        for each in page:
            facts = each.facts(asked.version)
            if deforms(faults):
                facts = deformed(facts, each.collection, asked.version, faults, now)
            told.append(orjson.dumps(facts if fields is None else pick(facts, fields)))
        return b",".join(told)


def _followed(query: str, faults: Faults) -> str:
    """The query without the parameters that the server does not look at, not even to refuse them."""
    ignored = {"sort": faults.sort_ignored, "filter": faults.filter_ignored or faults.filter_empty,
               "fields": faults.fields_ignored}  # fmt: skip
    return urlencode([(name, value) for name, value in parameters(query).items() if not ignored.get(name)])


def _sorted(found: Sequence[Record], sort: str, question: Question, asked: Asked) -> Sequence[Record]:
    if sort == "sourcedId":
        return sorted(found, key=lambda each: each.key, reverse=question.descending)
    if sort:
        key = order_key(sort)
        return sorted(found, key=lambda each: key(each.facts(asked.version)), reverse=question.descending)
    return found[::-1] if question.descending else found


def _window(question: Question, faults: Faults) -> tuple[int, int]:
    """The first record of the page and the one after its last."""
    begin, limit = question.offset, question.limit
    if faults.offset_ignored:
        begin = 0
    if faults.page_missing and begin >= (faults.page_missing - 1) * limit:
        begin += limit
    if faults.page_repeated and begin >= faults.page_repeated * limit:
        begin -= limit
    return begin, begin + max(1, limit - faults.short_pages)


# -- headers ---------------------------------------------------------------------------------------------------------


def _headers(
    asked: Asked, question: Question, total: int, count: int, revision: int, faults: Faults, base: str
) -> dict[str, str]:
    """What is said of a page beside its records: section 7.1, and ClassLink's in 14.3."""
    totals = {"": total, "zero": 0, "minus": -1, "huge": 10**18, "text": "many", "more": total + 1, "less": total - 1}
    found = {}
    if faults.total != "absent":
        found["X-Total-Count"] = str(totals[faults.total])
    if faults.count != "absent":
        name = "X-Returned-Count" if faults.count == "returned" else "X-Count"
        found[name] = str(count + (faults.count == "more"))
    if faults.revision != "absent":
        moved = asked.number if faults.revision == "restless" else 0
        moved += bool(faults.revision_moves_at) and asked.number >= faults.revision_moves_at
        found["x-perm-rev"] = str(revision + moved)
    if faults.link != "absent":
        found["Link"] = _links(asked, question, total, faults.link, base)
    return found


def _links(asked: Asked, question: Question, total: int, fault: str, base: str) -> str:
    """RFC 8288 links to the pages around this one."""
    limit, offset = question.limit, question.offset
    places = {"first": 0, "last": max(0, (total - 1) // limit * limit)}
    if offset + limit < total or fault == "always":
        places["next"] = offset + limit
    if offset > 0:
        places["prev"] = max(0, offset - limit)
    if fault in {"self", "back"}:
        places["next"] = offset if fault == "self" else max(0, offset - limit)
    root = _root(base, fault)
    return ", ".join(
        f'<{root}{asked.path}?{_turned(asked.query, limit, at)}>; rel="{rel}"' for rel, at in places.items()
    )


def _root(base: str, fault: str) -> str:
    path = urlsplit(base).path
    return {"host": INNER, "http": f"http://inner.roster.invalid{path}", "relative": path}.get(fault, base)


def _turned(query: str, limit: int, offset: int) -> str:
    """The query with another limit and offset."""
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True)
            if name.strip() not in {"limit", "offset"}]  # fmt: skip
    pairs = [*kept, ("limit", str(limit)), ("offset", str(offset))]
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
