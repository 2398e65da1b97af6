"""The rules about references, and the catalogue of all rules."""

from __future__ import annotations

from syncrun.intake.rule import ARCHIVE_RULES, FILE_RULES, SET_RULES
from syncrun.roster.entity import ROW_RULES
from syncrun.roster.rule import CELL_RULES, Rule, Severity, catalogue

REFERENCE_RULES = catalogue(
    Rule("R-REF-01", "A row names a record that is not there", Severity.DROP_ROW,
         "Send the record that it names, or correct the id.", "OneRoster CSV 1.2, references"),
    Rule("R-REF-02", "A row names, beside others or optionally, a record that is not there", Severity.DROP_VALUE,
         "Send the record that it names, or correct the id; the reference was left out.",
         "OneRoster CSV 1.2, references"),
)  # fmt: skip

RULES: dict[str, Rule] = {**SET_RULES, **ARCHIVE_RULES, **FILE_RULES, **CELL_RULES, **ROW_RULES, **REFERENCE_RULES}
"""Every rule by its code."""
