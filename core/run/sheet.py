"""The sheet on which people decide: the source on the left, what the sink has on the right.

It is made as a run makes its plan, up to the shapes. Sinks are only read, and nothing is decided here.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncrun.apply.identity import sql_derived
from syncrun.config.district import SinkConfig
from syncrun.config.mapping import read_mapping
from syncrun.errors import UsageError
from syncrun.match import link, mapping, route, stage
from syncrun.match.feature import features, members_of, table_of
from syncrun.match.load import BUILT_IN, load_matchers
from syncrun.match.overlap import Rosters
from syncrun.match.propose import propose
from syncrun.plan import applied, shape
from syncrun.plan.diff import BEFORE
from syncrun.roster import view
from syncrun.roster.entity import ENTITIES
from syncrun.run import planning
from syncrun.run.at_hand import Roster, at_hand
from syncrun.run.folder import made
from syncrun.run.line import Fit, Line, Row
from syncrun.run.session import Session
from syncrun.scratch import read_parquet, rows, scratch
from syncrun.sdk import Cap, Sink, Table
from syncrun.sdk.sink import MappingKind
from syncrun.sqltext import literal, name
from syncrun.state import decision
from syncrun.state.decision import JOINABLE, Decision, Past

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from syncrun.sdk import Matcher

ENTITY: Mapping[MappingKind, str] = {
    "orgs": "SELECT sourcedId FROM orgs", "years": "SELECT sourcedId FROM academicSessions WHERE type = 'schoolYear'",
    "teachers": "SELECT userSourcedId FROM roles WHERE role = 'teacher'", "classes": "SELECT sourcedId FROM classes",
    "students": "SELECT userSourcedId FROM roles WHERE role = 'student'",
}  # fmt: skip
"""The records of the source that decisions of a kind may be about, whether they take part or not."""


def pick(session: Session, wanted: str | None) -> SinkConfig:
    """The sink of that name; without one, the only sink. Raises `UsageError` when there is no such one, or several."""
    found = [each for each in session.district.sinks if wanted in {None, each.name}]
    if len(found) != 1:
        there = ", ".join(each.name for each in session.district.sinks)
        raise UsageError(f"The district has no sink {wanted}." if wanted else "The district has several sinks.",
                         next_step=f"Say --sink NAME; there are {there}.")  # fmt: skip
    return found[0]


def current(session: Session, config: SinkConfig) -> list[Past]:
    """The decisions that count; those of a mapping file as the next run takes them over."""
    past = [each for each in decision.history(session.state, session.district.name, config.name) if each.current]
    if config.mapping is None:
        return past
    wanted = decision.overlaid([each.decision for each in past], read_mapping(config.mapping))
    known = {each.decision: each for each in past}
    return [known.get(each) or Past(each, config.mapping.name, session.clock.now(), current=True) for each in wanted]


@dataclass
class Sheet:
    """One sink's sheet; see `opened`. `advice` is what an operator should hear of the decisions as they are."""

    session: Session
    config: SinkConfig
    sink: Sink
    roster: Roster
    connection: DuckDBPyConnection
    folder: Path
    decisions: Sequence[Past]
    advice: Sequence[str] = ()
    _observed: set[str] = field(default_factory=set)
    _matchers: dict[str, Matcher] | None = None

    @property
    def tables(self) -> Sequence[Table]:
        """The sink's tables."""
        return self.sink.tables

    def table(self, kind: MappingKind) -> Table:
        """The table that a kind is about. Raises `UsageError` when the sink has none."""
        found = table_of(self.tables, kind)
        if found is None:
            there = ", ".join(str(table.mapping) for table in self.tables if table.mapping)
            raise UsageError(f"In the sink {self.config.name} nothing is decided on {kind}.",
                             next_step=f"It knows decisions on {there or 'nothing'}.")  # fmt: skip
        return found

    # -- the source --------------------------------------------------------------------------------------------------

    def knows(self, kind: MappingKind, source_id: str) -> bool:
        """Whether the source has such a record, whether it takes part or not."""
        known = ENTITY[kind]
        if kind == "orgs":  # also what goes elsewhere by the routes
            known += " UNION SELECT sourcedId FROM accepted.orgs"
        query = f"SELECT count(*) FROM ({known}) AS known(key) WHERE key = ?"
        found = self.connection.execute(query, [source_id]).fetchone()
        return bool(found and found[0])

    def lines(self, kind: MappingKind, *, everywhere: bool = False) -> list[Line]:
        """The records of the source that may be decided on, by school and id, each with what it might be.

        `everywhere` proposes also for records that the sync has made already, and for those that were decided on (for
        students: duplicates).
        """
        decided = {each.decision.source_id: each for each in self.decisions if each.decision.kind == kind}
        chosen = set(self.config.school_years) if kind == "years" else set()
        if kind == "years" and table_of(self.tables, kind) is None:
            return self._years(decided, chosen)
        table = self.table(kind)
        self._stand(kind)
        fits = self._propose(kind, everywhere=everywhere)
        found = features(table, self.tables)
        columns = "".join(f", row.{name(column)}" for column in found.values())
        query = f"""
            SELECT row.key, row.school{columns}, taken.sink_id
            FROM {shape.SCHEMA}.{name(table.name)} AS row LEFT JOIN {_taken(kind)} AS taken USING (key)
            ORDER BY row.school, row.key
        """
        linked = self._linked(kind)
        return [
            Line(key, school, _told(found, values), taken, decided.get(key), linked.get(key), key in chosen,
                 tuple(fits.get(key, ())))
            for key, school, *values, taken in self.connection.execute(query).fetchall()
        ]  # fmt: skip

    def _years(self, decided: Mapping[str, Past], chosen: Collection[str]) -> list[Line]:
        """The school years of the source, for a sink that has none of its own and yet takes rows by them."""
        found = self.connection.execute(
            "SELECT sourcedId, title, startDate, endDate FROM academicSessions WHERE type = 'schoolYear' ORDER BY ALL"
        ).fetchall()
        return [
            Line(
                key, None, _told(("title", "startDate", "endDate"), told), None, decided.get(key), chosen=key in chosen
            )
            for key, *told in found
        ]

    def _linked(self, kind: MappingKind) -> dict[str, Row]:
        """By key the records of the sink that people decided on."""
        mine = [past.decision for past in self.decisions if past.decision.kind == kind]
        by_id = self._by_id(kind, mine)
        return {each.source_id: by_id[each.sink_id] for each in mine if each.sink_id in by_id}

    def shown(self, kind: MappingKind, source_id: str) -> dict[str, Any] | None:
        """The columns of one record as the sink would get it, None where it would get none."""
        self._stand(kind)
        return self._one(f"FROM {shape.SCHEMA}.{name(self.table(kind).name)} WHERE key = ?", source_id)

    def taken(self, kind: MappingKind) -> dict[str, str]:
        """By key the sink's record of what the sync made or took over."""
        self._open_taken(kind)
        return dict(self.connection.execute(f"SELECT key, sink_id FROM {_taken(kind)}").fetchall())

    # -- the sink ----------------------------------------------------------------------------------------------------

    def row(self, kind: MappingKind, sink_id: str) -> Row | None:
        """One record of the sink."""
        return next(iter(self.existing(self.table(kind), "sink_id = ?", [sink_id])), None)

    def existing(self, table: Table, condition: str = "true", values: Sequence[Any] = ()) -> list[Row]:
        """Records of one of the sink's tables, by id. `condition` is SQL over sink_id, owned, archived and the table's
        columns."""
        self.observe(table)
        columns = [column.name for column in table.columns]
        found = features(table, self.tables)
        cursor = self.connection.execute(
            f"SELECT sink_id, owned, archived, {', '.join(map(name, columns))} FROM {link.SCHEMA}.{name(table.name)} "
            f"WHERE {condition} ORDER BY sink_id", list(values),
        )  # fmt: skip
        return [self._row(columns, found, each) for each in cursor.fetchall()]

    def _row(self, columns: Sequence[str], found: Mapping[str, str], values: Sequence[Any]) -> Row:
        told = dict(zip(columns, values[3:], strict=True))
        return Row(values[0], values[1], values[2], told, {key: told[column] for key, column in found.items()})

    def observe(self, table: Table) -> None:
        """Read a table of the sink, once."""
        if table.name not in self._observed:
            link.observe(self.connection, self.sink, table, self.folder)
            self._observed.add(table.name)

    def members(self, kind: MappingKind) -> dict[str, int]:
        """How many rows of other tables refer to each record of the sink as what they are in, such as pupils of a class."""
        table = self.table(kind)
        found: dict[str, int] = {}
        for each in self.tables:
            columns = [column for column, parent in each.parents.items() if parent == table.name]
            if not columns or len(each.parents) < 2 or each.mapping is not None:
                continue
            self.observe(each)
            counts = self.connection.execute(
                f"SELECT {name(columns[0])}, count(*) FROM {link.SCHEMA}.{name(each.name)} WHERE NOT archived GROUP BY ALL"
            ).fetchall()
            for sink_id, count in counts:
                found[sink_id] = found.get(sink_id, 0) + count
        return found

    def classes_of(self, student: str | None, sink_id: str | None) -> list[str]:
        """Titles of the classes of a student of the source (`student`, a key) or of the sink."""
        classes, people = self.table("classes"), self.table("students")
        found = members_of(self.tables, classes, people)
        title = features(classes, self.tables).get("title")
        if found is None or title is None:
            return []
        table, class_column, person_column = found
        schema, key, there = (
            (shape.SCHEMA, "key", "true") if student else (link.SCHEMA, "sink_id", "NOT member.archived")
        )
        if student:
            self._stand("students")
        else:
            self.observe(classes)
            self.observe(table)
        told = self.connection.execute(f"""
            SELECT DISTINCT class.{name(title)} FROM {schema}.{name(table.name)} AS member
            JOIN {schema}.{name(classes.name)} AS class ON class.{key} = member.{name(class_column)}
            WHERE member.{name(person_column)} = ? AND {there} ORDER BY ALL
        """, [student or sink_id]).fetchall()  # fmt: skip
        return [str(each) for (each,) in told]

    def schools(self) -> dict[str, str]:
        """By sourcedId the sink's ids of schools, as far as they are known: made, taken over or linked."""
        found = self.taken("orgs") if table_of(self.tables, "orgs") else {}
        decided = {
            past.decision.source_id: past.decision.sink_id for past in self.decisions
            if past.decision.kind == "orgs" and past.decision.sink_id
        }  # fmt: skip
        return {**decided, **found}

    def objections(self, wanted: Iterable[Decision], *, confirmed: bool = False) -> Iterator[tuple[Decision, str]]:
        """Decisions that cannot be made, and why: links to what the sink does not have or what is not free."""
        linked = [each for each in wanted if each.decision == "link" and each.sink_id]
        there = {kind: self._by_id(kind, linked) for kind in {each.kind for each in linked}}
        made = {kind: {row: key for key, row in self.taken(kind).items()} for kind in there}
        for each in linked:
            row = there[each.kind].get(str(each.sink_id))
            if row is None:
                yield each, f"the sink has no {self.table(each.kind).name} of the id {each.sink_id}"
            elif row.archived:
                yield each, f"{each.sink_id} is set aside in the sink"
            elif row.owned and not (confirmed and each.kind in JOINABLE):
                mine = made[each.kind].get(row.id)
                if mine != each.source_id:
                    yield each, f"{each.sink_id} is of the sync already" + (f", as {mine}" if mine else "")

    def _by_id(self, kind: MappingKind, decisions: Iterable[Decision]) -> dict[str, Row]:
        """The records of the sink that decisions on a kind name."""
        ids = sorted({each.sink_id for each in decisions if each.kind == kind and each.sink_id})
        if not ids:
            return {}
        found = self.existing(self.table(kind), "sink_id IN (SELECT unnest(?::VARCHAR[]))", [ids])
        return {row.id: row for row in found}

    # -- how it is made ----------------------------------------------------------------------------------------------

    def _one(self, query: str, *values: str) -> dict[str, Any] | None:
        cursor = self.connection.execute(query, list(values))
        columns = [column[0] for column in cursor.description or ()]
        found = cursor.fetchone()
        return dict(zip(columns, found, strict=True)) if found else None

    def _stand(self, kind: MappingKind) -> None:
        """Make the shapes with every record in them that may be decided on; one that joins another stands by itself."""
        wanted = [each.decision for each in self.decisions]
        years = list(self.config.school_years)
        if kind in {"teachers", "classes", "students"}:
            wanted = [each for each in wanted if each.kind != kind]
        elif kind == "orgs":
            wanted = [_alone(each) for each in wanted]
        routed = route.settle(self.connection, self.config.routes, wanted, _path(self.session, self.config))
        wanted = [*routed.decisions, *routed.targets]
        if kind in {"orgs", "years"}:
            everything = "SELECT sourcedId FROM orgs WHERE type = 'school'" if kind == "orgs" else ENTITY[kind]
            listed = {str(key) for (key,) in self.connection.execute(everything).fetchall()}
            listed |= {each.source_id for each in wanted if each.kind == kind and self.knows(kind, each.source_id)}
            wanted = [each for each in wanted if each.kind != kind] + [
                Decision(kind, key, "add") for key in sorted(listed)
            ]
            years = [] if kind == "years" else years
        mapping.settle(self.connection, wanted, years, _path(self.session, self.config))
        shape.shape(self.connection, self.tables, self.config.name)

    def _open_taken(self, kind: MappingKind) -> None:
        table = self.table(kind)
        derived = sql_derived(self.session.district.name, self.config.name, table.name, "key")
        self.connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE {_taken(kind)} AS SELECT key, coalesce(sink_id, {derived}::VARCHAR) AS sink_id
            FROM {applied.SCHEMA}.{name(table.name)} WHERE NOT starts_with(key, {literal(BEFORE)})
        """)

    def _propose(self, kind: MappingKind, *, everywhere: bool = False, rosters: bool = True) -> dict[str, list[Fit]]:
        """By key what a record might be. Ids of schools and persons are settled first, where a kind is compared by them."""
        table = self.table(kind)
        self._open_taken(kind)
        if Cap.LINK not in self.config.info.caps:
            return {}
        self._settle_ids(kind)
        self.observe(table)
        stage.stage(self.connection, table, self.tables)
        with_rosters = False
        if kind == "classes" and rosters and rows(self.connection, stage.EXISTING):
            with_rosters = self._stage_rosters(table)
        mine = [each.decision for each in self.decisions if each.decision.kind == kind]
        settled = [] if everywhere else [each.source_id for each in mine]
        used = [each.sink_id for each in mine if each.sink_id]
        taken = "(SELECT '' AS key WHERE false)" if everywhere else _taken(kind)
        stage.keep_open(self.connection, taken, settled, used)
        self.connection.execute("CREATE OR REPLACE TEMP TABLE proposals (incoming_id VARCHAR, existing_id VARCHAR, "
                                "score DOUBLE, verdict VARCHAR, reasons VARCHAR[])")  # fmt: skip
        if not rows(self.connection, stage.INCOMING) or not rows(self.connection, stage.EXISTING):
            return {}
        self.connection.execute("DROP TABLE proposals")
        propose(
            self.connection, self._load_matchers(), kind, incoming=stage.INCOMING, existing=stage.EXISTING,
            rosters=Rosters(stage.INCOMING_MEMBERS, stage.EXISTING_MEMBERS) if with_rosters else None,
        )  # fmt: skip
        return self._fits(table)

    def _settle_ids(self, kind: MappingKind) -> None:
        """Make the ids of what records of a kind refer to: of schools always, of persons for classes."""
        refers = "school" in features(self.table(kind), self.tables)
        needed: tuple[MappingKind, ...] = ("orgs",) if refers else ()
        needed += ("teachers", "students") if kind == "classes" else ()
        for each in needed:
            if each == kind or table_of(self.tables, each) is None:
                continue
            self._propose(each, rosters=False)
            decided = [
                (past.decision.source_id, past.decision.sink_id) for past in self.decisions
                if past.decision.kind == each and past.decision.decision != "skip"
            ]  # fmt: skip
            verdicts = ("sure", "likely") if Cap.LINK in self.config.info.caps else ()
            stage.note_ids(self.connection, each, _taken(each), decided, verdicts)

    def _stage_rosters(self, classes: Table) -> bool:
        for kind in ("students", "teachers"):
            people = table_of(self.tables, kind)
            found = members_of(self.tables, classes, people) if people else None
            if found:
                self.observe(found[0])
        return stage.stage_rosters(self.connection, classes, self.tables)

    def _load_matchers(self) -> dict[str, Matcher]:
        if self._matchers is None:
            self._matchers = load_matchers(self.session.registry, (BUILT_IN, *self.session.district.plugins))
        return self._matchers

    def _fits(self, table: Table) -> dict[str, list[Fit]]:
        found: dict[str, list[Fit]] = {}
        query = """
            SELECT incoming_id, existing_id, score, verdict, reasons FROM proposals
            UNION ALL SELECT incoming_id, existing_id, score, '', reasons
            FROM candidates ANTI JOIN proposals USING (incoming_id, existing_id)
            ORDER BY incoming_id, verdict = '', score DESC, existing_id
        """
        told = self.connection.execute(query).fetchall()
        near = {each.id: each for each in self.existing(table, "NOT owned AND NOT archived")}
        for key, sink_id, score, verdict, reasons in told:
            found.setdefault(key, []).append(Fit(near[sink_id], score, verdict, tuple(reasons)))
        return found


def _alone(made: Decision) -> Decision:
    """A decision on an org as if it joined no other."""
    return Decision(made.kind, made.source_id, "add") if made.kind == "orgs" and made.sink_id else made


def _taken(kind: MappingKind) -> str:
    return name(f"taken_{kind}")


def _told(found: Iterable[str], values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(found, values, strict=True))


def _path(session: Session, config: SinkConfig) -> str:
    return f"sinks[{session.district.sinks.index(config)}]"


@contextlib.contextmanager
def opened(session: Session, wanted: str | None = None, *, fresh: bool = False) -> Iterator[Sheet]:
    """The sheet of one sink, while the block runs. `fresh` reads the source anew.

    Raises what reading a source and looking at a sink raise, and `UsageError` for a sink that is not there.
    """
    config = pick(session, wanted)
    sink = session.sinks()[config.name]
    folder = made(session.folders.run(session.run))
    try:
        sink.check()
        routes = [each for other in session.district.sinks for each in other.routes]
        roster = at_hand(session, planning.staged(session.sinks().values(), routes), fresh=fresh)
        made(folder)
        with scratch(folder / "spill", [session.folders.home]) as connection:
            _lay(connection, roster, session.folders.home, planning.staged([sink], config.routes))
            mine = [each for each in session.state.applied(session.district.name) if each.sink == config.name]
            planning.open_applied(connection, sink.tables, mine, session.folders.home)
            decisions = current(session, config)
            path = _path(session, config)
            routed = route.settle(connection, config.routes, [each.decision for each in decisions], path)
            advice = mapping.settle(
                connection, [*routed.decisions, *routed.targets], config.school_years, path,
                by_year=any("mapped_years" in table.shape for table in sink.tables),
            )  # fmt: skip
            yield Sheet(session, config, sink, roster, connection, folder, decisions, (*routed.advice, *advice))
    finally:
        sink.close()
        shutil.rmtree(folder, ignore_errors=True)


def _lay(connection: DuckDBPyConnection, roster: Roster, home: Path, staged: frozenset[str]) -> None:
    """Make the canonical views over a roster's files."""
    connection.execute("CREATE SCHEMA accepted")
    for entity, path in roster.snapshot.paths(home).items():
        if entity in ENTITIES:
            connection.execute(f"CREATE VIEW accepted.{name(entity)} AS FROM {read_parquet([path])}")
    view.lift(connection, staged)
