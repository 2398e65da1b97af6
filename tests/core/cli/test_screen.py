"""How summaries look: what others chose to call things is shown as it is."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from syncrun.cli.screen import Live, console, next_steps, show_summary

ODD = "[/bold] [red]x"


def printed(told: dict[str, Any], asked: str | None = "riverside") -> str:
    """What stands on the screen."""
    stream = io.StringIO()
    show_summary(Console(file=stream, highlight=False, soft_wrap=True, width=200), told, asked)
    return stream.getvalue()


SUMMARY: dict[str, Any] = {
    "outcome": "DEGRADED", "district": "riverside", "run": "run-1",
    "files": {"users.csv": {"rows": 1234, "rejected": 1, "mode": "bulk"}},
    "findings": [{"code": "R-CELL-01", "severity": "drop row", "title": "A cell", "count": 2, "file": "users.csv", "line": 7,
                  "column": "givenName", "words": ODD}],
    "faults": [ODD], "advice": [ODD], "errors": {"planner": {"code": "E-1", "message": ODD, "next_step": ODD}},
    "sinks": {"planner": {
        "tables": {"students": {"planned": {"create": 5}, "unchanged": 7, "kept": 2, "billable": 3}}, "billable": 3,
        "held": [{"school": ODD, "changes": 4, "reasons": [{"code": "P-REVIEW-1", "words": ODD}]}, {"school": None, "changes": 1, "reasons": []}],
        "rejections": [{"code": "S-1", "table": "students", "key": ODD, "action": "create", "reason": ODD}], "rejected": 21,
    }},
}  # fmt: skip


def test_words_of_others_are_no_markup() -> None:
    text = printed(SUMMARY)
    assert text.count(ODD) == 9
    assert "held school [/bold] [red]x: 4 changes. P-REVIEW-1 [/bold] [red]x" in text


def test_counts_and_places_are_told() -> None:
    text = printed(SUMMARY)
    for part in ("R-CELL-01 users.csv:7 givenName  A cell: ", "(2 rows)", "1,234", "7 (+2 kept)", "billable students: 3 more in the account",
                 "held the district's own rows: 1 change.", "21 rejected in all; `syncrun report` has them."):  # fmt: skip
        assert part in text


def test_summary_without_a_district_that_was_asked_for_has_no_next_steps() -> None:
    assert "Next: " in printed(SUMMARY)
    assert "Next: " not in printed(SUMMARY, None)


def test_long_reasons_are_not_cut_or_broken() -> None:
    words = "because " * 60
    text = printed({**SUMMARY, "advice": [words]})
    assert f"note {words.rstrip()}" in text


@pytest.mark.parametrize(("told", "words"), [
    ({"outcome": "HELD"}, "syncrun approve --district 'my file.toml'"),
    ({"outcome": "DEGRADED"}, "syncrun report --district 'my file.toml'"),
    ({"outcome": "HELD", "approval_stale": True}, "A plan was approved, but the input has changed since"),
    ({"outcome": "HELD", "rejected_by_person": True}, "A person turned this very plan down."),
])  # fmt: skip
def test_next_steps_name_the_district_as_it_was_asked_for(told: dict[str, Any], words: str) -> None:
    assert any(words in line.replace("[/]", "").replace("[bold]", "") for line in next_steps(told, "my file.toml"))


def test_nothing_to_do_is_said_with_the_faults_of_observers() -> None:
    text = printed({"outcome": "DONE", "district": "riverside", "run": "r", "nothing_to_do": True, "faults": [ODD]})
    assert "Nothing to do" in text
    assert ODD in text


def test_progress_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with Live() as live:
        live.phase("fetch")
        live.total("planner", 10)
        live.chunk("planner", "students", "create", 10)
    assert capsys.readouterr() == ("", "")


def test_logs_are_wide() -> None:
    assert console().width >= 200


def test_grave_findings_come_first_and_columns_of_one_line_are_told_together() -> None:
    def finding(code: str, severity: str, column: str) -> dict[str, Any]:
        return {
            "code": code,
            "severity": severity,
            "title": "T",
            "count": 1,
            "file": "users.csv",
            "line": 1,
            "column": column,
        }

    notes = [finding("R-HEAD-01", "note", f"column{n}") for n in range(20)]
    text = printed({**SUMMARY, "findings": [*notes, finding("R-PULL-01", "hold", "")]})
    lines = [line for line in text.splitlines() if " R-" in line]
    assert lines == [
        "  R-PULL-01 users.csv:1  T", "  R-HEAD-01 users.csv:1 column0, column1, column2, and 17 more  T",
    ]  # fmt: skip


def test_remarks_beyond_the_screen_are_counted() -> None:
    many = [{**SUMMARY["findings"][0], "line": n} for n in range(15)]
    assert "3 more remarks" in printed({**SUMMARY, "findings": many})
