"""What a person is needed for, drawn from how a run ended.

A need holds codes, counts, ids of schools and of runs, and words of ours. What a cell holds, ids of persons, and words
that others chose, such as the reasons of a reviewer or of a plug-in, never enter: a digest leaves the machine.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from syncrun.errors import EXIT_REFUSED, ConfigError
from syncrun.state.job import Ending, Job

Asks = Literal["approve", "act", "know"]
"""What a person is to do: look at a plan and decide, put something right, or nothing."""

CODES: Mapping[str, tuple[Asks, str]] = {
    "N-FIRST-1": ("approve", "The first sync of a sink waits for approval."),
    "N-FIRST-2": ("know", "The first sync is complete."),
    "N-HELD-1": ("approve", "A part of a plan waits for a person."),
    "N-RUN-1": ("act", "A run was refused: settings, credentials or input cannot be used."),
    "N-RUN-2": ("act", "A fault in syncrun or a plug-in stopped a run."),
    "N-JOB-1": ("act", "A run that began by itself did not come to an end."),
    "N-MISS-1": ("act", "A scheduled run was missed, and is too late to be made up for."),
    "N-SINK-1": ("act", "A sink could not be served."),
    "N-SINK-2": ("act", "A sink did not take some rows."),
    "N-SKIP-1": ("act", "A sink, or a scheduled run, was skipped because of what comes before it."),
    "N-ALARM-1": ("act", "A district has had no good run for too long."),
    "N-FILE-1": ("act", "A district file cannot be used."),
    "N-TELL-1": ("act", "People could not be told: a digest was given up."),
}
"""Why a person is needed."""
SHOWN = 5
"""So many schools are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a person is needed for. `mark` is the same as long as it is the same thing, so that it is told
    once; `run` is where it was found."""

    code: str
    district: str
    words: str
    next_step: str
    mark: str
    run: str | None = None

    @property
    def asks(self) -> Asks:
        """What is to be done about it."""
        return CODES[self.code][0]

    def as_dict(self) -> dict[str, Any]:
        """The need as `--json` prints it and as a digest carries it."""
        return {"asks": self.asks, "title": CODES[self.code][1], **asdict(self)}


def need(code: str, district: str, words: str, next_step: str, *marks: str, run: str | None = None) -> Need:
    """A need; `marks` are what makes it this one and no other."""
    told = "\n".join([code, district, *marks])
    return Need(code, district, words, next_step, hashlib.sha256(told.encode()).hexdigest()[:16], run)


def of_run(district: str, summary: Mapping[str, Any]) -> list[Need]:
    """What a person is needed for after a run with this summary. Errors that go by themselves (RETRY) are nobody's."""
    run = summary.get("run")
    if summary.get("dry_run"):
        return []
    return [*_of_sinks(district, summary, run), *_of_errors(district, summary, run)]


def new_since(found: list[Need], before: list[Need]) -> list[Need]:
    """Those that were not there before: who was told once is not told again every night."""
    marks = {each.mark for each in before}
    return [each for each in found if each.mark not in marks]


def complete(district: str, run: str) -> Need:
    """The first sync is complete."""
    return need("N-FIRST-2", district, "The first sync has ended; from now on the roster is kept up to date.",
                "Nothing needs doing.", run=run)  # fmt: skip


def of_job(job: Job) -> Need | None:
    """What a person is needed for after a run that was to begin by itself; None when it ended, and so tells itself."""
    if not job.failed:
        return None
    words, next_step = _UNENDED[job.ending or "crashed"]
    refused = "was refused" if job.exit_code == EXIT_REFUSED else "ended"
    times = f"{job.tries} time{'' if job.tries == 1 else 's'}"
    words = words.format(times=times, refused=refused, code=job.exit_code)
    return need("N-JOB-1", job.district, words, next_step.format(district=job.district), f"{job.number}")


_UNENDED: Mapping[Ending, tuple[str, str]] = {
    "ended": ("It {refused} before it began (exit code {code}).", "`syncrun check --district {district}` says why."),
    "gave up": ("It was tried {times}, and was to be tried again later each time.",
                "See to the network and the source; then `syncrun --district {district}`."),
    "crashed": ("It was begun {times} and cut off.", "See whether the machine has memory to spare; then `syncrun --district {district}`."),
    "too long": ("It took longer than it may, and was ended.",
                 "See what it waits for; `syncrun serve --minutes` gives it more time. The next run goes on from there."),
    "too large": ("It took more memory than it may, and was ended.",
                  "`syncrun serve --memory-mb` gives it more. The next run goes on from there."),
}  # fmt: skip


def of_file(name: str, error: ConfigError) -> Need:
    """A district file cannot be used."""
    codes = sorted({each.code for each in error.problems})
    return need("N-FILE-1", name, f"The district file has {len(error.problems)} problems ({', '.join(codes)}).",
                f"`syncrun check --district {name}` names them.", *codes)  # fmt: skip


def missed(district: str, mode: str, at: datetime.datetime) -> Need:
    """A run of a schedule was missed."""
    return need("N-MISS-1", district, f"The {mode} run of {at:%Y-%m-%d %H:%M} UTC was missed; the next is as scheduled.",
                f"`syncrun --district {district}` makes up for it.", mode, at.isoformat())  # fmt: skip


def skipped(district: str, reason: str) -> Need:
    """A scheduled run was passed over. `reason` is of ours."""
    return need("N-SKIP-1", district, f"The scheduled run was skipped: {reason}.",
                f"See to the one before; then `syncrun --district {district}`.", reason)  # fmt: skip


def _of_sinks(district: str, summary: Mapping[str, Any], run: str | None) -> Iterator[Need]:
    for name, sink in summary.get("sinks", {}).items():
        held = sink.get("held", ())
        if held:
            code = "N-FIRST-1" if sink.get("first") else "N-HELD-1"
            yield need(code, district, f"{name}: {_held(held)}",
                       f"`syncrun show --district {district}`, then `syncrun approve` or `syncrun reject`.",
                       name, *sorted(part["hash"] for part in held), run=run)  # fmt: skip
        if sink.get("rejected"):
            codes = sorted({_code(each["code"]) for each in sink.get("rejections", ())})
            yield need("N-SINK-2", district, f"{name}: {sink['rejected']:,} rows were not taken ({', '.join(codes)}).",
                       f"`syncrun report --district {district} --problems` names them.",
                       name, str(sink["rejected"]), *codes, run=run)  # fmt: skip
        if sink.get("outcome") == "skipped":
            yield need("N-SKIP-1", district, f"{name}: skipped, since {sink['reason']}.",
                       "See to the one before; the next run makes up for it.", name, sink["reason"], run=run)  # fmt: skip


def _held(held: Any) -> str:
    changes = sum(part["changes"] for part in held)
    schools = [part["school"] for part in held if part["school"]]
    where = ["the district's own rows"] * (len(schools) < len(held))
    if schools:
        more = f" and {len(schools) - SHOWN} more" if len(schools) > SHOWN else ""
        where.append(f"school {', '.join(schools[:SHOWN])}{more}")
    codes = sorted({_code(reason["code"]) for part in held for reason in part["reasons"]})
    return f"{changes:,} change{'s wait' if changes != 1 else ' waits'} in {' and '.join(where)} ({', '.join(codes)})."


def _of_errors(district: str, summary: Mapping[str, Any], run: str | None) -> Iterator[Need]:
    error = summary.get("error")
    if error and error["outcome"] != "RETRY":
        code = "N-RUN-2" if error["outcome"] == "FAILED" else "N-RUN-1"
        yield need(code, district, _said(error), f"`syncrun --district {district}` says more.", error["code"], run=run)
    for name, one in summary.get("errors", {}).items():
        if one["outcome"] != "RETRY":
            yield need("N-SINK-1", district, f"{name}: {_said(one)}", f"`syncrun show --district {district}` says more.",
                       name, one["code"], run=run)  # fmt: skip


def _said(error: Mapping[str, Any]) -> str:
    """An error by its code and the words that its class has for all such errors; never its own, which a plug-in may
    have chosen."""
    return f"{error['outcome']} {_code(error['code'])}. {error.get('title', 'An error of a plug-in.')}"


def _code(text: str) -> str:
    """A code, if it looks like one: a plug-in makes up its own."""
    return text if re.fullmatch(r"[A-Z]{1,3}-[A-Z]{1,12}-[0-9]{1,3}", text) else "other"
