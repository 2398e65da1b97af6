"""Who is known to be dead: nobody of whom this machine, as it runs now, cannot know."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from syncrun.state import process
from syncrun.state.process import born, here, is_dead

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a process began")


def test_process_that_is_there_is_not_dead_and_one_that_ended_is() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        birth = born(child.pid)
        assert birth is not None
        assert not is_dead(child.pid, birth)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(child.pid, birth)  # nobody has asked yet how it ended
    assert is_dead(child.pid, birth)
    assert born(child.pid) is None


def test_number_that_another_process_has_now_is_not_taken_for_it() -> None:
    assert is_dead(os.getpid(), f"1 {here()}")
    assert not is_dead(os.getpid(), None)


@pytest.mark.parametrize("place", ["another-boot pid:[1]", "x"])
def test_process_of_another_machine_or_container_of_the_same_name_is_not_known_to_be_dead(place: str) -> None:
    assert not is_dead(2**22 + 1, f"1 {place}")
    assert is_dead(2**22 + 1, f"1 {here()}")
    assert is_dead(2**22 + 1, "1")  # written by an earlier version


def test_place_is_the_machine_since_it_was_started_and_its_part() -> None:
    boot, namespace = here().split(" ")
    assert len(boot) == 36
    assert namespace == str(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115 # as the system has it
    assert process.here() is here()
