"""What changes alone had missed is counted when everything is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from remote import Remote

    from syncrun.run.ending import Result


def missed(result: Result) -> dict[str, int]:
    """By collection the count of R-PULL-04."""
    return {each["file"]: each["count"] for each in result.summary["findings"] if each["code"] == "R-PULL-04"}


@pytest.fixture
def drifted(remote: Remote) -> Remote:
    """A district that asked for changes alone once, while three users changed and an enrollment went without a word,
    and one user changed with one."""
    remote.point(deltas=True)
    assert remote.sync().exit_code == 0
    remote.clock.move(days=1)
    remote.server.change("users", "s1004", givenName="Told")
    for n in range(3):
        remote.server.change("users", f"s100{n}", givenName="Hidden", dated=False)
    remote.server.remove("enrollments", "class-1-0-s1000")
    result = remote.sync()
    assert (result.exit_code, result.summary["files"]["users"]) == (0, {"rows": 1, "rejected": 0, "mode": "delta"})
    assert remote.count("class_members") == 552
    remote.clock.move(days=1)
    return remote


def test_what_came_without_a_date_is_counted(drifted: Remote) -> None:
    """What came with one since is no miss; neither is what changes alone had brought."""
    drifted.server.change("users", "s1005", givenName="Told later")
    result = drifted.sync(mode="full")
    assert result.exit_code == 0
    assert missed(result) == {"users": 3, "enrollments": 1}
    assert drifted.count("class_members") == 551


def test_it_is_said_once(drifted: Remote) -> None:
    drifted.sync(mode="full")
    assert missed(drifted.sync(mode="full")) == {}


def test_where_nothing_was_missed_nothing_is_said(remote: Remote) -> None:
    remote.point(deltas=True)
    assert remote.sync().exit_code == 0
    remote.clock.move(days=1)
    remote.server.change("users", "s1004", givenName="Told")
    assert remote.sync().exit_code == 0
    remote.clock.move(days=1)
    assert missed(remote.sync(mode="full")) == {}


def test_other_settings_are_no_miss(drifted: Remote) -> None:
    """What a changed district file reads anew says nothing of what changes alone had missed."""
    told: dict[str, Any] = {"deltas": True, "page_size": 9_000}
    drifted.point(**told)
    result = drifted.sync()
    assert result.summary["files"]["users"]["mode"] == "bulk"
    assert missed(result) == {}
