"""The rules about references, and the catalogue of all rules."""

from __future__ import annotations

from syncrun.intake.rule import FILE_RULES, SET_RULES
from syncrun.roster.entity import ROW_RULES
from syncrun.roster.rule import CELL_RULES, Rule, Severity, catalogue

REFERENCE_RULES = catalogue(
    Rule("R-REF-01", "A row names a record that is not there", Severity.DROP_ROW,
         "Send the record that it names, or correct the id.", "OneRoster CSV 1.2, references"),
    Rule("R-REF-02", "A row names, beside others or optionally, a record that is not there", Severity.DROP_VALUE,
         "Send the record that it names, or correct the id; the reference was left out.",
         "OneRoster CSV 1.2, references"),
)  # fmt: skip

SCHOOL_RULES = catalogue(
    Rule("R-SCHOOL-01", "A row of an upload for one school belongs to another school", Severity.DROP_ROW,
         "Leave the row out, or upload it for the district.", "S4-2"),
    Rule("R-SCHOOL-02", "A row belongs to a school that is not registered", Severity.DROP_ROW,
         "Correct the school's id, or register the school: by orgs.csv, or by a row in the mapping file.", "S4-3"),
    Rule("R-SCHOOL-03", "A school is not registered", Severity.NOTE,
         "Correct the school's id, or register the school: by orgs.csv, or by a row in the mapping file.", "S4-3"),
)  # fmt: skip

GUARDIAN_RULES = catalogue(
    Rule("R-GUARDIAN-01", "A row gives a student more guardians than may be", Severity.DROP_ROW,
         "Leave guardians out, or raise `guardians` under `[limits]` in the district file.", "SX-3"),
)  # fmt: skip

RULES: dict[str, Rule] = {
    **SET_RULES, **FILE_RULES, **CELL_RULES, **ROW_RULES, **REFERENCE_RULES, **SCHOOL_RULES, **GUARDIAN_RULES
}  # fmt: skip
"""Every rule by its code."""
