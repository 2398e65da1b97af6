"""Sending to sinks that take changes one by one: matched, retried, resumed, and blamed when they do not answer."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from gradebook import TABLES, Gradebook, shown
from world import AUTUMN

from syncrun.apply import outgoing, step
from syncrun.apply.execute import ATTEMPTS, EXCEPTIONS, LONGEST_WAIT, Course, Work, carry_out, counted, told
from syncrun.apply.stop import Stop
from syncrun.errors import (
    AuthError,
    ContractError,
    FenceError,
    LeaseLostError,
    RateLimitedError,
    StoppedError,
    TransientError,
)
from syncrun.plan import applied, diff
from syncrun.scratch import renew_schema
from syncrun.sdk import Action, Cap, Claim, Context
from syncrun.state.lease import Lease

if TYPE_CHECKING:
    from board import Board

    from syncrun.sdk import Change


class Waits(Stop):
    """Notes how long it was to wait, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[float] = []

    def pause(self, seconds: float) -> None:
        self.noted.append(seconds)
        super().pause(0)


class Send:
    """Sends rows to a gradebook as a run does."""

    def __init__(self, board: Board) -> None:
        self.board, self.stop = board, Waits()
        self.waits = self.stop.noted
        self.connection, self.folder = board.connection, board.folder
        self.lease = Lease("riverside", "run-1", 3, math.inf, threading.Event())
        self.path = self.folder / "book.json"
        self.chunks: list[int] = []
        for schema in (applied.SCHEMA, diff.SCHEMA, "released"):
            renew_schema(self.connection, schema)

    def plan(self, **rows: Iterable[dict[str, Any]]) -> None:
        """The released changes; each has an action, a key and values."""
        for table in TABLES:
            applied.open_table(self.connection, table, [])
            columns = ["action", "key", "school", "sink_id", "fields", *(column.name for column in table.columns)]
            shape = ", ".join(f'"{each}" VARCHAR' for each in columns)
            held = [
                {each: row.get(each, "" if each == "fields" else None) for each in columns}
                for row in rows.get(table.name, ())
            ]
            self.connection.execute(
                f"CREATE OR REPLACE TABLE changes.{table.name} AS SELECT unnest(?::STRUCT({shape})[], recursive := true)",
                [held],
            )
            self.connection.execute(f"CREATE OR REPLACE VIEW released.{table.name} AS FROM changes.{table.name}")

    def __call__(self, *, resume: bool = False, run: str = "run-1") -> bool:
        """Carry it out."""
        self.course = Course()
        sink = Gradebook({}, Context("riverside", self.folder, "installation-1"))
        claim = Claim("riverside", "me", self.lease.epoch)
        work = Work(
            "riverside",
            "gradebook",
            sink,
            Cap.ARCHIVE,
            TABLES,
            run,
            "plan-1",
            claim,
            quiet=False,
            folder=self.folder,
            moment=AUTUMN,
            stop=self.stop,
        )
        return carry_out(self.connection, work, self.lease, lambda _, number: self.chunks.append(number), self.course,
                         resume=resume)  # fmt: skip

    def exceptions(self) -> dict[str, tuple[str, ...]]:
        """Status, code and the sink's id of what was noted, by key."""
        query = f"SELECT key, status, code, coalesce(sink_id, '') FROM {EXCEPTIONS}"
        return {key: tuple(rest) for key, *rest in self.connection.execute(query).fetchall()}


@pytest.fixture
def send(board: Board) -> Iterator[Send]:
    Gradebook.fresh()
    yield Send(board)
    Gradebook.fresh()


def create(key: str, **values: Any) -> dict[str, Any]:
    return {"action": "create", "key": key, **values}


def sent() -> list[list[Change]]:
    """What the gradebook was sent, list by list."""
    return Gradebook.sent


SCHOOL, PUPILS = create("s1", name="Oak"), [create(f"p{n}", name=f"N{n}", school_id="s1") for n in range(3)]


# -- one change, one outcome -----------------------------------------------------------------------------------------------


def test_each_change_is_sent_once_with_its_values_and_the_fence(send: Send) -> None:
    send.plan(schools=[SCHOOL], pupils=PUPILS[:1])
    assert send() is True
    (school,), (pupil,) = sent()
    assert (school.table, school.action, school.key, school.sink_id, school.values, school.fence) == (
        "schools", Action.CREATE, "s1", None, {"name": "Oak"}, 3,
    )  # fmt: skip
    assert (pupil.id, pupil.values["name"]) == ("run-1/pupils/create/p0", "N0")
    assert send.chunks == [0, 1]


def test_children_name_their_parents_by_the_ids_that_the_sink_gave_them(send: Send) -> None:
    send.plan(pupils=PUPILS, schools=[SCHOOL])
    send()
    assert {change.values["school_id"] for change in sent()[1]} == {"schools#1"}
    assert {row["school_id"] for row in shown(send.path).values() if row["table"] == "pupils"} == {"schools#1"}


def test_ids_that_the_sink_gave_are_noted_by_key_whatever_the_order_of_its_answers(send: Send) -> None:
    Gradebook.answer = staticmethod(reversed)
    send.plan(schools=[SCHOOL], pupils=PUPILS)
    send()
    ids = {key: found[2] for key, found in send.exceptions().items()}
    assert ids == {key: row["id"] for key, row in shown(send.path).items()}


def test_rejected_change_is_noted_with_its_reason_and_the_others_are_done(send: Send) -> None:
    Gradebook.refused = {"p1"}
    send.plan(schools=[SCHOOL], pupils=PUPILS)
    send()
    assert send.exceptions()["p1"] == ("rejected", "S-OTHER-1", "")
    assert set(shown(send.path)) == {"s1", "p0", "p2"}
    assert counted(send.connection) == {("pupils", "create"): 1}
    assert list(told(send.connection, 5)) == [("pupils", "create", "p1", "S-OTHER-1", "the book is full")]


def test_children_of_a_rejected_parent_are_not_sent_and_say_why(send: Send) -> None:
    Gradebook.refused = {"s1"}
    send.plan(schools=[SCHOOL, create("s2", name="Elm")], pupils=[*PUPILS, create("q", school_id="s2")])
    send()
    assert [[change.key for change in each] for each in sent()] == [["s1", "s2"], ["q"]]
    assert {key: send.exceptions()[key][:2] for key in ("p0", "p1", "p2")} == dict.fromkeys(
        ("p0", "p1", "p2"), ("rejected", "S-PARENT-1")
    )
    assert counted(send.connection) == {("schools", "create"): 1, ("pupils", "create"): 3}


def test_row_whose_id_the_sink_repeats_is_still_one_row_for_its_children(send: Send) -> None:
    send.plan(
        schools=[{"action": "update", "key": "s1", "sink_id": "77", "fields": "name", "name": "Oak"}], pupils=PUPILS[:1]
    )
    send.connection.execute(
        "CREATE OR REPLACE VIEW applied.schools AS SELECT 's1' AS key, '77' AS sink_id, NULL AS school"
    )
    send()
    assert [change.sink_id for change in sent()[0]] == ["77"]
    assert [change.values["school_id"] for change in sent()[1]] == ["77"]


def test_removal_sends_no_values(send: Send) -> None:
    send.plan(pupils=[{"action": "archive", "key": "p1", "sink_id": "5", "name": "N"}])
    send.connection.execute(
        "CREATE OR REPLACE VIEW applied.pupils AS SELECT 'p1' AS key, '5' AS sink_id, NULL AS school"
    )
    send()
    ((change,),) = sent()
    assert (change.action, change.sink_id, change.values) == (Action.ARCHIVE, "5", {})


# -- a sink that breaks its contract ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [
    lambda outcomes: outcomes[:-1], lambda outcomes: [*outcomes, outcomes[0]], lambda outcomes: [*outcomes[:-1], outcomes[0]],
    lambda outcomes: [*outcomes[:-1], dataclasses.replace(outcomes[-1], key="other")], lambda outcomes: [],
], ids=["too few", "too many", "one twice", "another key", "none"])  # fmt: skip
def test_answers_that_do_not_match_the_changes_are_the_plugins_fault(send: Send, answer: Any) -> None:
    send.plan(schools=[SCHOOL, create("s2")])
    Gradebook.answer = staticmethod(answer)
    with pytest.raises(ContractError, match="The sink gradebook answered") as raised:
        send()
    assert raised.value.exit_code == 70


@pytest.mark.parametrize("fault", [ValueError("N1 is odd"), SystemExit(0), KeyError("N1")])
def test_what_a_sink_should_not_raise_is_the_plugins_fault_and_its_words_are_not_passed_on(
    send: Send, fault: BaseException
) -> None:
    send.plan(schools=[SCHOOL])
    Gradebook.faults = [raiser(fault)]
    with pytest.raises(ContractError) as raised:
        send()
    assert raised.value.message == f"The sink gradebook raised {type(fault).__name__} while applying."
    assert send.waits == []


def raiser(error: BaseException) -> Any:
    """Raises it."""

    def fail() -> None:
        raise error

    return fail


# -- trying again --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("early", [True, False], ids=["before writing", "after writing"])
def test_transient_error_is_tried_again_and_nothing_doubles(send: Send, early: bool) -> None:  # noqa: FBT001 # a parameter
    Gradebook.early = early
    Gradebook.faults = [raiser(TransientError("busy"))] * 2
    send.plan(schools=[SCHOOL], pupils=PUPILS)
    send()
    assert [[change.id for change in each] for each in sent()[:3]] == [["run-1/schools/create/s1"]] * 3
    assert len(shown(send.path)) == 4
    assert len(send.waits) == 2


def test_waits_grow_and_never_grow_beyond_the_longest(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    Gradebook.faults = [raiser(TransientError("busy"))] * (ATTEMPTS - 1)
    send.plan(schools=[SCHOOL])
    send()
    assert send.waits == sorted(send.waits)
    assert 0 < send.waits[0] < send.waits[-1] <= LONGEST_WAIT


def test_other_side_says_how_long_to_wait(send: Send) -> None:
    Gradebook.faults = [
        raiser(RateLimitedError("slow down", retry_after=7)),
        raiser(TransientError("busy", retry_after=0)),
    ]
    send.plan(schools=[SCHOOL])
    send()
    assert send.waits == [7, 0]


def test_budget_of_attempts_ends_and_what_was_done_stays_done(send: Send) -> None:
    send.plan(schools=[SCHOOL], pupils=PUPILS)
    Gradebook.faults = [lambda: None, *[raiser(TransientError("busy"))] * ATTEMPTS]
    with pytest.raises(TransientError, match="busy"):
        send()
    assert len(sent()) == 1 + ATTEMPTS
    assert send.course.begun


def test_waiting_as_told_spends_no_attempt(send: Send) -> None:
    Gradebook.faults = [raiser(RateLimitedError("slow down", retry_after=1))] * (ATTEMPTS + 2)
    send.plan(schools=[SCHOOL])
    send()
    assert send.waits == [1] * (ATTEMPTS + 2)
    assert set(shown(send.path)) == {"s1"}


def test_attempts_are_left_after_waiting_as_told(send: Send) -> None:
    asked = [raiser(RateLimitedError("slow down", retry_after=1))] * ATTEMPTS
    Gradebook.faults = [*asked, raiser(TransientError("busy"))]
    send.plan(schools=[SCHOOL])
    send()
    assert len(send.waits) == ATTEMPTS + 1


@pytest.mark.parametrize(("asked", "times", "waited"), [(120, 1, []), (50, 20, [50] * 12)])
def test_who_is_asked_to_wait_too_long_gives_up_and_never_asks_too_early(
    send: Send, asked: int, times: int, waited: list[int]
) -> None:
    Gradebook.faults = [raiser(RateLimitedError("slow down", retry_after=asked))] * times
    send.plan(schools=[SCHOOL])
    with pytest.raises(RateLimitedError, match="slow down"):
        send()
    assert send.waits == waited
    assert len(sent()) == len(waited) + 1


@pytest.mark.parametrize("error", [AuthError("no"), FenceError("newer")])
def test_errors_that_time_does_not_cure_are_not_tried_again(send: Send, error: Exception) -> None:
    Gradebook.faults = [raiser(error)]
    send.plan(schools=[SCHOOL])
    with pytest.raises(type(error)):
        send()
    assert (len(sent()), send.waits) == (1, [])


def test_lost_lease_stops_before_the_next_chunk(send: Send) -> None:
    send.plan(schools=[SCHOOL], pupils=PUPILS)
    Gradebook.faults = [send.lease.lost.set]
    with pytest.raises(LeaseLostError):
        send()
    assert set(shown(send.path)) == {"s1"}


# -- going on after a crash ------------------------------------------------------------------------------------------------


def test_chunk_that_was_answered_is_not_sent_again(send: Send) -> None:
    send.plan(schools=[SCHOOL], pupils=PUPILS)
    Gradebook.faults = [lambda: None, raiser(AuthError("no"))]
    with pytest.raises(AuthError):
        send()
    first, before = dict(send.exceptions()), shown(send.path)
    Gradebook.sent = []
    assert send(resume=True) is True
    assert [{change.table for change in each} for each in sent()] == [{"pupils"}]
    assert {change.values["school_id"] for change in sent()[0]} == {first["s1"][2]}
    assert shown(send.path) == before
    assert len(before) == 4


def test_chunk_whose_answer_was_lost_is_sent_again_with_the_same_ids_of_changes(send: Send) -> None:
    send.plan(schools=[SCHOOL])
    Gradebook.faults = [raiser(KeyboardInterrupt())]
    with pytest.raises(KeyboardInterrupt):
        send()
    assert send(resume=True) is True
    assert sent()[0] == sent()[1]
    assert list(shown(send.path)) == ["s1"]


def test_run_of_which_nothing_was_sent_is_dropped(send: Send) -> None:
    send.plan(schools=[SCHOOL])
    send.lease.lost.set()
    with pytest.raises(LeaseLostError):
        send()
    assert not send.course.begun
    send.lease.lost.clear()
    assert send(resume=True) is False
    assert sent() == []


def test_large_step_goes_in_chunks_each_answered_for_itself(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    for where in (outgoing, step):
        monkeypatch.setattr(where, "CHUNK_ROWS", 2)
    send.plan(schools=[SCHOOL], pupils=[create(f"p{n}", school_id="s1") for n in range(5)])
    send()
    assert [len(each) for each in sent()] == [1, 2, 2, 1]
    assert send.chunks == [0, 1, 2, 3]
    assert len(shown(send.path)) == 6


# -- asked to end ----------------------------------------------------------------------------------------------------------


def test_who_is_asked_to_end_finishes_the_chunk_and_goes_on_there_later(send: Send) -> None:
    send.plan(schools=[SCHOOL], pupils=PUPILS)
    Gradebook.faults = [send.stop.ask]
    with pytest.raises(StoppedError):
        send()
    assert (set(shown(send.path)), send.chunks, send.course.begun) == ({"s1"}, [0], True)
    send.stop.__init__()
    assert send(resume=True) is True
    assert [[change.table for change in each] for each in sent()] == [["schools"], ["pupils"] * 3]


def test_who_is_asked_before_the_first_chunk_sends_nothing(send: Send) -> None:
    send.plan(schools=[SCHOOL])
    send.stop.ask()
    with pytest.raises(StoppedError):
        send()
    assert (sent(), send.course.begun) == ([], False)


@pytest.mark.parametrize("error", [TransientError("busy"), RateLimitedError("slow down", retry_after=50)])
def test_who_is_asked_to_end_does_not_wait_to_try_again(send: Send, error: TransientError) -> None:
    """With the real wait, which is cut short."""

    def fault() -> None:
        send.stop.ask()
        raise error

    Gradebook.early, Gradebook.faults = True, [fault]
    send.plan(schools=[SCHOOL])
    with pytest.raises(StoppedError):
        send()
    assert (len(sent()), len(send.waits)) == (1, 1)
    assert send.course.begun
