"""Whatever happens between them: a run that reads everything ends where a district ends that is read for the first time;
and so do runs that ask for changes alone, as long as the source dates its changes and marks what it deletes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from remote import KEY, SECRET, Patience, Remote, accepted

from syncrun.testing.roster_server import Roster, RosterServer

PUPIL = st.integers(0, 65).map(lambda n: f"s1{n:03d}")
DATED = st.tuples(st.sampled_from(["name", "agents", "school", "enroll", "mark", "mark all"]), PUPIL, st.just(True))  # noqa: FBT003 # a value drawn, not a switch
UNDATED = st.tuples(
    st.sampled_from(["name", "agents", "school", "enroll", "remove", "remove all", "mark"]), PUPIL, st.booleans()
)
RUN = st.tuples(st.sampled_from(["changes", "changes", "everything", "crash"]), st.integers(1, 20), st.just(True))  # noqa: FBT003 # a value drawn, not a switch


def edit(server: RosterServer, what: str, pupil: str, *, dated: bool) -> None:
    """One change in the source."""

    def change(roster: Roster) -> None:  # one branch a change
        enrolled = [key for key in roster.keys("enrollments") if key.endswith(f"-{pupil}")]
        if pupil not in roster.keys("users"):
            return
        if what == "name":
            roster.change("users", pupil, dated=dated, givenName=f"Name {roster.revision}")
        elif what == "agents":
            roster.change("users", pupil, dated=dated, agents=[{"sourcedId": "t100"}])
        elif what == "school":
            orgs = [{"sourcedId": f"school-{1 + (roster.revision + n) % 3}"} for n in range(1 + roster.revision % 2)]
            roster.change("users", pupil, dated=dated, orgs=orgs)
        elif what == "enroll":
            roster.put("enrollments", {"sourcedId": f"more-{pupil}", "user": pupil, "class": "class-1-1",
                                       "school": "school-1", "role": "student"}, dated=dated)  # fmt: skip
        elif what == "mark" and enrolled:
            roster.tombstone("enrollments", enrolled[0], dated=dated)
        elif what == "remove" and enrolled:
            roster.remove("enrollments", enrolled[0])
        elif what == "remove all":
            roster.remove("enrollments", *enrolled)
            roster.remove("users", pupil)
        elif what == "mark all":
            for key in enrolled:
                roster.tombstone("enrollments", key, dated=dated)
            roster.tombstone("users", pupil, dated=dated)

    server.edit(change)


@contextmanager
def district(version: str) -> Iterator[Remote]:
    """A district that asks for changes alone, after its first day."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNCRUN_HOME", f"{folder}/home")
        patch.setenv("CANARY_KEY", KEY)
        patch.setenv("CANARY_SECRET", SECRET)
        patch.delenv("SYNCRUN_DATABASE_URL", raising=False)
        patch.setattr("os.fsync", lambda stream: None)  # nothing here must survive a power failure
        Patience().take_over(patch)
        found = Remote(Path(folder))
        found.write()
        with found.serve():
            found.point(version, deltas=True, page_size=50)
            assert found.sync().exit_code == 3
            found.approve()
            assert found.sync().exit_code == 0
            found.clock.move(days=1)
            yield found


def live(remote: Remote, story: list[tuple[str, object, bool]]) -> None:
    """Have it happen."""
    for what, which, dated in story:
        if what == "crash":
            remote.break_it(failing=1.0, begin=len(remote.server.log) + int(str(which)))
            remote.server.edit(lambda roster: None)
            remote.sync()
            remote.break_it()
        elif what in {"changes", "everything"}:
            _run(remote, full=what == "everything")
            remote.clock.move(days=1)
        else:
            edit(remote.server, what, str(which), dated=dated)


def _run(remote: Remote, *, full: bool) -> None:
    result = remote.sync(mode="full") if full else remote.sync()
    assert result.exit_code in {0, 3}, result.summary
    if result.exit_code == 3:
        remote.approve()
        assert remote.sync().exit_code == 0


def from_the_start(remote: Remote, version: str) -> dict[str, list[str]]:
    """What a new installation accepts on reading everything."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNCRUN_HOME", f"{folder}/home")
        other = Remote(Path(folder))
        other.clock, other.server = remote.clock, remote.server
        other.point(version)
        assert other.sync().exit_code == 3
        return accepted(other)


def ends_as_new(story: list[tuple[str, object, bool]], version: str, *, full: bool) -> None:
    with district(version) as remote:
        live(remote, story)
        remote.server.edit(lambda roster: None)
        _run(remote, full=full)
        assert accepted(remote) == from_the_start(remote, version)


SLOW = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
QUICK = settings(SLOW, max_examples=2, derandomize=True)
VERSION = st.sampled_from(["1.1", "1.2"])
ANY = st.lists(st.one_of(UNDATED, RUN), min_size=2, max_size=6)
TOLD = st.lists(st.one_of(DATED, RUN), min_size=2, max_size=6)


@pytest.mark.slow
@QUICK
@given(ANY, VERSION)
def test_everything_read_ends_as_new(story: list[tuple[str, object, bool]], version: str) -> None:
    ends_as_new(story, version, full=True)


@QUICK
@given(TOLD, VERSION)
def test_changes_alone_end_as_new(story: list[tuple[str, object, bool]], version: str) -> None:
    ends_as_new(story, version, full=False)


@pytest.mark.slow
@SLOW
@given(ANY, VERSION)
def test_everything_read_ends_as_new_always(story: list[tuple[str, object, bool]], version: str) -> None:
    ends_as_new(story, version, full=True)


@pytest.mark.slow
@SLOW
@given(TOLD, VERSION)
def test_changes_alone_end_as_new_always(story: list[tuple[str, object, bool]], version: str) -> None:
    ends_as_new(story, version, full=False)
