"""The tree of errors: every one says whose turn it is, how the process ends, and what to do next."""

from __future__ import annotations

import pytest

import syncrun.run.reading
import syncrun.state.database
from syncrun import errors
from syncrun.errors import AuthError, ConfigError, Problem, RateLimitedError, SyncError, TransientError, tree

EXITS = {
    "REFUSED": errors.EXIT_REFUSED, "HELD": errors.EXIT_HELD, "RETRY": errors.EXIT_RETRY, "FAILED": errors.EXIT_FAULT,
}  # fmt: skip


def descendants(cls: type[SyncError]) -> list[type[SyncError]]:
    """All classes below, those that other modules of ours add too."""
    ours = [child for child in cls.__subclasses__() if child.__module__.startswith("syncrun.")]
    return [found for child in ours for found in (child, *descendants(child))]


def test_tree_names_every_class_of_the_module_and_parents_come_first() -> None:
    found = tree()
    assert found[0] is SyncError
    assert {*found} == {SyncError, *(each for each in descendants(SyncError) if each.__module__ == "syncrun.errors")}
    for place, each in enumerate(found[1:], 1):
        assert found.index(each.__bases__[0]) < place


@pytest.mark.parametrize("cls", descendants(SyncError), ids=lambda cls: cls.__name__)
def test_exit_code_follows_from_the_outcome(cls: type[SyncError]) -> None:
    assert cls.exit_code == EXITS[cls.outcome]


def test_codes_are_stable_words_and_no_two_classes_share_one() -> None:
    everyone = [cls.code for cls in descendants(SyncError)]
    assert len(set(everyone)) == len(everyone)
    # those of connectors, exports and schedules are there when their tests ran before in the same process
    elsewhere = ("syncrun.connectors", "syncrun.sdk.sftp", "syncrun.sdk.file", "syncrun.schedule")
    codes = [cls.code for cls in descendants(SyncError) if not cls.__module__.startswith(elsewhere)]
    assert sorted(codes) == sorted({
        "E-REFUSED-1", "E-CONFIG-3", "E-AUTH-1", "E-INPUT-1", "E-INPUT-2", "E-INPUT-3", "E-INPUT-4", "E-USAGE-1", "E-STATE-1",
        "E-STATE-2", "E-OWNER-1", "E-EXIST-1", "E-MAP-1",
        "E-RETRY-1", "E-LEASE-1", "E-LEASE-2", "E-RETRY-2", "E-FAULT-1", "E-PLUGIN-1", "E-FENCE-1",
        "E-AUTH-2", "E-ADDR-1", "E-ADDR-2", "E-ADDR-3", "E-HTTP-1", "E-HTTP-2", "E-HTTP-3",
        "E-ANSWER-1", "E-ANSWER-2", "E-ANSWER-3", "E-ANSWER-4", "E-ANSWER-5", "E-ANSWER-6",
        "E-NET-1", "E-NET-2", "E-NET-3", "E-NET-4",
        "E-PULL-1", "E-PULL-2", "E-PULL-3", "E-RETRY-3", "E-STOP-1",
    })  # fmt: skip


AUTH = "The other side does not accept our credentials. It is asked once, never again and again."


def test_every_error_says_what_is_safe_and_what_comes_next() -> None:
    told = AuthError("The door is closed.").as_dict()
    assert told == {
        "code": "E-AUTH-1", "title": AUTH, "outcome": "REFUSED", "message": "The door is closed.", "safe": "Nothing was written.",
        "next_step": "Check the user name, the password and the rights, then run again.",
    }  # fmt: skip


def test_words_of_the_raiser_go_before_those_of_the_class() -> None:
    error = AuthError("The door is closed.", safe="The house is.", next_step="Ring the bell.")
    assert (error.safe, error.next_step) == ("The house is.", "Ring the bell.")
    assert AuthError("Again.").safe == "Nothing was written."


def test_config_error_keeps_all_problems_and_counts_them() -> None:
    problems = [
        Problem("E-CONFIG-3", "source.path", "is missing", "give one"),
        Problem("E-CONFIG-5", "a.b", "is not set"),
    ]
    assert ConfigError(problems[:1]).message == "the district file has 1 problem."
    error = ConfigError(problems, source="x.toml")
    assert error.message == "x.toml has 2 problems."
    assert error.as_dict()["problems"] == [
        {"code": "E-CONFIG-3", "path": "source.path", "message": "is missing", "hint": "give one"},
        {"code": "E-CONFIG-5", "path": "a.b", "message": "is not set", "hint": ""},
    ]


def test_transient_error_carries_how_long_the_other_side_asks_to_wait() -> None:
    assert RateLimitedError("Slow down.", retry_after=12).retry_after == 12
    assert TransientError("Gone.").retry_after is None


def test_errors_of_other_modules_belong_to_the_tree_too() -> None:
    assert syncrun.state.database.NewerStateError in descendants(errors.RefusedError)
    assert syncrun.run.reading.SetRefusedError in descendants(errors.InputError)


def test_words_that_a_plug_in_has_for_an_error_are_not_taken_for_ours() -> None:
    class VendorError(AuthError):
        """Ann Miller's password is wrong."""

        code = "E-VENDOR-1"

    assert "title" not in VendorError("No.").as_dict()
