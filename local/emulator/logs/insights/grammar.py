"""Parse Logs Insights queries. Source: CloudWatch Logs user guide, "CloudWatch Logs Insights QL query syntax".

Unsupported syntax is an error that names its position: a query runs as a whole or not at all.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

MAX_QUERY: Final = 10_000
"""Characters in a query string (StartQuery, CloudWatch Logs API reference)."""

GRAMMAR: Final = r"""
start: command ("|" command)*
?command: fields | display | filter | stats | sort | limit

fields: "fields"i FIELD ("," FIELD)*
display: "display"i FIELD ("," FIELD)*
filter: "filter"i or_test
limit: "limit"i INT
sort: "sort"i key ("," key)*
key: FIELD [DIRECTION]
DIRECTION.2: /asc|desc/i

stats: "stats"i column ("," column)* ["by"i group ("," group)*]
column: aggregate ["as"i FIELD]
aggregate: FUNCTION "(" ("*" | FIELD ["," number]) ")"
FUNCTION.2: /(count_distinct|count|sum|avg|min|max|pct)(?=\s*\()/i
?group: FIELD | bin
bin: "bin"i "(" PERIOD ")" ["as"i FIELD]
PERIOD.2: /\d+[smhd]/

?or_test: and_test ("or"i and_test)*
?and_test: not_test ("and"i not_test)*
?not_test: "not"i not_test -> negated
    | "(" or_test ")"
    | "ispresent"i "(" FIELD ")" -> present
    | FIELD OPERATOR value -> compared
    | FIELD LIKE (REGEX | STRING) -> like
    | FIELD IN "[" value ("," value)* "]" -> among
OPERATOR: "!=" | "<=" | ">=" | "=" | "<" | ">"
LIKE.2: /(not\s+)?like(?=[\s\/"'])/i
IN.2: /(not\s+)?in(?=[\s\[])/i

?value: number | STRING
number: SIGNED_NUMBER
FIELD: /`[^`]+`|@?[A-Za-z_][\w.@]*/
STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/
REGEX: /\/(\\.|[^\/\\])+\//

%import common (INT, SIGNED_NUMBER, WS)
%ignore WS
%ignore /#[^\n]*/
"""

Node = Any
"""A node of the syntax tree: lark's `Tree` for a command or condition, or a `Token`."""


class QueryError(ValueError):
    """A query that is malformed or uses unsupported syntax."""


def parse(text: str) -> Node:
    """Return the syntax tree, one child per command. Raises `QueryError` naming line, column and text."""
    if len(text) > MAX_QUERY:
        raise QueryError(f"the query has {len(text)} characters; {MAX_QUERY} are allowed")
    try:
        return _parser().parse(text)
    except UnexpectedEOF:
        raise QueryError("the query ends too early") from None
    except UnexpectedInput as error:
        raise QueryError(_syntax_error_message(error, text)) from None


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=True)


def _syntax_error_message(error: UnexpectedInput, text: str) -> str:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return "the query ends too early"
    has_position = isinstance(error, UnexpectedToken | UnexpectedCharacters) and error.pos_in_stream is not None
    snippet = re.split(r"[\n|]", text[error.pos_in_stream :], maxsplit=1)[0].strip() if has_position else ""
    return f"not understood or not emulated, line {error.line} column {error.column}: {snippet[:60]!r}"
