"""The one tree of errors: who must act, what is safe, what to do next, and how the process ends.

Every class has a stable `code`, the party it asks to act (`blame`), the word for the outcome and the exit code.
The table in `docs/reference/errors.md` is generated from this module. Messages never hold personal data: they name
files, lines, columns, keys of settings and codes, not cells.

    SyncError
    ├── RefusedError            2   nothing written
    │   ├── ConfigError             all problems of a district file at once
    │   ├── AuthError               credentials are wrong
    │   ├── ForbiddenError          credentials are right and give no right to this
    │   ├── BadAddressError         an address that must not or cannot be asked
    │   │   ├── CertificateError        no safe connection: the other side cannot prove who it is
    │   │   └── RedirectError           the other side points elsewhere; we do not follow
    │   ├── BadRequestError         the other side does not understand what it was asked
    │   │   └── NotFoundError           there is nothing at that path
    │   ├── AnswerError             an answer that cannot be used
    │   │   ├── NotJsonError            a page for people, or nothing, where JSON should be
    │   │   ├── BadJsonError            JSON that says what JSON must not
    │   │   ├── EnvelopeError           no list of records, or things in it that are no records
    │   │   ├── TooLargeError           larger than we take in
    │   │   └── PageLoopError           the same page again, or pages without end
    │   ├── InputError              files that cannot be used
    │   ├── OwnerError              the sink belongs to another installation, or to a state newer than this
    │   ├── StateLostError          files that the state names are gone
    │   ├── UndecidedError          nobody chose what becomes of rows that a sink had before
    │   └── UsageError              the command cannot be carried out as asked
    │       └── DoubleUseError          two records would be one record of the sink
    ├── TransientError         75   try again later
    │   ├── ArrivingError           files changed or went away while they were read
    │   ├── CutAnswerError          an answer that ended too early
    │   ├── FenceError              a newer run writes to this sink
    │   ├── LeaseBusyError          another run of this district is at work
    │   ├── LeaseLostError          the lease ran out while the run was at work
    │   ├── RateLimitedError        the other side asked us to wait
    │   │   └── TooSoonError            it wants a while between two requests
    │   ├── ServerError             the other side has trouble of its own
    │   ├── StoppedError            the run was asked to end
    │   ├── TimedOutError           no answer in time
    │   └── UnreachableError        no connection
    │       └── UnknownHostError        nobody knows a host of that name
    └── FaultError             70   a fault in us or in a plug-in
        └── ContractError           a plug-in broke its contract
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

Blame = Literal["district", "operator", "remote", "data", "vendor", "syncrun"]

EXIT_DONE = 0
EXIT_REFUSED = 2
EXIT_HELD = 3
EXIT_DEGRADED = 4
EXIT_FAULT = 70
EXIT_RETRY = 75


class SyncError(Exception):
    """Anything that `syncrun` knows how to say to an operator.

    `message` says what happened; `safe` what is safe; `next_step` what to do. Each may be given by the raiser,
    otherwise the words of the class hold.
    """

    code: ClassVar[str] = "E-SYNC-1"
    blame: ClassVar[Blame] = "syncrun"
    exit_code: ClassVar[int] = EXIT_FAULT
    outcome: ClassVar[str] = "FAILED"
    safe: str = "Nothing was written."
    next_step: str = "Run again with --json and send us the answer."

    def __init__(self, message: str, *, safe: str | None = None, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if safe is not None:
            self.safe = safe
        if next_step is not None:
            self.next_step = next_step

    def as_dict(self) -> dict[str, object]:
        """The error as `--json` prints it. `title` are the words that the class has for all such errors, where it is ours:
        a plug-in may say anything."""
        title = (inspect.getdoc(type(self)) or "").partition("\n\n")[0].replace("\n", " ")
        return {
            "code": self.code,
            **({"title": title} if type(self).__module__.startswith("syncrun.") else {}),
            "outcome": self.outcome,
            "message": self.message,
            "safe": self.safe,
            "next_step": self.next_step,
        }


class RefusedError(SyncError):
    """Something given to us cannot be used; no sink was touched."""

    code = "E-REFUSED-1"
    blame: ClassVar[Blame] = "operator"
    exit_code = EXIT_REFUSED
    outcome = "REFUSED"
    next_step = "Correct what is named and run again."


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a district file: where (`path`), what (`message`) and what would be right (`hint`)."""

    code: str
    path: str
    message: str
    hint: str = ""

    def as_dict(self) -> dict[str, str]:
        """The problem as `--json` prints it."""
        return {"code": self.code, "path": self.path, "message": self.message, "hint": self.hint}


PROBLEM_CODES = {
    "E-CONFIG-1": "The file cannot be read as TOML.",
    "E-CONFIG-2": "No district of that name.",
    "E-CONFIG-3": "A setting is unknown, missing or of the wrong form.",
    "E-CONFIG-4": "No connector or sink of that name is installed.",
    "E-CONFIG-5": "A secret is referred to but is not there.",
    "E-CONFIG-6": "A secret stands in the file as a value.",
    "E-CONFIG-7": "A plug-in that the district needs cannot be loaded.",
    "E-CONFIG-8": "A mapping file has a row that cannot be used.",
    "E-CONFIG-9": "An incremental schedule is asked of a source that cannot send only what changed.",
    "E-CONFIG-10": "The district comes after one that is not there, in a circle, or against the order of stages.",
}


class ConfigError(RefusedError):
    """The district file cannot be used. `problems` lists everything that is wrong with it, at once."""

    code = "E-CONFIG-3"
    blame: ClassVar[Blame] = "district"
    next_step = "Correct the settings named above and run again; `syncrun check --district` tries them without a sync."

    def __init__(self, problems: Iterable[Problem], *, source: str = "the district file") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = len(self.problems)
        super().__init__(f"{source} has {count} problem{'s' if count != 1 else ''}.")

    def as_dict(self) -> dict[str, object]:
        """The error and each of its problems, as `--json` prints it."""
        return {**super().as_dict(), "problems": [problem.as_dict() for problem in self.problems]}


class AuthError(RefusedError):
    """The other side does not accept our credentials. It is asked once, never again and again."""

    code = "E-AUTH-1"
    blame: ClassVar[Blame] = "district"
    next_step = "Check the user name, the password and the rights, then run again."


class ForbiddenError(RefusedError):
    """The other side knows us and does not let us see this: a scope, a collection or the whole application."""

    code = "E-AUTH-2"
    blame: ClassVar[Blame] = "district"
    next_step = "Ask the district to share this with the application, or leave it out of the settings; then run again."


class BadAddressError(RefusedError):
    """An address that cannot be asked, or that must not be: not safe, of another host, or outside of the base."""

    code = "E-ADDR-1"
    blame: ClassVar[Blame] = "district"
    next_step = "Correct the address in the district file and run again."


class CertificateError(BadAddressError):
    """There is no safe connection: the other side's certificate is out of date, of another name or of unknown make."""

    code = "E-ADDR-2"
    blame: ClassVar[Blame] = "remote"
    next_step = "Check the host name; if it is right, have its operator renew the certificate. It is not passed over."


class RedirectError(BadAddressError):
    """The other side points to another address. Credentials are not carried there."""

    code = "E-ADDR-3"
    next_step = "If the service has moved, have its new address confirmed and write it into the district file."


class BadRequestError(RefusedError):
    """The other side does not understand, or does not do, what it was asked. `words` are those of its reasons that
    OneRoster defines (`invalid_filter_field`), never its own text; `status` is that of HTTP."""

    code = "E-HTTP-1"
    blame: ClassVar[Blame] = "remote"
    next_step = "Check the address and the version of the service; if both are right, send us the message."

    def __init__(
        self,
        message: str,
        *,
        words: Iterable[str] = (),
        status: int | None = None,
        safe: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, safe=safe, next_step=next_step)
        self.words = tuple(words)
        self.status = status


class NotFoundError(BadRequestError):
    """There is nothing at that path."""

    code = "E-HTTP-2"
    blame: ClassVar[Blame] = "district"
    next_step = "Check the address in the district file: it must end where the collections begin."


class AnswerError(RefusedError):
    """The other side answered, and the answer cannot be used."""

    code = "E-ANSWER-1"
    blame: ClassVar[Blame] = "remote"
    next_step = "Check that the address is that of the service; if it is, its operator has to mend the answer."


class NotJsonError(AnswerError):
    """A page for people, or nothing at all, where JSON should be."""

    code = "E-ANSWER-2"
    next_step = "Check the address in the district file: a page to log in, or of a gateway, answers there."


class BadJsonError(AnswerError):
    """JSON that says what JSON must not: NaN, half a letter, a number without end, thousands of levels."""

    code = "E-ANSWER-3"
    next_step = "Send the message to the operator of the service."


class EnvelopeError(AnswerError):
    """An answer without a list of records, or with things in it that are no records. It is never read as none."""

    code = "E-ANSWER-4"


class TooLargeError(AnswerError):
    """An answer larger than we take in, packed or unpacked."""

    code = "E-ANSWER-5"
    next_step = "Ask for fewer records a page; if it comes again, send the message to the operator of the service."


class PageLoopError(AnswerError):
    """The same page came again, or pages come without end: the other side does not turn pages."""

    code = "E-ANSWER-6"
    next_step = "Send the message to the operator of the service: it must honour limit and offset."


class InputError(RefusedError):
    """The files that arrived cannot be used as they are; the findings say which and why."""

    code = "E-INPUT-1"
    blame: ClassVar[Blame] = "data"
    next_step = "Have the set exported and sent again, whole; `syncrun check` tries files without a sync."


class OwnerError(RefusedError):
    """The sink's rows belong to another installation of syncrun, or to a state that is newer than the one here."""

    code = "E-OWNER-1"
    next_step = (
        "Run from the installation that owns the rows, or restore the newest backup of its state here. "
        "Two installations, or two states, must not share the rows of a district."
    )


class StateLostError(RefusedError):
    """Files that the state names are gone from the home folder."""

    code = "E-STATE-2"
    next_step = (
        "Restore the home folder and the state database from the same backup; each is of no use without the other."
    )


class UndecidedError(RefusedError):
    """A sink has rows from before the first sync, and nobody chose what becomes of them. Without that there is no first
    sync: twins or lost work would follow."""

    code = "E-EXIST-1"
    next_step = (
        "See them with `syncrun existing`, and choose: archive, leave, or connect them with classes of the source."
    )


class UsageError(RefusedError):
    """The command cannot be carried out as it was asked."""

    code = "E-USAGE-1"
    next_step = "See `syncrun --help`."


class DoubleUseError(UsageError):
    """A record of the sink, or of the source, is linked already."""

    code = "E-MAP-1"
    safe = "No decision was changed."
    next_step = "Choose another record, or take the decision back that stands in the way."


class TransientError(SyncError):
    """The other side is not reachable or is busy; the same command may work later."""

    code = "E-RETRY-1"
    blame: ClassVar[Blame] = "remote"
    exit_code = EXIT_RETRY
    outcome = "RETRY"
    safe = "What was written stays written and is not written twice; the rest waits."
    next_step = "Run the same command again later."

    def __init__(
        self, message: str, *, retry_after: float | None = None, safe: str | None = None, next_step: str | None = None
    ) -> None:
        super().__init__(message, safe=safe, next_step=next_step)
        self.retry_after = retry_after


class ArrivingError(TransientError):
    """Files changed or went away while they were read: an upload is still going on."""

    code = "E-INPUT-3"
    blame: ClassVar[Blame] = "data"
    safe = "Nothing was written."
    next_step = "Run again when the upload has ended."


class LeaseBusyError(TransientError):
    """Another run of this district is at work."""

    code = "E-LEASE-1"
    blame: ClassVar[Blame] = "operator"
    safe = "This run did nothing; the other goes on."
    next_step = "Wait until the other run has ended, then run again."


class LeaseLostError(TransientError):
    """The lease of this run ran out while it was at work, or another run took it over."""

    code = "E-LEASE-2"
    blame: ClassVar[Blame] = "syncrun"
    next_step = "Run again: what is already in the sink is recognised there."


class StoppedError(TransientError):
    """The run was asked to end (SIGTERM), and has ended where the next one goes on."""

    code = "E-STOP-1"
    blame: ClassVar[Blame] = "operator"
    next_step = "Run again: what was begun is finished first."


class FenceError(TransientError):
    """The sink has seen a newer run of the district; it takes nothing from this one."""

    code = "E-FENCE-1"
    blame: ClassVar[Blame] = "operator"
    next_step = "See `syncrun runs` for how the newer run ended; then run again."


class RateLimitedError(TransientError):
    """The other side asked us to wait; waiting as told spends no attempt."""

    code = "E-RETRY-2"


class TooSoonError(RateLimitedError):
    """The other side wants a while between two requests; `interval` is how long, in seconds."""

    code = "E-RETRY-3"

    def __init__(self, message: str, *, interval: float) -> None:
        super().__init__(message, retry_after=interval)
        self.interval = interval


class ServerError(TransientError):
    """The other side has trouble of its own. `status` is that of HTTP: 500, 502, 503 or 504."""

    code = "E-HTTP-3"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        safe: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after, safe=safe, next_step=next_step)
        self.status = status


class UnreachableError(TransientError):
    """No connection to the other side: it is refused, breaks off, or a proxy stands in the way."""

    code = "E-NET-1"


class UnknownHostError(UnreachableError):
    """Nobody knows a host of that name: it is misspelt, or the names cannot be looked up at the moment."""

    code = "E-NET-2"
    next_step = "Check the host name and this machine's name service, then run again."


class TimedOutError(TransientError):
    """No answer in time, or one that comes in too slowly."""

    code = "E-NET-3"


class CutAnswerError(TransientError):
    """An answer that ended too early, or that is not what its own count says."""

    code = "E-NET-4"


class NoDeltasError(TransientError):
    """A source that was asked for changes alone does not know how to send them; everything is read instead."""

    code = "E-PULL-2"
    next_step = "Set `deltas = false` for the source: reading everything is what works there."


class StartOverError(NoDeltasError):
    """A source cannot tell what changed since the last pull, but will again from this one on; everything is read."""

    code = "E-PULL-3"
    next_step = "Nothing needs doing."


class FaultError(SyncError):
    """A fault in `syncrun` itself."""

    code = "E-FAULT-1"
    safe = "No further changes were written; what is in the sink is recorded there."


class ContractError(FaultError):
    """A plug-in broke its contract: it raised, answered too little or too much, or named what it does not have."""

    code = "E-PLUGIN-1"
    blame: ClassVar[Blame] = "vendor"
    next_step = "Tell the maintainer of the plug-in; `syncrun plugins info` shows where."


def tree() -> list[type[SyncError]]:
    """All classes of this module, parents before children, for the generated docs table."""
    found: list[type[SyncError]] = []

    def walk(cls: type[SyncError]) -> None:
        found.append(cls)
        for child in cls.__subclasses__():
            if child.__module__ == __name__:
                walk(child)

    walk(SyncError)
    return found
