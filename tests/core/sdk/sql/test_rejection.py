"""Why a database refused a row: a code, words without the row, and nothing taken for a refusal that is none."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa
from estate import rooms

from syncrun.sdk.sql.rejection import REJECTIONS, is_rejection, rejection

CANARY = "canary-4f7b"
NUMBER = "5ead805f-53cc-8097-8f6a-4873c2b5f14e"
OTHER = "6ead805f-53cc-8097-8f6a-4873c2b5f14e"

CASES = {
    "unique": ({"code": CANARY}, "S-UNIQUE-1", "a row with the same value is already there", "code"),
    "reference": ({"building_id": NUMBER}, "S-REFERENCE-1", "it names a row that the sink does not have", ""),
    "blank": ({"name": None}, "S-BLANK-1", "a value that the sink needs is missing", "rooms.name"),
    "check": ({"seats": -1}, "S-CHECK-1", "a value is outside what the sink allows", "rooms_seats"),
}  # fmt: skip


@pytest.fixture
def connection(engine: sa.Engine) -> sa.Connection:
    rooms.metadata.create_all(engine)
    found = engine.connect()
    found.execute(sa.insert(rooms).values(id=NUMBER, name="x", code=CANARY))
    return found


def refused(connection: sa.Connection, **values: object) -> Exception:
    """The driver's own error for a row."""
    with pytest.raises(sa.exc.DBAPIError) as raised:
        connection.execute(sa.insert(rooms).values({"id": OTHER, "name": CANARY, **values}))
    connection.close()
    assert isinstance(raised.value.orig, Exception)
    return raised.value.orig


@pytest.mark.parametrize("case", sorted(CASES))
def test_code_and_words_name_the_rule_and_not_the_row(connection: sa.Connection, case: str) -> None:
    values, code, words, where = CASES[case]
    error = refused(connection, **values)
    assert is_rejection(error)
    assert rejection(error, {})[0] == code
    reason = rejection(error, {})[1]
    assert reason.startswith(words)
    assert where in reason
    assert CANARY not in reason


def test_value_that_does_not_fit_the_column(connection: sa.Connection) -> None:
    error = refused(connection, wing=CANARY)
    assert is_rejection(error)
    expected = "S-VALUE-1" if isinstance(error, psycopg.Error) else "S-CHECK-1"  # SQLite has no lengths but by a check
    assert rejection(error, {})[0] == expected
    assert CANARY not in rejection(error, {})[1]


def test_hint_of_the_sink_goes_before_our_words(connection: sa.Connection) -> None:
    error = refused(connection, code=CANARY)
    hints = {"rooms_code_key": "that code is taken", "rooms.code": "that code is taken"}
    assert rejection(error, hints) == ("S-UNIQUE-1", "that code is taken")


def test_trigger_that_refuses_a_row_is_a_rejection(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.text(
                f"CREATE FUNCTION no() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION '{CANARY}'; END $$ LANGUAGE plpgsql"
            )
        )
        connection.execute(sa.text("CREATE TRIGGER no BEFORE INSERT ON rooms FOR EACH ROW EXECUTE FUNCTION no()"))
    else:
        connection.execute(
            sa.text(f"CREATE TRIGGER no BEFORE INSERT ON rooms BEGIN SELECT RAISE(ABORT, '{CANARY}'); END")
        )
    error = refused(connection)
    assert is_rejection(error)
    assert rejection(error, {}) == ("S-OTHER-1", REJECTIONS["S-OTHER-1"])


@pytest.mark.parametrize("statement", ["SELECT * FROM absent", "SELECT syntax error here"])
def test_what_is_wrong_with_the_statement_is_no_rejection(engine: sa.Engine, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError) as raised, engine.connect() as connection:
        connection.execute(sa.text(statement))
    assert isinstance(raised.value.orig, Exception)
    assert not is_rejection(raised.value.orig)


def test_lost_connection_is_no_rejection() -> None:
    assert not is_rejection(psycopg.OperationalError("the connection is closed"))
    assert not is_rejection(psycopg.errors.AdminShutdown())
    assert is_rejection(psycopg.errors.WithCheckOptionViolation())
