"""One report per file, one row per row of the file: `line, sourcedId, result, action, code, column, message, fix`.

`result` is SUCCESS, HELD (waits for a person) or REJECTED (by a rule, or by a sink); `action` is CREATED, LINKED,
RESTORED, UPDATED, ARCHIVED or UNCHANGED. Records that were archived because they are no longer in the file stand at the
end, without a line. A clean row says SUCCESS. Every row of a file has exactly one result.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from syncrun.intake.origin import sql_line, sql_number
from syncrun.report.source import RunFiles
from syncrun.roster.cell import FORMULA
from syncrun.roster.entity import ENTITIES
from syncrun.roster.rule import Severity
from syncrun.rules.rule import RULES
from syncrun.sqltext import literal, literals, name

HEADER = ("line", "sourcedId", "result", "action", "code", "column", "message", "fix")
_DONE = {
    "create": "CREATED",
    "link": "LINKED",
    "restore": "RESTORED",
    "update": "UPDATED",
    "archive": "ARCHIVED",
    "move": "MOVED",
    "release": "RELEASED",
    "retire": "ARCHIVED",
}
_SCHOOLS = {
    "users": "sourcedId IN (SELECT userSourcedId FROM roster.roles WHERE orgSourcedId = {0})",
    "classes": "schoolSourcedId = {0}",
    "enrollments": "schoolSourcedId = {0}",
    "orgs": "sourcedId = {0}",
    "guardians": "list_has_any(studentSourcedIds, (SELECT coalesce(list(sourcedId), []) FROM roster.users WHERE {1}))",
    "studentAttributes": "userSourcedId IN (SELECT sourcedId FROM roster.users WHERE {1})",
}
"""How a row is known to belong to a school, `{0}`; `{1}` is the condition for its people."""
_FORMULA = rf"^[\t\r\n]|^[\s\x{{a0}}\x{{200b}}\x{{feff}}\x{{3000}}]*[{FORMULA.replace('-', '')}-]"
_USERS_OF_1_1 = "list_contains(orgSourcedIds, {0})"


def prepare(files: RunFiles, school: str | None = None) -> dict[str, dict[str, int]]:
    """Make the relation `report.<entity>` for each file of the run; by file, how many rows have which result and
    action, as `SUCCESS/CREATED`. With `school`, only rows of that school: by the source, or by a sink to whose school a
    route brought them."""
    files.connection.execute("CREATE SCHEMA report")
    _rules(files)
    counts = {}
    for entity, snapshot_table in files.snapshot.tables.items():
        if snapshot_table.made_up or (school and entity not in _SCHOOLS):
            continue
        file = snapshot_table.file
        arrived = file in (files.run.summary or {}).get("files", {})
        _report(files, entity, school, arrived=arrived)
        found = files.connection.execute(f"""
            SELECT result || '/' || action, count(*) FROM report.{name(entity)} WHERE line IS NOT NULL OR action = 'ARCHIVED'
            GROUP BY ALL ORDER BY ALL""").fetchall()  # fmt: skip
        if arrived or found:
            counts[file] = dict(found)
        else:
            files.connection.execute(f"DROP VIEW report.{name(entity)}")
    return counts


def write(files: RunFiles, entity: str, target: Path, *, problems_only: bool = False) -> int:
    """Write one file's report as CSV; how many rows it has. A cell that a spreadsheet would take for a formula gets
    an apostrophe before it, in whatever column it stands."""
    where = "WHERE result <> 'SUCCESS' OR code <> ''" if problems_only else ""
    safe = ", ".join(f"{_harmless(name(column))} AS {name(column)}" for column in HEADER if column != "line")
    relation = f"report.{name(entity)}"
    place = _place(files.snapshot.tables[entity].origins)
    part = target.with_suffix(".part")
    part.touch(mode=0o600)
    files.connection.execute(
        f"COPY (SELECT * REPLACE ({safe}{place}) FROM (FROM {relation} {where} ORDER BY line NULLS LAST, sourcedId)) "
        f"TO {literal(str(part))} (FORMAT csv, HEADER true, USE_TMP_FILE false)"  # into the file as it was made
    )
    part.replace(target)
    found = files.connection.execute(f"SELECT count(*) FROM {relation} {where}").fetchone()
    return int(found[0]) if found else 0


def _harmless(cell: str) -> str:
    """The cell as a spreadsheet takes it for text. Blanks do not keep a spreadsheet from seeing a formula behind them."""
    return f"CASE WHEN regexp_matches({cell}, {literal(_FORMULA)}) THEN chr(39) || {cell} ELSE {cell} END"


def _place(origins: Sequence[str]) -> str:
    """For rows that were drawn from files of another format, the file before the line: `students.csv:5`."""
    if not origins:
        return ""
    files = f"list_extract([{literals(origins)}], CAST({sql_number('line')} AS INTEGER))"
    return f", {files} || ':' || {sql_line('line')} AS line"


def _rules(files: RunFiles) -> None:
    files.connection.execute("CREATE TABLE rules (code VARCHAR, title VARCHAR, fix VARCHAR, drops BOOLEAN)")
    files.connection.executemany(
        "INSERT INTO rules VALUES (?, ?, ?, ?)",
        [(rule.code, rule.title, rule.fix, rule.severity is Severity.DROP_ROW) for rule in RULES.values()],
    )


def _report(files: RunFiles, entity: str, school: str | None, *, arrived: bool) -> None:
    """Accepted rows with their fate, rejected rows and copies with their findings, and removals. Of a file that did not
    arrive this time there are only removals."""
    file = literal(files.snapshot.tables[entity].file)
    done = " ".join(f"WHEN {literal(action)} THEN {literal(word)}" for action, word in _DONE.items())
    weight = " ".join(
        f"WHEN {literal(status)} THEN {n}" for n, status in enumerate(("applied", "held", "conflict", "rejected"))
    )
    order = " ".join(
        f"WHEN {literal(action)} THEN {n}"
        for n, action in enumerate(("update", "archive", "release", "restore", "move", "link", "create"))
    )
    roster = f"roster.{name(entity)}"
    belongs = _belongs(files, entity, school)
    here = f"key IN (SELECT sourcedId FROM {roster} WHERE {belongs})"
    told = f"AND ({belongs} OR sourcedId IN (SELECT key FROM {name('fate ' + entity)}))" if belongs else ""
    lines = "row.line IS NOT NULL" if arrived else "false"
    asks = "true" if arrived and not school else "false"
    files.connection.execute(f"""
        CREATE TEMP TABLE {name("fate " + entity)} AS
        SELECT key, arg_max(status, CASE status {weight} END) AS status, arg_max(action, CASE action {order} END) AS action,
            arg_max(code, CASE status {weight} END) AS code, arg_max(reason, CASE status {weight} END) AS reason
        FROM fates WHERE entity = {literal(entity)} {f"AND (school = {literal(school)} OR {here})" if school else ""} GROUP BY key
    """)
    files.connection.execute(f"""
        CREATE TEMP TABLE {name("found " + entity)} AS
        SELECT line, any_value(key) AS key, string_agg(DISTINCT code, '; ' ORDER BY code) AS code,
            string_agg(DISTINCT "column", '; ' ORDER BY "column") AS "column",
            string_agg(DISTINCT rules.title, '; ' ORDER BY rules.title) AS message,
            string_agg(DISTINCT rules.fix, ' ' ORDER BY rules.fix) AS fix, bool_or(rules.drops) AS drops
        FROM findings JOIN rules USING (code) WHERE file = {file} AND line IS NOT NULL AND count = 1 GROUP BY line
    """)
    fate, found = name("fate " + entity), name("found " + entity)
    files.connection.execute(f"""
        CREATE VIEW report.{name(entity)} AS
        SELECT row.line, row.sourcedId,
            CASE fate.status WHEN 'held' THEN 'HELD' WHEN 'rejected' THEN 'REJECTED' WHEN 'conflict' THEN 'REJECTED'
                ELSE 'SUCCESS' END AS result,
            CASE WHEN fate.status IN ('rejected', 'conflict') OR fate.key IS NULL THEN 'UNCHANGED'
                ELSE CASE fate.action {done} END END AS action,
            concat_ws('; ', nullif(fate.code, ''), found.code) AS code, coalesce(found."column", '') AS "column",
            concat_ws('; ', nullif(fate.reason, ''), found.message) AS message, coalesce(found.fix, '') AS fix
        FROM {roster} AS row LEFT JOIN {fate} AS fate ON fate.key = row.sourcedId
        LEFT JOIN {found} AS found ON found.line = row.line AND NOT found.drops
        WHERE {lines} {told}
        UNION ALL
        SELECT line, key, CASE WHEN drops THEN 'REJECTED' ELSE 'SUCCESS' END, 'UNCHANGED', code, coalesce("column", ''),
            message, fix FROM {found}
        WHERE (drops OR line NOT IN (SELECT row.line FROM {roster} AS row WHERE {lines}))
            {f"AND {here}" if belongs else ""}
        UNION ALL
        SELECT deletion.line, coalesce(fate.key, deletion.sourcedId), CASE fate.status WHEN 'applied' THEN 'SUCCESS' WHEN 'held' THEN 'HELD' WHEN 'rejected' THEN 'REJECTED'
                WHEN 'conflict' THEN 'REJECTED' ELSE 'SUCCESS' END,
            CASE WHEN fate.key IS NULL THEN 'UNCHANGED' ELSE 'ARCHIVED' END, coalesce(fate.code, ''), '',
            coalesce(fate.reason, 'no sink has what is to be deleted'), ''
        FROM (FROM {fate} WHERE action = 'archive') AS fate
        FULL JOIN (SELECT line, sourcedId FROM deletions WHERE entity = {literal(entity)} AND {asks}) AS deletion
            ON deletion.sourcedId = fate.key
        WHERE coalesce(fate.key, deletion.sourcedId) NOT IN (SELECT row.sourcedId FROM {roster} AS row WHERE {lines})
    """)


def _belongs(files: RunFiles, entity: str, school: str | None) -> str:
    """The condition for accepted rows of a school, '' when all are asked for; users of 1.2 belong by their roles."""
    if school is None:
        return ""
    here = literal(school)
    columns = {row[0] for row in files.connection.execute("DESCRIBE roster.users").fetchall()}
    people = (_USERS_OF_1_1 if "orgSourcedIds" in columns else _SCHOOLS["users"]).format(here)
    return people if entity == "users" else _SCHOOLS[entity].format(here, people)


def entities(files: RunFiles) -> list[str]:
    """The entities that have a report."""
    found = files.connection.execute(
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = 'report' AND table_name IN "
        f"({literals(ENTITIES)}) ORDER BY table_name"
    ).fetchall()
    return [entity for (entity,) in found]
