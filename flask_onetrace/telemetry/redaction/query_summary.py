"""Summarize SQL as its operations and their tables: `SELECT orders customers`, `INSERT archive SELECT orders`.

The rules are those of "Generating a summary of the query text" (Semantic conventions for database client spans,
OpenTelemetry), without the quotes of names that need none: the summary names spans, and X-Ray allows no quotes there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Final

from flask_onetrace.telemetry.redaction.names import word_set
from flask_onetrace.telemetry.redaction.sql import MAX_CACHED, Dialect, Kind, Token, tokens

MAX_SUMMARY: Final = 200
"""Characters: X-Ray's limit for names. The conventions allow 255."""
_MAX_TOKENS: Final = 2_000
_QUERIES = word_set("SELECT INSERT UPDATE DELETE MERGE REPLACE UPSERT TRUNCATE COPY CALL EXEC EXECUTE LOCK VALUES")
_DEFINITIONS = word_set("CREATE ALTER DROP")
_COMMANDS = word_set("""
    ABORT ANALYZE ATTACH BEGIN CHECKPOINT CLOSE CLUSTER COMMENT COMMIT DEALLOCATE DECLARE DESC DESCRIBE DETACH DISCARD
    DO END EXPLAIN FETCH GRANT KILL LISTEN LOAD MOVE NOTIFY OPTIMIZE PRAGMA PREPARE REFRESH REINDEX RELEASE RENAME RESET
    REVOKE ROLLBACK SAVEPOINT SET SHOW START UNLISTEN USE VACUUM XA
    """)
_OPERATIONS = _QUERIES | _DEFINITIONS | _COMMANDS
_OBJECTS = word_set("""
    DATABASE DOMAIN EXTENSION FUNCTION INDEX PROCEDURE ROLE SCHEMA SEQUENCE TABLE TRIGGER TYPE USER VIEW
    """)
_BEFORE_TARGET = word_set("FROM JOIN INTO UPDATE TRUNCATE COPY CALL EXEC EXECUTE TABLE")
_TARGET_AFTER = frozenset({("TABLE", "LOCK"), ("USING", "MERGE"), ("USING", "DELETE")})
_WITHIN_TARGET = word_set("ONLY LATERAL TABLE IF NOT EXISTS CONCURRENTLY OVERWRITE")
_AFTER_TABLES = word_set("""
    WHERE GROUP ORDER HAVING LIMIT OFFSET FETCH SET ON USING UNION INTERSECT EXCEPT VALUES RETURNING WINDOW FOR
    """)
_WITH_FROM = word_set("EXTRACT SUBSTRING TRIM OVERLAY POSITION")
"""Functions with the word `FROM` among their arguments."""
_SIMPLE_NAME = re.compile(r'["`\[]([\w$]+)["`\]]')


def summary_of(statement: str, dialect: Dialect) -> str:
    """Return the summary of `statement`, empty where it has no operation that is known."""
    return _cached(statement, dialect) if len(statement) <= MAX_CACHED else _summary_of(statement, dialect)


def _summary_of(statement: str, dialect: Dialect) -> str:
    significant = (each for each in tokens(statement, dialect) if each.kind not in {Kind.SPACE, Kind.COMMENT})
    first = list(islice(significant, _MAX_TOKENS))
    if first and all(each.kind in {Kind.WORD, Kind.NAME} or each.text == "." for each in first[:-1]):
        name = "".join(each.text for each in first)
        if first[-1].kind in {Kind.WORD, Kind.NAME} and first[0].text.upper() not in _OPERATIONS:
            is_name = all((each.text == ".") == bool(index % 2) for index, each in enumerate(first))
            return f"CALL {name}"[:MAX_SUMMARY] if is_name else ""
    return _joined(_Summary(first).parts)


_cached = lru_cache(256)(_summary_of)


def _joined(parts: Iterable[str]) -> str:
    """Join as many whole parts as there is room for."""
    summary = ""
    for part in parts:
        if len(summary) + 1 + len(part) > MAX_SUMMARY:
            break
        summary = f"{summary} {part}" if summary else part
    return summary


class _Summary:
    """Collect operations and targets from the significant tokens of a statement."""

    def __init__(self, significant: list[Token]) -> None:
        self.parts: list[str] = []
        self._verb = ""
        self._previous = ""
        """The last token, in upper case."""
        self._starts = True
        """Whether the next word may be an operation."""
        self._in_with = False
        self._expects_target = False
        self._continues = False
        """Whether a name in parts, as `schema.table`, goes on."""
        self._lists_tables = [False]
        """Whether a comma comes before another table, by the depth of parentheses."""
        self._functions = [False]
        for kind, text in significant:
            upper = text.upper() if kind is Kind.WORD else text
            if kind in {Kind.WORD, Kind.NAME}:
                self._take_name(upper, text, is_word=kind is Kind.WORD)
            else:
                self._take_other(kind, text)
            self._previous = upper

    def _take_name(self, upper: str, text: str, *, is_word: bool) -> None:
        if self._continues and self._previous == ".":
            self.parts[-1] += f".{_unquoted(text)}"
        elif is_word and (upper == "SELECT" or (self._starts and upper in _OPERATIONS)):
            self._begin(upper, text)
        elif is_word and self._starts and upper == "WITH":
            self._in_with = True
        elif self._expects_target and not (is_word and upper in _WITHIN_TARGET):
            self.parts.append(_unquoted(text))
            self._expects_target, self._continues = False, True
            return
        elif is_word:
            self._take_keyword(upper, text)
            self._continues = False
            return
        self._starts = self._starts and upper in {"EXPLAIN", "ANALYZE"}
        self._continues = self._continues and self._previous == "."

    def _begin(self, upper: str, text: str) -> None:
        self.parts.append(text)
        self._verb = upper
        self._expects_target = upper in _BEFORE_TARGET
        self._lists_tables[-1] = False
        self._starts = upper == "EXPLAIN"

    def _take_keyword(self, upper: str, text: str) -> None:
        self._starts = False
        if upper in _OBJECTS and self._verb in _DEFINITIONS and not self._expects_target and len(self.parts) == 1:
            self.parts.append(text)
            self._expects_target = True
        elif (upper, self._verb) in _TARGET_AFTER:
            self._expects_target = True
        elif upper in {"FROM", "JOIN", "INTO"} and not self._is_argument():
            self._expects_target = True
            self._lists_tables[-1] = upper == "FROM" or self._lists_tables[-1]
        elif upper in _AFTER_TABLES:
            self._lists_tables[-1] = False

    def _is_argument(self) -> bool:
        """Return whether a `FROM` belongs to a function, to `IS DISTINCT FROM`, or to a file."""
        return self._functions[-1] or self._previous == "DISTINCT" or self._verb in {"COPY", "REVOKE", "SHOW", "FETCH"}

    def _take_other(self, kind: Kind, text: str) -> None:
        if kind is Kind.OTHER and text == ".":
            return
        self._continues = self._expects_target = False
        if text == "(":
            self._functions.append(self._previous in _WITH_FROM)
            self._lists_tables.append(False)
            self._starts = True
        elif text == ")" and len(self._functions) > 1:
            self._functions.pop()
            self._lists_tables.pop()
            self._starts = self._in_with and len(self._functions) == 1
        elif text == ";":
            self._starts, self._in_with = True, False
        elif text == ",":
            self._expects_target = self._lists_tables[-1]
        else:
            self._starts = False


def _unquoted(name: str) -> str:
    match = _SIMPLE_NAME.fullmatch(name)
    return match[1] if match else name
