"""Rows that a sink had before the first sync, each with what was chosen for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncrun.errors import UsageError
from syncrun.match.feature import PERSONAL, features
from syncrun.run.line import Row
from syncrun.run.sheet import Sheet
from syncrun.sdk import Table
from syncrun.state.decision import Past
from syncrun.state.policy import FOR_MEMBERS, Choice, Policy


@dataclass(frozen=True, slots=True)
class Before:
    """One such row. `school` is the sink's id; `policy` what counts for it, None where nothing was chosen; `connected` the
    decision that links it to a record of the source; `members` how many are in it."""

    table: Table
    row: Row
    school: str | None
    policy: Policy | None
    connected: Past | None
    members: int

    @property
    def is_personal(self) -> bool:
        """Whether the row is a person's."""
        return self.table.mapping in PERSONAL


def asked(sheet: Sheet, wanted: str | None = None) -> list[Table]:
    """The tables of which a sink asks, or lets people choose, what becomes of rows that were there before.

    Raises `UsageError` where there are none, or where `wanted` is none of them.
    """
    found = [table for table in sheet.tables if table.existing != "ignore"]
    chosen = [table for table in found if wanted in {None, table.name}]
    if not chosen:
        there = ", ".join(table.name for table in found) or "none"
        raise UsageError(f"The sink {sheet.config.name} leaves nothing to choose for rows of {wanted or 'any table'}.",
                         next_step=f"Tables with a choice: {there}.")  # fmt: skip
    return chosen


def members_tables(sheet: Sheet) -> list[Table]:
    """The tables whose rows are the members of classrooms."""
    classes = {table.name for table in sheet.tables if table.mapping == "classes"}
    return [
        table for table in sheet.tables
        if table.mapping is None and len(table.parents) > 1 and classes & set(table.parents.values())
    ]  # fmt: skip


def there_before(
    sheet: Sheet, policies: Sequence[Policy], tables: Sequence[Table], school: str | None, *, archived: bool
) -> Iterator[Before]:
    """The rows that no sync made, of one school (its sourcedId, or the sink's id) or of all; those set aside, or those not.
    One that was taken over is told of with its connection."""
    schools = sheet.schools()
    held = None if school is None else schools.get(school, school)
    names = {sink_id: source_id for source_id, sink_id in schools.items()}
    for table in tables:
        column = features(table, sheet.tables).get("school")
        linked = {past.decision.sink_id: past for past in sheet.decisions if past.decision.kind == table.mapping}
        members = sheet.members(table.mapping) if table.mapping and table.mapping not in PERSONAL else {}
        made = set(sheet.taken(table.mapping).values()) if table.mapping else set()
        for row in sheet.existing(table):
            place = str(row.values[column]) if column and row.values[column] else None
            if row.archived != archived or (row.id in made and row.id not in linked) or held not in {None, place}:
                continue
            scopes = {
                ("row", row.id),
                ("school", place or ""),
                ("school", names.get(place or "", "")),
                ("district", ""),
            }
            yield Before(
                table, row, place, _nearest(policies, table, scopes), linked.get(row.id), members.get(row.id, 0)
            )


def _nearest(policies: Sequence[Policy], table: Table, scopes: set[tuple[str, str]]) -> Policy | None:
    mine = [each for each in policies if each.table == table.name and (each.scope, each.scope_id) in scopes
            and each.choice not in FOR_MEMBERS]  # fmt: skip
    return min(mine, key=lambda each: ("row", "school", "district").index(each.scope), default=None)


def scoped(
    sheet: Sheet, tables: Sequence[Table], choice: Choice, schools: Sequence[str], rows: Sequence[str]
) -> list[Policy]:
    """The policies of a choice for these tables: for rows, for schools, or for the district.

    Raises `UsageError` for a row that no sync owned and that is not there, or a school that neither side has.
    """
    for row in rows:
        if not any(each.id == row for table in tables for each in sheet.existing(table, "sink_id = ?", [row])):
            raise UsageError(f"The sink has no row {row} in {', '.join(table.name for table in tables)}.",
                             safe="Nothing was chosen.", next_step="See `syncrun existing` for the rows.")  # fmt: skip
    for school in schools:
        if not sheet.knows("orgs", school) and sheet.row("orgs", school) is None:
            raise UsageError(f"Neither the source nor the sink has a school {school}.", safe="Nothing was chosen.")
    if rows:
        return [
            Policy(table.name, "row", row, choice) for table in tables for row in rows
            if sheet.existing(table, "sink_id = ?", [row])
        ]  # fmt: skip
    if schools:
        return [Policy(table.name, "school", school, choice) for table in tables for school in schools]
    return [Policy(table.name, "district", "", choice) for table in tables]
