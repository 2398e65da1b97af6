"""What a rule is, and the rules about a single cell. A rule has a stable code, a severity and a fix in words."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.Enum):
    """What a finding does to the thing it is about."""

    STOP = "stop"
    """The set cannot be used: refused, nothing written."""
    HOLD = "hold"
    """The set may be used only when a person says so."""
    DROP_ROW = "drop row"
    """The row is not used; what was accepted of it before stays."""
    DROP_VALUE = "drop value"
    """The row is used without this value."""
    NOTE = "note"
    """The row is used; the remark stands in the report."""


STANDARD = "OneRoster"
"""How the sources begin that name the standard."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked at. `source` names where the rule comes from: the standard, or `practice`."""

    code: str
    title: str
    severity: Severity
    fix: str
    source: str

    @property
    def standard(self) -> bool:
        """Whether what breaks the rule breaks the standard; strict mode refuses it."""
        return self.source.startswith(STANDARD)


def catalogue(*rules: Rule) -> dict[str, Rule]:
    """The rules by their codes; a code given twice is a mistake of ours and raises at import."""
    found: dict[str, Rule] = {}
    for rule in rules:
        if rule.code in found:
            raise ValueError(f"rule code {rule.code} is used twice")
        found[rule.code] = rule
    return found


_CSV = "OneRoster CSV 1.2, "

CELL_RULES = catalogue(
    Rule("R-CELL-01", "A required cell is blank", Severity.DROP_ROW,
         "Fill the cell in the source system and export again.", _CSV + "required columns"),
    Rule("R-CELL-02", "A cell begins or ends with blanks", Severity.NOTE,
         "Remove the blanks in the source system; they were left out here.", "practice"),
    Rule("R-CELL-03", "A cell is longer than 255 characters", Severity.NOTE,
         "Shorten the text; a receiver may cut it.", _CSV + "string length"),
    Rule("R-CELL-04", "A cell holds a control character", Severity.DROP_ROW,
         "Remove the invisible character in the source system; databases refuse it.", "practice"),
    Rule("R-CELL-05", "A cell looks damaged by a spreadsheet", Severity.DROP_ROW,
         "Export again and do not open the file in a spreadsheet; identifiers lose digits there.", "practice"),
    Rule("R-CELL-06", "A cell begins with a sign that a spreadsheet takes for a formula", Severity.NOTE,
         "Nothing needs doing: the cell is kept as it is, and made harmless in our own reports.", "practice"),
    Rule("R-CELL-07", "A cell holds the error word of a spreadsheet", Severity.DROP_ROW,
         "Correct the formula in the spreadsheet, or better export without one.", "practice"),
    Rule("R-CELL-08", "A cell holds the signs of a spreadsheet column that was too narrow", Severity.DROP_ROW,
         "Export again and do not copy from the screen of a spreadsheet.", "practice"),
    Rule("R-CELL-09", "A cell holds a line break", Severity.NOTE,
         "Remove the line break in the source system; other readers will take the row for two.", _CSV + "RFC 4180"),
    Rule("R-CELL-10", "A cell holds the sign for a letter that was lost", Severity.NOTE,
         "Correct the text in the source system; a conversion before the export could not write it.", "practice"),
    Rule("R-ID-01", "An identifier is 256 characters or longer", Severity.DROP_ROW,
         "Give the record an identifier of fewer than 256 characters.", _CSV + "GUID"),
    Rule("R-ID-02", "An identifier has characters outside the standard's set", Severity.NOTE,
         "Nothing needs doing: identifiers are kept exactly as they are.", _CSV + "GUID"),
    Rule("R-ID-03", "An identifier begins or ends with blanks", Severity.NOTE,
         "Remove the blanks in the source system; identifiers are kept exactly as they are, blanks too.", "practice"),
    Rule("R-WORD-01", "A required cell holds a word that the standard does not know", Severity.DROP_ROW,
         "Use one of the standard's words; the entity page in the docs lists them.", _CSV + "vocabularies"),
    Rule("R-WORD-02", "A word is right but for its spelling or case", Severity.NOTE,
         "Write the word as the standard does; it was read as meant.", _CSV + "vocabularies"),
    Rule("R-WORD-03", "An optional cell holds a word that the standard does not know", Severity.DROP_VALUE,
         "Use one of the standard's words or leave the cell blank.", _CSV + "vocabularies"),
    Rule("R-WORD-04", "A required cell holds an `ext:` word that is not allowed there or not well formed",
         Severity.DROP_ROW, "Write `ext:` and letters, digits, dots, lines, or a word of the standard.",
         _CSV + "extensible vocabularies"),
    Rule("R-WORD-05", "An optional cell holds an `ext:` word that is not allowed there or not well formed",
         Severity.DROP_VALUE, "Write `ext:` and letters, digits, dots, lines, or a word of the standard.",
         _CSV + "extensible vocabularies"),
    Rule("R-WORD-06", "A code is not of the form that its list has", Severity.NOTE,
         "Write the code of the list that the standard names; it was kept as it is.", _CSV + "vocabularies"),
    Rule("R-BOOL-01", "A cell is neither true nor false", Severity.DROP_ROW,
         "Write true or false.", _CSV + "Boolean"),
    Rule("R-BOOL-02", "A truth value is spelled in another way than true or false", Severity.NOTE,
         "Write true or false; it was read as meant.", _CSV + "Boolean"),
    Rule("R-DATE-01", "A date is not in the form YYYY-MM-DD", Severity.DROP_ROW,
         "Export dates as YYYY-MM-DD; other forms are not guessed at, since 03/04 has two readings.", _CSV + "Date"),
    Rule("R-DATE-02", "A date carries a time of day", Severity.NOTE,
         "Export the date alone; the time was left out here.", _CSV + "Date"),
    Rule("R-DATE-03", "A date-time is not in ISO 8601 form with a UTC mark", Severity.NOTE,
         "Export it like 2026-08-01T06:30:00.000Z.", _CSV + "DateTime"),
    Rule("R-DATE-04", "A date is not a day of the calendar", Severity.DROP_ROW,
         "Correct the day in the source system.", _CSV + "Date"),
    Rule("R-DATE-05", "A date is the day number of a spreadsheet", Severity.DROP_ROW,
         "Export dates as text, YYYY-MM-DD; the number of a day depends on who wrote it.", _CSV + "Date"),
    Rule("R-DATE-06", "A date-time is no date at all", Severity.NOTE,
         "Export it like 2026-08-01T06:30:00.000Z.", _CSV + "DateTime"),
    Rule("R-YEAR-01", "A school year is not four digits between 1990 and 2100", Severity.DROP_VALUE,
         "Write the calendar year in which the school year ends.", _CSV + "Year"),
    Rule("R-YEAR-02", "A school year is written as a range", Severity.NOTE,
         "Write only the year in which the school year ends; that year was used.", _CSV + "Year"),
    Rule("R-GRADE-01", "A grade code is not in the CEDS list", Severity.NOTE,
         "Use the CEDS entry grade codes; the code was kept as it is.", "CEDS entry grade level"),
    Rule("R-GRADE-02", "A grade code is a known other spelling of a CEDS code", Severity.NOTE,
         "Write the CEDS code; it was read as meant.", "CEDS entry grade level"),
    Rule("R-USERID-01", "A list of user ids is not of the form {type:id}", Severity.NOTE,
         "Write each item as {type:id}; what cannot be read is left out.", _CSV + "userIds"),
    Rule("R-MAIL-01", "An e-mail address does not look like one", Severity.NOTE,
         "Correct the address in the source system.", "practice"),
    Rule("R-MAIL-02", "A cell holds more than one e-mail address", Severity.NOTE,
         "Leave one address in the cell; it was kept as it is.", "practice"),
    Rule("R-PHONE-01", "A telephone number has no digits", Severity.NOTE,
         "Correct the number in the source system, or leave the cell blank.", "practice"),
    Rule("R-PASSWORD-01", "A password is in the file", Severity.NOTE,
         "Leave the column blank; it is dropped on reading and stored nowhere.", "practice"),
)  # fmt: skip
