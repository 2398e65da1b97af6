"""A sink that is a database: it looks before it writes, remembers in itself what it took, and is fenced."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from estate import ME, Estate, batch, estate, looking, metadata, room_id, rooms, row, seen, send

from syncrun.errors import ConfigError, FenceError, OwnerError, SyncError, TransientError
from syncrun.sdk import Action, Batch, Context, LedgerEntry, Outcome
from syncrun.sdk.sql import sink as sink_module


@pytest.fixture
def sink(database_url: str) -> Iterator[Estate]:
    found = estate(database_url)
    found.claim(ME)
    yield found
    found.close()


def tables(url: str) -> set[str]:
    with looking(url) as connection:
        return set(sa.inspect(connection).get_table_names())


def problems(sink: Estate) -> list[str]:
    """What the check finds."""
    with pytest.raises(ConfigError) as raised:
        sink.check()
    return [f"{each.message.removeprefix('the estate s database ')} / {each.hint}" for each in raised.value.problems]


# -- looking -------------------------------------------------------------------------------------------------------------


def test_making_a_sink_opens_nothing() -> None:
    estate("sqlite:////no/such/folder/x.db")
    estate("postgresql://me@127.0.0.1:1/x")


def test_check_names_every_table_that_is_missing_and_makes_none(database_url: str) -> None:
    assert problems(estate(database_url, create=False)) == [
        "the estate's database lacks buildings / set create_tables = true to have it made",
        "the estate's database lacks rooms / set create_tables = true to have it made",
    ]
    estate(database_url).check()
    if database_url.startswith("sqlite"):
        assert not Path(database_url.removeprefix("sqlite:///")).exists()
    else:
        assert tables(database_url) == set()


def test_check_refuses_rows_of_another_installation(sink: Estate, database_url: str) -> None:
    sink.claim(ME)
    estate(database_url).check()
    with pytest.raises(OwnerError, match="Another installation"):
        estate(database_url, owner="installation-2").check()


def test_check_names_columns_that_are_missing_which_no_setting_mends(database_url: str) -> None:
    with looking(database_url) as connection:
        connection.execute(sa.text("CREATE TABLE rooms (id TEXT, name TEXT)"))
    found = problems(estate(database_url))
    assert "the estate's database lacks rooms.code / upgrade its schema" in found
    assert not any("rooms.name" in each for each in found)


def test_check_of_a_file_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    (found,) = problems(estate(f"sqlite:///{tmp_path}/no/where.db"))
    assert found.startswith("the estate's database is in a folder that is not there")
    assert not (tmp_path / "no").exists()


def test_check_passes_when_all_is_there(sink: Estate, database_url: str) -> None:
    estate(database_url, create=False).check()


def test_observing_before_there_are_tables_finds_nothing_and_makes_none(database_url: str) -> None:
    assert list(estate(database_url).observe("rooms")) == []
    assert "rooms" not in tables(database_url)


def test_observe_shows_our_rows_and_peoples_but_none_of_another_district(
    sink: Estate, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "FETCHED", 2)
    send(sink, Action.CREATE, *(row(f"k{n}", name='it\'s "x",\n') for n in range(4)), row("aside"))
    send(sink, Action.ARCHIVE, row("aside"), touched=())
    with looking(database_url) as connection:
        connection.execute(sa.insert(rooms), [
            {"id": room_id("people"), "name": "theirs", "managed_by": None},
            {"id": room_id("other"), "name": "other", "managed_by": "lakeside"},
        ])  # fmt: skip
    found = {each.sink_id: each for each in sink.observe("rooms")}
    assert set(found) == {room_id(key) for key in ("k0", "k1", "k2", "k3", "aside", "people")}
    assert [(found[room_id(key)].owned, found[room_id(key)].archived) for key in ("k0", "aside", "people")] == [
        (True, False), (True, True), (False, False),
    ]  # fmt: skip
    values = [str(each) for each in found[room_id("k0")].values]
    assert values[1:5] == ['it\'s "x",\n', "C-k0", "20", "E"]


def test_observing_half_of_the_rows_leaves_no_connection_behind(sink: Estate, database_url: str) -> None:
    send(sink, Action.CREATE, row("a"), row("b"))
    next(iter(sink.observe("rooms")))
    send(sink, Action.CREATE, row("c"))
    assert len(seen(database_url)) == 3


# -- writing and remembering -----------------------------------------------------------------------------------------------


def test_chunk_and_its_ledger_row_are_there_together(sink: Estate, database_url: str) -> None:
    exceptions = list(sink.apply_bulk(batch(Action.CREATE, [row("a"), row("bad", seats=-1)], chunk=3)))
    assert list(sink.ledger("run-1")) == [LedgerEntry(3, tuple(exceptions))]
    assert list(sink.ledger("run-2")) == []
    with looking(database_url) as connection:
        found = connection.execute(sa.text("SELECT district, run, chunk, plan, epoch, size FROM syncrun_ledger")).one()
    assert tuple(found) == ("riverside", "run-1", 3, "plan-1", 1, 2)


class _Cut(io.BytesIO):
    """CSV bytes during which somebody ends all connections to the database."""

    url = ""

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        if not found:
            with looking(self.url) as connection:
                connection.execute(sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                                           "datname = current_database() AND pid <> pg_backend_pid()"))  # fmt: skip
        return found


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_connection_cut_inside_a_chunk_leaves_neither_rows_nor_ledger(sink: Estate, database_url: str) -> None:
    whole = batch(Action.CREATE, [row("a"), row("b")])
    _Cut.url = database_url
    with pytest.raises(TransientError):
        sink.apply_bulk(dataclasses.replace(whole, csv=lambda columns: _Cut(whole.csv(columns).read())))
    assert seen(database_url) == {}
    assert list(sink.ledger("run-1")) == []
    assert sink.apply_bulk(whole) == []
    assert len(seen(database_url)) == 2


@pytest.mark.parametrize("bad", [False, True], ids=["at once", "row by row"])
def test_rows_that_stop_in_the_middle_leave_neither_rows_nor_ledger(sink: Estate, database_url: str, bad: bool) -> None:  # noqa: FBT001 # a parameter
    whole = batch(Action.CREATE, [row("bad", seats=-1 if bad else 1), row("a"), row("b")])
    sent = 0

    def rows(columns: Any) -> Iterator[tuple[Any, ...]]:
        nonlocal sent
        for each in whole.rows(columns):
            sent += 1
            if sent > (3 if bad else 2):
                raise OSError("the disc is gone")
            yield each

    def csv(columns: Any) -> io.BytesIO:
        if ("id" in columns and not bad) or (columns[1] == "key" and bad):
            raise OSError("the disc is gone")
        return whole.csv(columns)  # type: ignore[return-value] # it is one

    with pytest.raises(OSError, match="disc"):
        sink.apply_bulk(dataclasses.replace(whole, rows=rows, csv=csv))
    assert seen(database_url) == {}
    assert list(sink.ledger("run-1")) == []
    assert {each.key for each in sink.apply_bulk(whole)} == ({"bad"} if bad else set())


def test_ledger_row_that_cannot_be_written_takes_the_data_with_it(sink: Estate, database_url: str) -> None:
    assert list(sink.apply_bulk(batch(Action.CREATE, [row("a")], chunk=0))) == []
    with pytest.raises(SyncError):
        sink.apply_bulk(batch(Action.CREATE, [row("b")], chunk=0))
    assert set(seen(database_url)) == {room_id("a")}


# -- the fence -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [
    dataclasses.replace(ME, epoch=4), dataclasses.replace(ME, owner="installation-2", epoch=6),
], ids=["lower epoch", "another installation"])  # fmt: skip
def test_who_comes_late_or_from_elsewhere_can_neither_claim_nor_write(
    sink: Estate, database_url: str, late: Any
) -> None:
    sink.claim(dataclasses.replace(ME, epoch=5))
    other = estate(database_url)
    with pytest.raises((FenceError, OwnerError)):
        other.claim(late)
    with pytest.raises((FenceError, OwnerError)):
        other.apply_bulk(batch(Action.CREATE, [row("a")], claim=late))
    assert seen(database_url) == {}
    assert list(other.ledger("run-1")) == []
    assert sink.apply_bulk(batch(Action.CREATE, [row("a")], claim=dataclasses.replace(ME, epoch=5))) == []


def test_newer_run_shuts_out_the_older_between_two_of_its_chunks(sink: Estate, database_url: str) -> None:
    assert sink.apply_bulk(batch(Action.CREATE, [row("a")], chunk=0)) == []
    estate(database_url).claim(dataclasses.replace(ME, epoch=2))
    with pytest.raises(FenceError):
        sink.apply_bulk(batch(Action.CREATE, [row("b")], chunk=1))
    assert set(seen(database_url)) == {room_id("a")}


def test_claim_makes_the_tables_only_where_it_is_told_to(database_url: str) -> None:
    with looking(database_url) as connection:
        metadata.create_all(connection)
    estate(database_url, create=False).claim(ME)
    assert tables(database_url) == {"buildings", "rooms", "syncrun_before", "syncrun_claims", "syncrun_ledger"}


def test_claim_without_tables_makes_only_our_own(database_url: str) -> None:
    sink = estate(database_url, create=False)
    sink.claim(ME)
    assert tables(database_url) == {"syncrun_before", "syncrun_claims", "syncrun_ledger"}
    with pytest.raises(ConfigError):
        sink.apply_bulk(batch(Action.CREATE, [row("a")]))


# -- what a sink keeps beside its rows -------------------------------------------------------------------------------------


class Keeping(Estate):
    """Writes each batch into a table of its own software, and may fail."""

    fails = False

    def settled(self, connection: sa.Connection, batch: Batch, exceptions: Sequence[Outcome]) -> None:
        refused = [each.key for each in exceptions]
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS diary (line TEXT)"))
        connection.execute(
            sa.text("INSERT INTO diary VALUES (:line)"), {"line": f"{batch.action} {batch.size} {refused}"}
        )
        if self.fails:
            raise RuntimeError("the pen broke")


def diary(url: str) -> list[str]:
    with looking(url) as connection:
        if "diary" not in sa.inspect(connection).get_table_names():
            return []
        return list(connection.execute(sa.text("SELECT line FROM diary")).scalars())


def test_hook_of_a_batch_sees_what_was_not_taken_and_writes_with_it(database_url: str) -> None:
    sink = Keeping(
        {"database_url": database_url, "create_tables": True}, Context("riverside", Path("/"), "installation-1")
    )
    sink.claim(ME)
    sink.apply_bulk(batch(Action.CREATE, [row("a"), row("bad", seats=-1)]))
    assert diary(database_url) == ["create 2 ['bad']"]
    sink.close()


def test_hook_that_fails_takes_rows_and_ledger_with_it(database_url: str) -> None:
    sink = Keeping(
        {"database_url": database_url, "create_tables": True}, Context("riverside", Path("/"), "installation-1")
    )
    sink.claim(ME)
    sink.fails = True
    with pytest.raises(RuntimeError):
        sink.apply_bulk(batch(Action.CREATE, [row("a")]))
    assert (seen(database_url), diary(database_url), list(sink.ledger("run-1"))) == ({}, [], [])
    sink.fails = False
    sink.apply_bulk(batch(Action.CREATE, [row("a")]))
    assert (len(seen(database_url)), diary(database_url)) == (1, ["create 1 []"])
    sink.close()
