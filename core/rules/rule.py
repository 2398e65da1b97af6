"""The rules about references and about records together, and the catalogue of all rules."""

from __future__ import annotations

from syncrun.intake.rule import (
    ARCHIVE_RULES,
    DRAWN_RULES,
    FILE_RULES,
    FORMAT_RULES,
    HEADER_RULES,
    PULL_RULES,
    SET_RULES,
    TEXT_RULES,
)
from syncrun.roster.entity import ROW_RULES
from syncrun.roster.rule import CELL_RULES, Rule, Severity, catalogue

REFERENCE_RULES = catalogue(
    Rule("R-REF-01", "A row names a record that is not there", Severity.DROP_ROW,
         "Send the record that it names, or correct the id.", "OneRoster CSV 1.2, references"),
    Rule("R-REF-02", "A row names, beside others or optionally, a record that is not there", Severity.DROP_VALUE,
         "Send the record that it names, or correct the id; the reference was left out.",
         "OneRoster CSV 1.2, references"),
    Rule("R-REF-03", "A row names a record that is marked as deleted", Severity.DROP_ROW,
         "Delete the row too, or send the record that it names without the mark.", "practice"),
    Rule("R-REF-04", "A row names a record that was itself rejected", Severity.DROP_ROW,
         "Correct the record that it names; this row comes with it.", "OneRoster CSV 1.2, references"),
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

_MEANING = "OneRoster 1.2, "
FIT_RULES = catalogue(
    Rule("R-FIT-01", "The parents of a record lead back to itself", Severity.DROP_VALUE,
         "Correct the parents; the record was read without one.", _MEANING + "parents"),
    Rule("R-FIT-02", "An org stands under one of a lower kind", Severity.NOTE,
         "Correct the type or the parent: department, school, district, local, state, national.", "practice"),
    Rule("R-FIT-03", "A session lies outside of the one it belongs to", Severity.NOTE,
         "Correct the dates of either.", "practice"),
    Rule("R-FIT-04", "The school year of a course is a session of another type", Severity.NOTE,
         "Name a session of type schoolYear.", _MEANING + "course"),
    Rule("R-FIT-05", "What is named as a school is an org of another type", Severity.NOTE,
         "Name the school, or correct the type of the org.", _MEANING + "class and enrollment"),
    Rule("R-FIT-06", "An enrollment names another school than its class", Severity.NOTE,
         "Give the enrollment the school of the class.", "practice"),
    Rule("R-FIT-07", "A class meets in another school year than its course", Severity.NOTE,
         "Give the class a course of its own year, or correct the terms.", "practice"),
    Rule("R-FIT-08", "An enrollment begins before the class does", Severity.NOTE,
         "Correct beginDate, or the terms of the class.", _MEANING + "enrollment"),
    Rule("R-FIT-09", "A class has more than one primary teacher at a time", Severity.NOTE,
         "Mark one teacher as primary.", _MEANING + "enrollment"),
    Rule("R-FIT-10", "A person has more than one primary role in an org", Severity.NOTE,
         "Mark one role as primary; all were used.", _MEANING + "roles"),
    Rule("R-FIT-11", "A student is enrolled as something else, or somebody else as a student", Severity.NOTE,
         "Correct the role of the enrollment or of the person.", "practice"),
    Rule("R-FIT-12", "A person is in a class twice at a time in the same role", Severity.NOTE,
         "Send one enrollment.", "practice"),
    Rule("R-FIT-13", "A user name belongs to more than one person", Severity.NOTE,
         "Give each person a user name of their own.", "practice"),
    Rule("R-FIT-14", "An e-mail address belongs to more than one person", Severity.NOTE,
         "Give each person an address of their own, or leave it blank.", "practice"),
    Rule("R-FIT-15", "A student looks like another: name, birth date and school are the same", Severity.NOTE,
         "Merge the two in the source system if they are one person.", "practice"),
    Rule("R-FIT-16", "A person who may not log in is enrolled", Severity.NOTE,
         "Nothing needs doing unless they should be able to log in.", "practice"),
    Rule("R-FIT-17", "A person is enrolled in a school that is not theirs", Severity.NOTE,
         "Add the school to the person's orgs or roles.", "practice"),
    Rule("R-FIT-18", "A person's primary org is one in which they have no role", Severity.NOTE,
         "Add a role there, or name another org.", _MEANING + "users"),
    Rule("R-FIT-19", "Two identifiers of a file differ only by case", Severity.NOTE,
         "Give records ids that differ in more than case; some receivers take these for one.", "practice"),
    Rule("R-FIT-20", "A birth date lies before 1900 or in the future", Severity.NOTE,
         "Correct the date in the source system.", "practice"),
    Rule("R-FIT-21", "An enrollment ends after the class does", Severity.NOTE,
         "Correct endDate, or the terms of the class.", _MEANING + "enrollment"),
    Rule("R-FIT-22", "A student is named as the agent of a student", Severity.NOTE,
         "Name the guardian.", "practice"),
)  # fmt: skip

_ASK = "Nothing needs doing if it is so; else look at the export: "
SANITY_RULES = catalogue(
    Rule("R-SANE-01", "A class has no teacher", Severity.NOTE, _ASK + "enrollments of teachers.", "practice"),
    Rule("R-SANE-02", "A class has no students", Severity.NOTE, _ASK + "enrollments of students.", "practice"),
    Rule("R-SANE-03", "A student is in no class", Severity.NOTE, _ASK + "enrollments of students.", "practice"),
    Rule("R-SANE-04", "A teacher has no school", Severity.NOTE, _ASK + "the orgs or roles of teachers.", "practice"),
    Rule("R-SANE-05", "A teacher has no class", Severity.NOTE, _ASK + "enrollments of teachers.", "practice"),
    Rule("R-SANE-06", "A guardian has no child", Severity.NOTE, _ASK + "agentSourcedIds of either.", "practice"),
    Rule("R-SANE-07", "A school has no classes", Severity.NOTE, _ASK + "which schools it covers.", "practice"),
    Rule("R-SANE-08", "A course has no classes", Severity.NOTE, _ASK + "which classes it covers.", "practice"),
    Rule("R-SANE-09", "A person has no role", Severity.NOTE, "Send a row of roles.csv for each person.",
         _MEANING + "roles"),
    Rule("R-SANE-10", "No school year covers today", Severity.NOTE,
         "Look whether the export is of this year, and whether the dates of its sessions are right.", "practice"),
    Rule("R-SANE-11", "A school has nobody in it", Severity.NOTE, _ASK + "the orgs or roles of people.", "practice"),
)  # fmt: skip

RULES: dict[str, Rule] = {
    **FORMAT_RULES,
    **DRAWN_RULES,
    **SET_RULES,
    **PULL_RULES,
    **ARCHIVE_RULES,
    **TEXT_RULES,
    **FILE_RULES,
    **HEADER_RULES,
    **CELL_RULES,
    **ROW_RULES,
    **REFERENCE_RULES,
    **SCHOOL_RULES,
    **GUARDIAN_RULES,
    **FIT_RULES,
    **SANITY_RULES,
}
"""Every rule by its code."""
