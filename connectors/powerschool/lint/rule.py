"""What is looked at in a package, each rule with a code that stays."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Level(enum.Enum):
    """How bad it is."""

    ERROR = "error"
    """PowerSchool refuses the package, or the query gives nothing or the wrong rows."""
    WARNING = "warning"
    """It works, and will give trouble."""


@dataclass(frozen=True, slots=True)
class LintRule:
    """A rule: what is wrong when it is broken, and what mends it."""

    code: str
    title: str
    level: Level
    fix: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A rule that a package breaks: in which file, at which line (0 for the whole of it), and more exactly what."""

    code: str
    file: str
    line: int = 0
    words: str = ""

    @property
    def rule(self) -> LintRule:
        """The rule that is broken."""
        return RULES[self.code]

    def as_dict(self) -> dict[str, object]:
        """The remark as `--json` prints it."""
        return {"code": self.code, "level": self.rule.level.value, "file": self.file, "line": self.line,
                "title": self.rule.title, "words": self.words, "fix": self.rule.fix}  # fmt: skip


_E, _W = Level.ERROR, Level.WARNING
RULES: Mapping[str, LintRule] = {
    each.code: each
    for each in (
        # the archive
        LintRule("L-PS-01", "The package cannot be read", _E, "Make it anew: a ZIP archive without a password, or plugin.xml alone."),
        LintRule("L-PS-02", "plugin.xml is not at the root", _E, "Pack the files themselves, not the folder that holds them."),
        LintRule("L-PS-03", "A file that PowerSchool does not know is in the package", _E,
                 "Leave it out: a stray file breaks the upload; macOS adds some of its own."),
        LintRule("L-PS-04", "Two files have one name", _E, "Leave one of them out."),
        LintRule("L-PS-05", "A file is no well-formed XML", _E, "Mend it at the line named; a bare & must be &amp;."),
        LintRule("L-PS-06", "A file has a document type or entities of its own", _E, "Write the file without <!DOCTYPE>."),
        LintRule("L-PS-07", "A file is not as its schema says", _E, "Mend what is named; names of elements and attributes are exact."),
        # plugin.xml
        LintRule("L-PS-10", "The plug-in's name is missing, empty or longer than 40 characters", _E,
                 "Give it 1 to 40; no other plug-in of a server may have it."),
        LintRule("L-PS-11", "The version is not made of at most 20 digits and points", _E, "Write it like 1.2.0."),
        LintRule("L-PS-12", "The plug-in has no version", _W, "Give it one: an update in place wants a higher one."),
        LintRule("L-PS-13", "The description is longer than 256 characters", _E, "Shorten it."),
        LintRule("L-PS-14", "The publisher, its name or its contact is missing or too long", _E,
                 "Write <publisher> with a name of 1 to 100 characters, and <contact> in it."),
        LintRule("L-PS-15", "The contact's e-mail address is missing or longer than 40 characters", _E, "Give a shorter address."),
        LintRule("L-PS-16", "The contact's telephone number is longer than 20 characters", _E, "Shorten it."),
        LintRule("L-PS-20", "The plug-in asks for credentials and for no level of access to the API", _W,
                 "Write accessLevelV1Api: from 25.2 on, /ws/v1 is closed without it. Servers before that get a package of their own."),
        LintRule("L-PS-21", "The level of access to the API is unknown", _E, "Write NONE, READ or FULL."),
        LintRule("L-PS-22", "The plug-in asks to write through the API", _W, "Ask for READ, unless it writes."),
        LintRule("L-PS-23", "A requested field is not written as it must be", _E,
                 "Write table and field, each of 1 to 30 characters, and access as ViewOnly or FullAccess."),
        LintRule("L-PS-24", "The plug-in asks to write to a field", _W, "Ask for ViewOnly, unless it writes."),
        LintRule("L-PS-25", "A field is requested twice", _W, "Take one of the two out."),
        LintRule("L-PS-26", "The address of the registration is not https, or longer than 1000 characters", _E, "Correct it."),
        LintRule("L-PS-27", "A link has no text of 1 to 100 characters, or an unknown place", _E,
                 "Give it display-text; places are like admin.header or teacher.pro.apps."),
        # queries
        LintRule("L-PS-30", "A query has no name, or one longer than 200 characters", _E, "Give it one of five words with points between."),
        LintRule("L-PS-31", "A query's name is not a reversed domain and more, five words in all", _W,
                 "Name it like com.example.product.area.users: a server has one list of names for all plug-ins."),
        LintRule("L-PS-32", "Two queries have one name", _E, "Give each a name of its own."),
        LintRule("L-PS-33", "The query's file is not named after a reversed domain", _W,
                 "Name it like com.example.product.named_queries.xml: names of files are shared, too."),
        LintRule("L-PS-34", "There are not as many columns as the SQL gives", _E, "The first column is the first of SELECT, and so on."),
        LintRule("L-PS-35", "A column's alias has other characters than letters, digits and _, or more than two words", _E, "Rename it."),
        LintRule("L-PS-36", "Aliases are of one word, and the query has no coreTable", _E, "Name the table on the query."),
        LintRule("L-PS-37", "The coreTable is a view", _E, "Name a table; views may be read, but not be the core."),
        LintRule("L-PS-38", "Two columns have one alias", _E, "Rename one of them."),
        LintRule("L-PS-39", "A column does not name a field as TABLE.FIELD", _E, "Name a field that exists; it need not be the one that is read."),
        LintRule("L-PS-40", "The SQL cannot be read as Oracle's", _E, "Mend it at the line named; it must be one statement."),
        LintRule("L-PS-41", "The SQL does not select", _E, "A query of a plug-in may only read."),
        LintRule("L-PS-42", "A column of the SQL has no name", _E, "Name it with AS."),
        LintRule("L-PS-43", "Two columns of the SQL have one name", _E, "Name one of them anew with AS."),
        LintRule("L-PS-44", "The SQL has no ORDER BY", _E, "Add one: without it a row may come on two pages, or on none."),
        LintRule("L-PS-45", "The SQL selects *", _E, "Name the columns: they are matched by place."),
        LintRule("L-PS-46", "There is a PS-HTML tag in the SQL", _E, "Only <@restricted_table/> is known there."),
        LintRule("L-PS-47", "An argument's default holds a PS-HTML tag", _W, "With it, the query is not shown in the data export."),
        LintRule("L-PS-48", "An argument names no column", _W, "Without it, the query is not shown in the data export."),
        LintRule("L-PS-49", "The summary is longer than 50 characters", _E, "Shorten it; the description may say more."),
        LintRule("L-PS-50", "The SQL asks for an argument that the query does not declare", _E, "Declare it under <args>."),
        LintRule("L-PS-51", "A field that a column or an argument names is not requested", _E,
                 "Add it to <access_request>: over the API the query answers 403 without it."),
        LintRule("L-PS-52", "A field that the SQL reads is not requested", _E, "Add it to <access_request>: districts are to see what is read."),
        LintRule("L-PS-53", "It cannot be told which table a column of the SQL is of", _W, "Write the table's alias before it."),
        LintRule("L-PS-54", "A requested field is read by no query", _W, "Take it out, unless the API's calls need it: districts ask why."),
        LintRule("L-PS-55", "A page may call a query that is not in the package", _E, "Correct the name after /ws/schema/query/."),
        LintRule(
            "L-PS-56", "A name in the SQL is a reserved word of Oracle's, or longer than 30 characters", _E, "Rename it."
        ),
        # joins
        LintRule("L-PS-60", "SCHOOLID is compared with SCHOOLS.ID or SCHOOLS.DCID", _E, "Compare it with SCHOOLS.SCHOOL_NUMBER."),
        LintRule("L-PS-61", "Terms are joined without their school", _E, "Compare TERMS.SCHOOLID, too: each school repeats the ids of the others."),
        LintRule("L-PS-62", "CC.SECTIONID or CC.TERMID is compared without ABS", _W, "Write ABS(...): it is negative for more than drops."),
        LintRule("L-PS-63", "An ID is compared with a DCID", _E,
                 "CC.STUDENTID and STUDENTRACE.STUDENTID are STUDENTS.ID, columns like STUDENTDCID are STUDENTS.DCID: others join other people."),
        LintRule("L-PS-64", "The view TEACHERS is read", _W, "It has a row a school; read USERS and SCHOOLSTAFF, and group by USERS.DCID."),
        LintRule("L-PS-65", "WHENMODIFIED is read", _W, "It does not move with every change; TRANSACTION_DATE does."),
    )
}  # fmt: skip
