"""Split SQL into tokens, and replace the literals by `?` ("Sanitization of db.query.text", OpenTelemetry).

What is a literal depends on the dialect: double quotes and backslashes mean something else in MySQL than in the SQL
standard. For an unknown dialect, whatever is a literal in any of them is one; an unterminated literal extends to the
end. No group is repeated possessively where an iteration can fail halfway: Python before 3.11.5 then matches too much
(CPython gh-106052).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from flask_onetrace.telemetry.redaction.limits import CUT, MAX_TEXT

PLACEHOLDER: Final = "?"
MAX_CACHED: Final = 2_048
"""Characters of a statement that is remembered with its sanitized text: parametrized ones repeat."""
_MAX_STATEMENT: Final = 2 * MAX_TEXT
"""Characters that are read: literals become shorter."""
_MAX_TAG: Final = 63
"""Characters of a name in PostgreSQL, as in `$name$`."""


class Kind(Enum):
    """What a token is."""

    SPACE = auto()
    COMMENT = auto()
    LITERAL = auto()
    WORD = auto()
    NAME = auto()
    """A quoted identifier."""
    PARAMETER = auto()
    OTHER = auto()


class Token(NamedTuple):
    """A part of a statement."""

    kind: Kind
    text: str


_STANDARD = r"'(?:[^']++|'')*+(?:'|\Z)"
_ESCAPED = r"'(?:[^'\\]++|''|\\.)*+(?:'|\\?\Z)"
_ANY = r"'(?:[^'\\]++|''|\\[^'])*+(?:'|\\'.*+|\\?\Z)"
"""A backslash before a quote may end the text or not: everything behind it is taken for a part of it."""
_PREFIX = r"(?:[bBnNxXrR]|[uU]&|_[A-Za-z]\w*+\s*+)?"
_DOLLAR = rf"\$(?P<tag>(?:[^\W\d]\w{{0,{_MAX_TAG - 1}}})?+)\$.*?(?:\$(?P=tag)\$|\Z)|\$[^\W\d]\w{{{_MAX_TAG},}}+\$.*+"
_ORACLE_QUOTES = r"[nN]?[qQ]'(?:\[.*?\]'|\{.*?\}'|\(.*?\)'|<.*?>'|(?P<mark>[^\[{(<\s]).*?(?P=mark)'|.*+)"

_AMBIGUOUS = r"\#.*+|--.*+|\[[^\[\]'\"]*+['\"].*+"
"""What begins a comment or a name in one dialect and nothing in another: all behind it is taken for a literal."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a database reads quotes, backslashes and comments; the defaults are those of the SQL standard."""

    text: str = _STANDARD
    prefixed: str = ""
    """Further texts, which begin with letters."""
    double_quoted_literals: bool = False
    dollar_quotes: bool = False
    bracketed_names: bool = False
    line_comments: str = r"--[^\n]*+"
    nested_comments: bool = False
    positional: str = ""
    """Numbered parameters of its own."""

    @cached_property
    def tokens(self) -> re.Pattern[str]:
        """The pattern that matches one token, named by its kind, at any position."""
        double = _ESCAPED.replace("'", '"') if self.text == _ESCAPED else _ANY.replace("'", '"')
        literals = [
            self.prefixed,
            _PREFIX + self.text,
            double if self.double_quoted_literals else "",
            _DOLLAR if self.dollar_quotes else "",
            r"\.?\d(?:[eE][+-]\d|[\w.])*+",
        ]
        names = [
            "" if self.double_quoted_literals else r'"(?:[^"]++|"")*+"',
            r"`(?:[^`]++|``)*+`",
            r"\[(?:[^\]]++|\]\])*+\]" if self.bracketed_names else "",
        ]
        parameters = [self.positional, r"%\(\w*+\)[sbt]|%[sbt]\b|\$\d++|(?<![:\w])[:@][^\W\d]\w*+|\?"]
        kinds = {
            "SPACE": [r"\s++"],
            "COMMENT": [self.line_comments, r"/\*"],
            "PARAMETER": parameters,
            "LITERAL": literals,
            "NAME": names,
            "WORD": [r"[^\W\d][\w$]*+"],
            "UNTERMINATED": [r'["`].*+'],
            "OTHER": ["."],
        }
        alternatives = (f"(?P<{kind}>{'|'.join(filter(None, each))})" for kind, each in kinds.items())
        return re.compile("|".join(alternatives), re.DOTALL)


_POSTGRESQL = Dialect(
    # Backslashes escape in the continuation lines of a text too ("String Constants", PostgreSQL).
    prefixed=rf"[eE]{_ESCAPED}(?:[^\S\r\n]*+[\r\n]\s*+{_ESCAPED})*",
    dollar_quotes=True,
    line_comments=r"--[^\r\n]*+",
    nested_comments=True,
)
_MYSQL = Dialect(text=_ESCAPED, double_quoted_literals=True, line_comments=r"--(?=\s|\Z)[^\n]*+|\#[^\n]*+")
_SQL_SERVER = Dialect(bracketed_names=True, nested_comments=True)
_ORACLE = Dialect(prefixed=_ORACLE_QUOTES, positional=r"(?<![:\w]):\d++")
_SQLITE = Dialect(positional=r"\?\d++")
UNKNOWN: Final = Dialect(
    text=_ANY,
    prefixed=f"[eE]{_ESCAPED}|{_ORACLE_QUOTES}|{_AMBIGUOUS}",
    line_comments=r"--(?=\s|\Z)[^\r\n]*+",
    double_quoted_literals=True,
    dollar_quotes=True,
    nested_comments=True,
)
_BY_SYSTEM: Final = {
    **dict.fromkeys(("postgresql", "cockroachdb", "redshift", "aws.redshift", "edb"), _POSTGRESQL),
    **dict.fromkeys(("mysql", "mariadb"), _MYSQL),
    **dict.fromkeys(("mssql", "microsoft.sql_server"), _SQL_SERVER),
    **dict.fromkeys(("oracle", "oracle.db"), _ORACLE),
    **dict.fromkeys(("sqlite", "sqlite3"), _SQLITE),
    **dict.fromkeys(("db2", "ibm.db2", "derby", "firebird", "firebirdsql", "h2", "h2database", "hsqldb"), Dialect()),
    **dict.fromkeys(("clickhouse", "hive", "other_sql", "spanner", "gcp.spanner", "teradata", "trino"), UNKNOWN),
}
SQL_SYSTEMS: Final = frozenset(_BY_SYSTEM)
"""Values of `db.system` and `db.system.name` ("Semantic conventions for database client spans", OpenTelemetry)."""


def dialect_of(system: object) -> Dialect:
    """Return the dialect of a `db.system`, or of an X-Ray `database_type`: `PostgreSQL`."""
    return _BY_SYSTEM.get(system.lower(), UNKNOWN) if isinstance(system, str) else UNKNOWN


def tokens(statement: str, dialect: Dialect) -> Iterator[Token]:
    """Yield the tokens of `statement`. Takes time in proportion to its length."""
    match_at, position, end = dialect.tokens.match, 0, len(statement)
    while position < end and (match := match_at(statement, position)):
        kind, start, position = match.lastgroup, position, match.end()
        text = statement[start:position]
        if text == "/*":
            position = _comment_end(statement, position, nested=dialect.nested_comments)
            yield Token(Kind.COMMENT, statement[start:position])
        elif kind == "UNTERMINATED":
            yield Token(Kind.LITERAL, text)
        else:
            yield Token(Kind[kind or "OTHER"], text)


_COMMENT_MARK = re.compile(r"/\*|\*/")


def _comment_end(statement: str, position: int, *, nested: bool) -> int:
    depth = 1
    for mark in _COMMENT_MARK.finditer(statement, position):
        if mark[0] == "*/":
            depth -= 1
        elif nested:
            depth += 1
        if not depth:
            return mark.end()
    return len(statement)


_ITEM = r"-?(?:\?\d*+|%\(\w*+\)[sbt]|%[sbt]|\$\d++|[:@]\w++)"
_IN_LIST = re.compile(rf"(?i:(\bIN\s*+\())\s*+{_ITEM}(?:\s*+,\s*+{_ITEM})+\s*+\)")
_ROWS = re.compile(r"(?i:(\bVALUES\s*+\([^()]*+\)))(?:\s*+,\s*+\([^()]*+\))+")


def sanitized(statement: str, dialect: Dialect) -> str:
    """Return `statement` without literals and comments, and with one item in each list of values."""
    return _cached(statement, dialect) if len(statement) <= MAX_CACHED else _sanitized(statement, dialect)


def _sanitized(statement: str, dialect: Dialect) -> str:
    parts: list[str] = []
    for kind, text in tokens(statement[:_MAX_STATEMENT], dialect):
        if kind is Kind.LITERAL:
            parts.append(PLACEHOLDER)
        elif kind is not Kind.COMMENT:
            parts.append(text)
        elif parts and not parts[-1].isspace():
            parts.append(" ")
    text = _ROWS.sub(r"\1", _IN_LIST.sub(r"\1?)", "".join(parts))).strip()
    return text + CUT if len(statement) > _MAX_STATEMENT else text


_cached = lru_cache(256)(_sanitized)
