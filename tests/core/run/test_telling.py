"""What people are told is written with the end of a run: both or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from syncrun.run import telling
from syncrun.state import outbox

if TYPE_CHECKING:
    from world import World


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("end", ["held", "refused"])
def test_run_that_is_cut_off_while_it_tells_has_no_end_and_tells_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    world.write()
    if end == "refused":
        (world.inbox / "users.csv").unlink()
    original = outbox.add

    def add(*arguments: object) -> bool:
        original(*arguments)  # type: ignore[arg-type] # passed on as they came
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(telling.outbox, "add", add)
        with pytest.raises(Killed):
            world.sync()
    state = world.state()
    assert [(run.finished_at, run.outcome) for run in state.runs("riverside")] == [(None, None)]
    assert outbox.unplanned(state) == []
    assert world.sync().outcome == end.upper()
    (notice,) = outbox.unplanned(state)
    assert [need["code"] for need in notice.needs] == ["N-FIRST-1" if end == "held" else "N-RUN-1"]
