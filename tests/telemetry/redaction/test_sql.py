"""Statements are shown without literals, whatever is in them, and summarized as operations and tables."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from flask_onetrace.telemetry.redaction.limits import MAX_TEXT
from flask_onetrace.telemetry.redaction.query_summary import MAX_SUMMARY, summary_of
from flask_onetrace.telemetry.redaction.sql import UNKNOWN, Dialect, dialect_of, sanitized
from tests.cpu_time import CONSTANT, LINEAR, growth, repeated

POSTGRESQL, MYSQL, SQLITE, ORACLE = map(dialect_of, ("postgresql", "mysql", "sqlite", "oracle.db"))
ROUNDS = 3_000
LONG = 2 * MAX_TEXT
"""Characters of a statement that are read."""
Draw = random.Random

SANITIZED = [
    (POSTGRESQL, "SELECT 1, 'it''s', E'a\\'b' FROM t", "SELECT ?, ?, ? FROM t"),
    (POSTGRESQL, "SELECT $tag$ it's $tag$, $$x$$, $1", "SELECT ?, ?, $1"),
    (POSTGRESQL, "SELECT E'a'\n 'it\\'s secret', b", "SELECT ?, b"),
    (POSTGRESQL, "SELECT E'a' 'it\\', b", "SELECT ? ?, b"),
    (POSTGRESQL, "SELECT 'C:\\', 'secret'", "SELECT ?, ?"),
    (POSTGRESQL, 'SELECT "User"."Id" FROM "User" WHERE a = 0x1F', 'SELECT "User"."Id" FROM "User" WHERE a = ?'),
    (POSTGRESQL, "SELECT a /* x /* y */ z */ FROM t -- secret", "SELECT a  FROM t"),
    (POSTGRESQL, "SELECT 'open FROM t WHERE a = 1", "SELECT ?"),
    (POSTGRESQL, 'SELECT "open FROM t WHERE a = 1', "SELECT ?"),
    (POSTGRESQL, "SELECT 1 /* open 'secret'", "SELECT ?"),
    (POSTGRESQL, "SELECT $a$ open", "SELECT ?"),
    (POSTGRESQL, "SELECT a::int, b[1:2], t1.c2 FROM t1", "SELECT a::int, b[?:?], t1.c2 FROM t1"),
    (POSTGRESQL, "SELECT * FROM t WHERE id IN (1, 2,3) AND b = -1.5e-3", "SELECT * FROM t WHERE id IN (?) AND b = -?"),
    (POSTGRESQL, "SELECT * FROM t WHERE id IN (%(a)s, %(b)s)", "SELECT * FROM t WHERE id IN (?)"),
    (POSTGRESQL, "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y')", "INSERT INTO t (a, b) VALUES (?, ?)"),
    (
        MYSQL,
        "SELECT `a` FROM t WHERE b = \"x\\\" y\" AND c = 'z\\'' # secret",
        "SELECT `a` FROM t WHERE b = ? AND c = ?",
    ),
    (MYSQL, "SELECT 5--3", "SELECT ?--?"),
    (ORACLE, "SELECT q'[it's]', :1, :name FROM dual", "SELECT ?, :1, :name FROM dual"),
    (
        SQLITE,
        "SELECT * FROM t WHERE a = ?1 AND b LIKE '%x' ESCAPE '\\'",
        "SELECT * FROM t WHERE a = ?1 AND b LIKE ? ESCAPE ?",
    ),
    (UNKNOWN, "SELECT \"x\", 'a\\' b', c", "SELECT ?, ?"),
    (UNKNOWN, "SELECT a # it's\n, 'x'", "SELECT a ?"),
    (UNKNOWN, "SELECT [it's], 'x'", "SELECT ?"),
    (UNKNOWN, "SELECT [a[it's], 'x'", "SELECT [a?"),
    (UNKNOWN, "SELECT 5--'x\n y'", "SELECT ??"),
    (UNKNOWN, "SELECT b[1] -- x\n, c", "SELECT b[?] \n, c"),
    (UNKNOWN, "", ""),
]


@pytest.mark.parametrize(("dialect", "statement", "expected"), SANITIZED)
def test_literals_and_comments_are_removed(dialect: Dialect, statement: str, expected: str) -> None:
    assert sanitized(statement, dialect) == expected
    assert sanitized(expected, dialect) == expected


SUMMARIES = {
    "SELECT * FROM wuser_table WHERE username = ?": "SELECT wuser_table",
    "INSERT INTO shipping_details (order_id) SELECT order_id FROM orders": "INSERT shipping_details SELECT orders",
    "SELECT * FROM songs, artists WHERE songs.artist_id == artists.id": "SELECT songs artists",
    "SELECT d FROM (SELECT * FROM orders o JOIN customers c ON o.c = c.c)": "SELECT SELECT orders customers",
    'SELECT * FROM "song list", "artists"': 'SELECT "song list" artists',
    "WITH r AS (SELECT * FROM a) UPDATE shop.t SET x = EXTRACT(YEAR FROM y)": "SELECT a UPDATE shop.t",
    "UPDATE ONLY t SET a = 1": "UPDATE t",
    "DELETE FROM t WHERE a IS DISTINCT FROM b": "DELETE t",
    "INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 2": "INSERT t",
    "SELECT * FROM t FOR UPDATE": "SELECT t",
    "CREATE TABLE IF NOT EXISTS t (a int)": "CREATE TABLE t",
    "DROP INDEX CONCURRENTLY i": "DROP INDEX i",
    "BEGIN; INSERT INTO a VALUES (1); COMMIT": "BEGIN INSERT a COMMIT",
    "my_procedure": "CALL my_procedure",
    "select * from t": "select t",
    "'planted'": "",
    "planted value": "",
}


@pytest.mark.parametrize("statement", SUMMARIES)
def test_a_summary_has_operations_and_tables(statement: str) -> None:
    assert summary_of(statement, POSTGRESQL) == SUMMARIES[statement]


def test_a_summary_ends_with_a_whole_name() -> None:
    names = [f"table_{index:03}" for index in range(99)]
    summary = summary_of(f"SELECT * FROM {', '.join(names)}", POSTGRESQL)  # noqa: S608 - nothing runs it
    assert len(summary) <= MAX_SUMMARY
    assert summary.rpartition(" ")[2] in names


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')


def _dollar_quoted(value: str) -> str:
    return f"$tag${value.replace('$', '')}$tag$"


LITERALS: dict[str, tuple[Dialect, list[Callable[[str], str]]]] = {
    "postgresql": (POSTGRESQL, [_quoted, lambda each: f"E'{_escaped(each)}'", _dollar_quoted]),
    "mysql": (MYSQL, [lambda each: f"'{_escaped(each)}'", lambda each: f'"{_escaped(each)}"']),
    "sqlite": (SQLITE, [_quoted]),
    "oracle": (ORACLE, [_quoted, lambda each: f"q'[{each.replace(']', '')}]'"]),
}
ALPHABET = "'\"\\`$;-/*#[](){}%:@?,. \n\r\té🦖eEqQnNxX"
COMMENTS = ("", " /* {} */ ", " -- {}\n", " /* a /* {} */ b */ ")


def _value(draw: Draw) -> str:
    """Return a value with a secret within characters that end literals and comments in one dialect or another."""
    noise = ["".join(draw.choices(ALPHABET, k=draw.randrange(6))) for _ in range(2)]
    return f"{noise[0]}planted{draw.randrange(10**6)}{noise[1]}"


def _statement(draw: Draw, literals: list[Callable[[str], str]]) -> str:
    items = [draw.choice(literals)(_value(draw)) for _ in range(draw.randrange(1, 5))]
    template = draw.choice(
        (
            "SELECT a, {} FROM t{} WHERE b IN ({})",
            "INSERT INTO t{1} (a) VALUES ({2}), ({0})",
            "UPDATE t SET a={0}{1} WHERE b = {2} AND (c={0})",
        )
    )
    return template.format(items[0], draw.choice(COMMENTS).format("x"), ", ".join(items))


@pytest.mark.parametrize("name", LITERALS)
def test_no_planted_value_is_left(name: str) -> None:
    dialect, literals = LITERALS[name]
    draw = random.Random(20261129)
    for _ in range(ROUNDS):
        statement = _statement(draw, literals)
        shown = sanitized(statement, dialect)
        assert "planted" not in shown, statement
        assert "planted" not in summary_of(statement, dialect), statement
        assert sanitized(shown, dialect) == shown, statement


@pytest.mark.parametrize("name", LITERALS)
def test_a_statement_that_is_cut_off_shows_no_value(name: str) -> None:
    dialect, literals = LITERALS[name]
    draw = random.Random(41)
    for _ in range(ROUNDS):
        statement = _statement(draw, literals)
        assert "planted" not in sanitized(statement[: draw.randrange(len(statement))], dialect), statement


@pytest.mark.parametrize("name", LITERALS)
def test_an_unknown_dialect_shows_no_value_of_a_known_one(name: str) -> None:
    literals = LITERALS[name][1]
    draw = random.Random(7)
    for _ in range(ROUNDS):
        statement = _statement(draw, literals)
        assert "planted" not in sanitized(statement, UNKNOWN), statement


@pytest.mark.parametrize("dialect", [POSTGRESQL, MYSQL, SQLITE, ORACLE, UNKNOWN])
@pytest.mark.parametrize(
    "part",
    ["'", '"', "/*", "$a$", "$", "q'[", "IN (1,", "(", "a.", "1e", "\\", "VALUES (1),", "-- ", "x'", "[", "E''\n\n\n"],
)
def test_hostile_statements_take_linear_time(part: str, dialect: Dialect) -> None:
    assert growth(lambda statement: sanitized(statement, dialect), repeated(part), LONG) < LINEAR
    assert growth(lambda statement: summary_of(statement, dialect), repeated(part), LONG) < LINEAR


@pytest.mark.parametrize("dialect", [POSTGRESQL, UNKNOWN])
@pytest.mark.parametrize("work", [sanitized, summary_of])
def test_the_rest_of_a_long_statement_costs_nothing(work: Callable[[str, Dialect], str], dialect: Dialect) -> None:
    assert growth(lambda statement: work(statement, dialect), repeated("a = 'b' OR "), 40 * LONG) < CONSTANT
