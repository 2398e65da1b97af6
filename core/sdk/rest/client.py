"""Reading from one REST service: paths below one address, asked with patience and within bounds."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import orjson
import tenacity

from syncrun.errors import (
    AuthError,
    BadAddressError,
    RateLimitedError,
    ServerError,
    SyncError,
    TimedOutError,
    TooSoonError,
    TransientError,
    UnknownHostError,
)
from syncrun.sdk.rest.address import Params, below, checked, query
from syncrun.sdk.rest.answer import Answer, Received, parsed
from syncrun.sdk.rest.auth import Auth
from syncrun.sdk.rest.budget import HostBudget, PullBudget, Wait, host_budget
from syncrun.sdk.rest.limit import Limits
from syncrun.sdk.rest.verdict import HEAVY, Now, error_of, failure_of, system_now
from syncrun.sdk.rest.wire import Wire, named

if TYPE_CHECKING:
    import requests

Read = TypeVar("Read")
Judge = Callable[[Received, str], SyncError | None]
"""What one kind of service says in its own way: the error for an answer, of which the words name the request; None where
the general rules hold (`syncrun.sdk.rest.verdict`)."""


class Client:
    """Asks for paths below `base_url`, with `auth`, and nothing else.

        client = Client("https://school.example/ims/oneroster/v1p1", OAuth1(key, secret))
        answer = client.get("/users", {"limit": 100, "offset": 0})

    Answers that are no use are errors (`syncrun.errors`), never answers: what may pass is tried again within `limits`,
    the rest is raised at once. Redirects are not followed, and requests leave only for the base's host, those of
    `auth`, and `hosts`. One client is for one pull: `pull` counts its repeats. It may be used by several threads.

    `insecure` is the word that allows `http://` (see `syncrun.sdk.rest.address`); `judge` looks at each answer first;
    `wait` and the clocks are given by tests. Raises `BadAddressError` where `base_url` must not be asked.
    """

    def __init__(
        self,
        base_url: str,
        auth: Auth,
        *,
        hosts: Iterable[str] = (),
        budget: HostBudget | None = None,
        limits: Limits | None = None,
        insecure: str = "",
        judge: Judge | None = None,
        wait: Wait | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Now = system_now,
    ) -> None:
        self.base = checked(base_url, insecure=insecure)
        self.limits = limits or Limits()
        self.budget = budget or host_budget(self.base.netloc)
        self.pull = PullBudget(self.limits.spare, self.limits.share, self.limits.pull, clock)
        self._auth = auth
        self._judge = judge
        self._wait = wait
        self._now = now
        self._wire = Wire(frozenset({str(self.base.hostname), *auth.hosts, *hosts}), self.limits, clock)
        self._known = False
        self._refused: str | None = None

    def get(self, path: str, params: Params = (), *, stop: threading.Event | None = None) -> Answer:
        """The answer to a GET, its JSON parsed. `path` is escaped already (see `segment`), `params` are not.

        Raises `AuthError`, `ForbiddenError`, `NotFoundError`, `BadRequestError`, `AnswerError`, `BadAddressError`, or
        a `TransientError` when patience has run out.
        """
        return self.read(path, params, _itself, stop=stop)

    def post(self, path: str, body: object, params: Params = (), *, stop: threading.Event | None = None) -> Answer:
        """The answer to a POST of a JSON body, for services that are asked so: it is tried again like a GET, and must
        not change anything there. Raises what `get` does."""
        return self.read(path, params, _itself, body=body, stop=stop)

    def read(
        self,
        path: str,
        params: Params,
        take: Callable[[Answer], Read],
        *,
        body: object = None,
        heavy: bool = False,
        stop: threading.Event | None = None,
    ) -> Read:
        """What `take` makes of the answer to a GET, or with a `body` to a POST of it as JSON. A `CutAnswerError` that it
        raises is tried again like others.

        With `heavy`, the caller can ask for less: signs of too much (502, 504, no answer in time) are tried only once
        more before they are raised. `stop`, when set, ends all waiting with a `TransientError`.
        """
        turn = _Turn(self, stop, heavy=heavy)
        question = self._question(path, params, body)
        return turn.run(lambda: take(self._once(question, turn.pause)))

    def probe(self, path: str, params: Params = (), *, body: object = None) -> Answer:
        """One cheap look, for a source's `check`: as `get` or `post`, without a second try, and a host name that nobody
        knows is an address to correct (`BadAddressError`)."""
        try:
            return self._once(self._question(path, params, body), _Turn(self, None).pause)
        except UnknownHostError as error:
            raise BadAddressError(error.message) from None

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _question(self, path: str, params: Params, body: object) -> _Question:
        url = below(self.base, path)
        asked = query(params)
        return _Question(f"{url}?{asked}" if asked else url, None if body is None else orjson.dumps(body).decode())

    def _once(self, question: _Question, pause: Wait) -> Answer:
        """One attempt; two where the credentials can be renewed in between."""
        if self._refused:
            raise AuthError(self._refused)
        request, received = self._exchange(question, pause)
        if received.status == 401 and self._auth.renew(request):
            request, received = self._exchange(question, pause)
        what = named(request)
        error = (self._judge and self._judge(received, what)) or error_of(received, what, self._now)
        if error is None:
            self._known = True
            self._auth.accepted(request)
            answer = Answer(received.status, received.headers, received.body, parsed(received.body, what))
            error = failure_of(answer.json, what)
            if error is None:
                self.budget.went_well()
                return answer
        elif isinstance(error, AuthError) and not self._known:
            self._refused = error.message  # nothing was ever accepted: no thread asks again, so nobody is locked out
        raise error

    def _exchange(self, question: _Question, pause: Wait) -> tuple[requests.PreparedRequest, Received]:
        if self.pull.over:
            raise TransientError(
                f"{question.method} {self.base.hostname}: the pull takes longer than {self.limits.pull:g} s."
            )
        with self.budget.place(pause):
            self.pull.send()
            headers = {} if question.data is None else {"Content-Type": "application/json"}
            request = self._wire.prepare(question.method, question.url, self._auth, headers=headers, data=question.data)
            return request, self._wire.exchange(request)

    def wait(self, seconds: float, stop: threading.Event | None) -> None:
        """Wait, unless told to stop; raises `TransientError` when told so."""
        stop = stop or threading.Event()
        if seconds > 0:
            (self._wait or stop.wait)(seconds)
        if stop.is_set():
            raise TransientError(f"GET {self.base.hostname}: stopped.")


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked: an address, and the JSON that is sent to it, if any."""

    url: str
    data: str | None = None

    @property
    def method(self) -> str:
        return "GET" if self.data is None else "POST"


class _Turn:
    """One request and its repeats."""

    def __init__(self, client: Client, stop: threading.Event | None, *, heavy: bool = False) -> None:
        self._client = client
        self._limits = client.limits
        self._stop = stop
        self._heavy = heavy
        self._failed: Counter[str] = Counter()

    def pause(self, seconds: float) -> None:
        self._client.wait(seconds, self._stop)

    def run(self, attempt: Callable[[], Read]) -> Read:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._may_pass), wait=self._seconds, sleep=self.pause,
            stop=tenacity.stop_never, reraise=True,
        )  # fmt: skip
        return retrying(attempt)

    def _may_pass(self, error: BaseException) -> bool:
        """Whether to try again. Waiting as told (`Retry-After`) is no failed try; every repeat counts for the pull."""
        if not isinstance(error, TransientError) or isinstance(error, UnknownHostError) or self._client.pull.over:
            return False
        if self._stop is not None and self._stop.is_set():
            return False
        kind, most = self._kind(error)
        if isinstance(error, TooSoonError):
            self._client.budget.tighten(1, 1 / error.interval)
        elif isinstance(error, RateLimitedError):
            self._client.budget.slow_down()
        if error.retry_after is not None:
            if error.retry_after > self._limits.asked_wait:
                return False
            self._client.budget.quiet(error.retry_after)
        else:
            self._failed[kind] += 1
        return self._failed[kind] <= most and self._client.pull.repeat()

    def _kind(self, error: TransientError) -> tuple[str, int]:
        """What a failure is a sign of, and how many of its kind are borne. Kinds are counted apart: one that comes of
        too many requests says nothing on whether a page is too heavy."""
        if isinstance(error, RateLimitedError):
            return "throttled", self._limits.throttled
        if self._heavy and too_much(error):
            return "heavy", 1
        return "trouble", self._limits.retries

    def _seconds(self, state: tenacity.RetryCallState) -> float:
        """Seconds before the next try: twice as long each time, up to a bound, with a little chance so that threads do
        not come back together. Where the host said how long, its budget does the waiting."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientError) and error.retry_after is not None:
            return 0.0
        grown = self._limits.first_wait * 2.0 ** (self._failed.total() - 1)
        return min(self._limits.longest_wait, grown + _CHANCE.uniform(0, self._limits.first_wait))


_CHANCE = secrets.SystemRandom()


def too_much(error: SyncError) -> bool:
    """Whether an error may come of asking for too much at once."""
    return isinstance(error, TimedOutError) or (isinstance(error, ServerError) and error.status in HEAVY)


def _itself(answer: Answer) -> Answer:
    return answer
