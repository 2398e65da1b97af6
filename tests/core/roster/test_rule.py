"""The catalogue of rules."""

from __future__ import annotations

import pytest

from syncrun.roster.rule import Rule, Severity, catalogue
from syncrun.rules.rule import RULES


def test_code_that_is_given_twice_is_found_at_once() -> None:
    rule = Rule("R-X-1", "Something", Severity.NOTE, "Nothing.", "here")
    with pytest.raises(ValueError, match="R-X-1"):
        catalogue(rule, rule)


def test_every_rule_says_what_to_do_and_where_it_comes_from() -> None:
    assert all(rule.fix.endswith(".") and rule.source and not rule.title.endswith(".") for rule in RULES.values())
    assert all(code == rule.code for code, rule in RULES.items())
