"""The rules about sets of files, about single files and about lines."""

from __future__ import annotations

from syncrun.roster.rule import Rule, Severity, catalogue

_CSV = "OneRoster CSV 1.2, "
_AGAIN = "Have the whole set exported and sent again."

SET_RULES = catalogue(
    Rule("R-SET-01", "A file that the manifest promises is not there", Severity.STOP, _AGAIN, _CSV + "manifest"),
    Rule("R-SET-02", "A file that the set needs is not there", Severity.STOP,
         "Send all files of the set together. A file that is not there is never read as an empty one.", "S2-25"),
    Rule("R-SET-03", "A file is empty", Severity.STOP, _AGAIN, _CSV + "header row"),
    Rule("R-SET-04", "A file has a header and no rows", Severity.STOP,
         "Send the rows, or leave the file out and mark it absent in the manifest.", _CSV + "package"),
    Rule("R-SET-05", "A file that the last accepted set had is not there", Severity.STOP,
         "Send it again, or mark it absent in the manifest when it is gone for good.", "S2-25"),
    Rule("R-SET-06", "A file ends in the middle of a row", Severity.STOP,
         _AGAIN + " The transfer was cut, or the file was still being written.", "practice"),
    Rule("R-SET-07", "Rows that other files name are missing at the end of a file: it looks cut", Severity.HOLD,
         _AGAIN + " Approve only if you know that these records are really gone; they will still not be removed.",
         "practice"),
    Rule("R-SET-08", "A row is missing that other files still name; it was kept", Severity.NOTE,
         "Nothing needs doing if it comes or goes in all files the next time.", "practice"),
    Rule("R-SET-09", "All rows that are missing stood together at the end of the file: it looks cut", Severity.HOLD,
         _AGAIN + " Approve only if you know that these records are really gone; they will still not be removed.",
         "practice"),
    Rule("R-SET-10", "The manifest says that a file is absent, but it is there", Severity.NOTE,
         "Correct the manifest; the file was read.", _CSV + "manifest"),
    Rule("R-SET-11", "The manifest cannot be used", Severity.STOP,
         "Correct manifest.csv: version 1.1 or 1.2, and absent, bulk or delta for each file.", _CSV + "manifest"),
    Rule("R-SET-12", "There is no manifest", Severity.NOTE,
         "Send a manifest.csv; without one every file is taken as bulk.", _CSV + "manifest"),
    Rule("R-SET-13", "The files stand in a folder, not at the top", Severity.NOTE,
         "Pack the files without a folder; they were read.", _CSV + "package"),
    Rule("R-SET-14", "A file is there twice", Severity.STOP, "Send each file once.", _CSV + "package"),
    Rule("R-SET-15", "A file is not known and was left alone", Severity.NOTE,
         "Nothing needs doing unless it was meant to be read.", "practice"),
    Rule("R-SET-16", "Records that the set does not carry were made up from the ids that it names", Severity.NOTE,
         "Send orgs.csv, academicSessions.csv and courses.csv to have real names and dates.", "S2-4"),
    Rule("R-SET-17", "Too many rows of a file were rejected", Severity.HOLD,
         "Correct the rows in the report, or approve to go on with the others.", "practice"),
    Rule("R-SET-18", "A file changed while it was read", Severity.STOP,
         "Wait until the upload has ended, then run again.", "practice"),
    Rule("R-SET-19", "The file's name differs from the standard's by case", Severity.NOTE,
         "Rename the file; it was read.", _CSV + "package"),
    Rule("R-SET-20", "The archive cannot be used", Severity.STOP,
         "Send a plain zip archive with the CSV files at its top.", _CSV + "package"),
    Rule("R-SET-21", "Removals were left out: the file is not proved whole", Severity.NOTE,
         "Correct the lines that could not be read; what is missing is removed only then.", "practice"),
)  # fmt: skip

FILE_RULES = catalogue(
    Rule("R-FILE-01", "The file is not UTF-8 text", Severity.STOP, "Export as UTF-8.", _CSV + "encoding"),
    Rule("R-FILE-02", "A required column is missing", Severity.STOP, "Export all columns of the standard.",
         _CSV + "columns"),
    Rule("R-FILE-03", "A column is there twice", Severity.STOP, "Export each column once.", _CSV + "header row"),
    Rule("R-FILE-04", "A column's name differs from the standard's by case, blanks or signs", Severity.NOTE,
         "Write the name as the standard does; the column was read.", _CSV + "header row"),
    Rule("R-FILE-05", "A column is not known and was left alone", Severity.NOTE,
         "Nothing needs doing; columns of your own begin with `metadata.` by the standard.", _CSV + "header row"),
    Rule("R-FILE-06", "An optional column is missing", Severity.NOTE, "Export all columns of the standard, blank ones "
         "too.", _CSV + "columns"),
    Rule("R-FILE-07", "A row has fewer cells than the header", Severity.DROP_ROW,
         "Look for a line break inside a cell, and quote cells that hold commas.", _CSV + "RFC 4180"),
    Rule("R-FILE-08", "A row has more cells than the header", Severity.DROP_ROW,
         "Quote cells that hold commas.", _CSV + "RFC 4180"),
    Rule("R-FILE-09", "A quote is opened and not closed, or stands inside a quoted cell", Severity.DROP_ROW,
         "Double the quotes inside cells, and close each.", _CSV + "RFC 4180"),
    Rule("R-FILE-10", "A line is not UTF-8 text", Severity.DROP_ROW, "Export as UTF-8.", _CSV + "encoding"),
    Rule("R-FILE-11", "A line is longer than 2 MB", Severity.DROP_ROW,
         "Look for a quote that is not closed.", "practice"),
    Rule("R-FILE-12", "The file has mixed line ends", Severity.STOP, "Export with one kind of line end.", "practice"),
    Rule("R-FILE-13", "A record's sourcedId is in the file more than once", Severity.DROP_ROW,
         "Give each record one row; none of these rows was used.", _CSV + "sourcedId"),
    Rule("R-FILE-14", "A row is in the file twice, word for word", Severity.NOTE,
         "Remove the copy; the row was used once.", _CSV + "sourcedId"),
)  # fmt: skip

HEADER_RULES = catalogue(
    Rule("R-HEAD-01", "A column's name has the label of a table before it", Severity.NOTE,
         "Remove what stands before the point from the labels of the export; the column was read.", "S2-6"),
    Rule("R-HEAD-02", "Every column's name has a letter before it that keeps their order", Severity.NOTE,
         "Remove the letter and the underscore from the labels of the export; the column was read.", "practice"),
    Rule("R-HEAD-03", "A column has another name, or its name another spelling or number", Severity.NOTE,
         "Write the name as the standard does; the column was read.", "S2-7"),
    Rule("R-KIND-01", "A file was known by its columns, not by its name", Severity.NOTE,
         "Give the file its name; it was read.", "practice"),
    Rule("R-KIND-02", "A file's name says one thing and its columns another", Severity.STOP,
         "See which is right: the export was saved under the wrong name, or the wrong data set was exported.",
         "practice"),
    Rule("R-KIND-03", "Two files of other names have the columns of the same file", Severity.STOP,
         "Send the one that counts, under its own name.", "practice"),
)  # fmt: skip

FORMAT_RULES = catalogue(
    Rule("R-FORM-01", "The files are of a format that is not read here", Severity.STOP,
         "Set `format` under [source] to the format of the files, or to auto.", "S2-2"),
    Rule("R-FORM-02", "The files were known as those of another format", Severity.NOTE,
         "Nothing needs doing; `format` under [source] says so for good.", "S2-2"),
    Rule("R-FORM-03", "The files are those of Microsoft School Data Sync, version 1", Severity.STOP,
         "Export as School Data Sync 2.1 or as OneRoster CSV; the old files have no ids for roles and terms.", "S2-2"),
    Rule("R-FORM-04", "The files are those of Apple School Manager", Severity.STOP,
         "Export as OneRoster CSV, which Apple School Manager takes too; its own files have no terms.", "S2-2"),
    Rule("R-FORM-05", "The files are those of a Canvas SIS import", Severity.STOP,
         "Export as OneRoster CSV from the student information system; the files for Canvas have no schools.", "S2-2"),
)  # fmt: skip
