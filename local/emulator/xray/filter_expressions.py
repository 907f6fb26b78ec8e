"""Evaluate X-Ray's filter expressions.

Source: X-Ray developer guide, "Use filter expressions". Supported: the keywords of `filter_keywords`,
`annotation.key`, `annotation[key]`, `service("name") { ... }`, `service(id(name: "name", type: "type"))`,
`group.name = "name"`, AND, OR, NOT, ! and parentheses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from local.emulator.json_api import ServiceError
from local.emulator.xray.filter_keywords import (
    BOOLEAN_KEYWORDS,
    NUMBER_KEYWORDS,
    NUMBER_OPERATORS,
    STRING_KEYWORDS,
    STRING_OPERATORS,
    Comparison,
    Predicate,
    comparable,
    service_identity,
)
from local.emulator.xray.trace_view import TraceView

MAX_EXPRESSION: Final = 2000
MAX_DEPTH: Final = 20

_TOKEN: Final = re.compile(
    r'\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?![\w.])|annotation\[[^\]]*\]|!=|<=|>=|[=<>!(){},:]|[\w.$-]+)'
)


def compile_filter(expression: str, groups: Mapping[str, str | None]) -> Predicate:
    """Return the predicate on traces. `groups` maps group names to filter expressions.

    Raises `ServiceError` (InvalidRequestException) naming the unsupported part.
    """
    if len(expression) > MAX_EXPRESSION:
        raise ServiceError(
            "InvalidRequestException", f"the filter expression is longer than {MAX_EXPRESSION} characters"
        )
    return _Parser(expression, groups).parse()


class _Parser:
    """A recursive descent parser."""

    def __init__(self, expression: str, groups: Mapping[str, str | None]) -> None:
        self._expression = expression
        self._groups = groups
        self._depth = 0
        self._tokens = self._split()

    def parse(self) -> Predicate:
        predicate = self._or_expression()
        if self._tokens:
            raise self._error(self._tokens[0])
        return predicate

    def _split(self) -> list[str]:
        text, tokens, position = self._expression.rstrip(), [], 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._error(text[position:].split()[0])
            tokens.append(match[1])
            position = match.end()
        return tokens

    def _error(self, token: str) -> ServiceError:
        return ServiceError(
            "InvalidRequestException", f"not understood in the filter expression {self._expression!r}: {token}"
        )

    def _next(self) -> str:
        if not self._tokens:
            raise self._error("it ends too early")
        return self._tokens.pop(0)

    def _accept(self, *tokens: str) -> bool:
        is_next = bool(self._tokens) and self._tokens[0].upper() in tokens
        if is_next:
            self._tokens.pop(0)
        return is_next

    def _expect(self, token: str) -> None:
        actual = self._next()
        if actual != token:
            raise self._error(f"{actual} where {token} is needed")

    def _or_expression(self) -> Predicate:
        operands = [self._and_expression()]
        while self._accept("OR"):
            operands.append(self._and_expression())
        return lambda trace: any(operand(trace) for operand in operands)

    def _and_expression(self) -> Predicate:
        operands = [self._not_expression()]
        while self._accept("AND"):
            operands.append(self._not_expression())
        return lambda trace: all(operand(trace) for operand in operands)

    def _not_expression(self) -> Predicate:
        negated = False
        while self._accept("!", "NOT"):
            negated = not negated
        operand = self._primary()
        return (lambda trace: not operand(trace)) if negated else operand

    def _primary(self) -> Predicate:
        token = self._next()
        if token == "(":  # noqa: S105 - a token of the language
            return self._nested(")")
        keyword = token.lower()
        return BOOLEAN_KEYWORDS[keyword] if keyword in BOOLEAN_KEYWORDS else self._comparison(token, keyword)

    def _comparison(self, token: str, keyword: str) -> Predicate:
        if keyword in NUMBER_KEYWORDS:
            return self._number(NUMBER_KEYWORDS[keyword])
        if keyword in STRING_KEYWORDS:
            return self._string(STRING_KEYWORDS[keyword])
        if keyword.startswith("annotation"):
            return self._annotation(token)
        if keyword == "service":
            return self._service()
        if keyword == "group.name":
            return self._group()
        raise self._error(token)

    def _nested(self, end: str) -> Predicate:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} levels of nesting")
        predicate = self._or_expression()
        self._expect(end)
        self._depth -= 1
        return predicate

    def _number(self, value_of: Callable[[TraceView], Any]) -> Predicate:
        compare = self._operator(NUMBER_OPERATORS)
        token = self._next()
        try:
            operand = float(token)
        except ValueError:
            raise self._error(f"{token} where a number is needed") from None

        def predicate(trace: TraceView) -> bool:
            value = value_of(trace)
            return isinstance(value, int | float) and compare(value, operand)

        return predicate

    def _operator(self, table: Mapping[str, Comparison]) -> Comparison:
        token = self._next()
        if token.upper() not in table:
            raise self._error(f"{token} where one of {' '.join(table)} is needed")
        return table[token.upper()]

    def _string(self, values_of: Callable[[TraceView], Iterable[Any]]) -> Predicate:
        compare, operand = self._operator(STRING_OPERATORS), self._text(self._next())
        return lambda trace: any(isinstance(value, str) and compare(value, operand) for value in values_of(trace))

    def _text(self, token: str) -> str:
        if not token.startswith('"'):
            raise self._error(f"{token} where a quoted string is needed")
        try:
            return str(json.loads(token, strict=False))
        except ValueError:
            raise self._error(token) from None

    def _annotation(self, token: str) -> Predicate:
        key = token[len("annotation") :].strip("[]").removeprefix(".").strip('"')
        if not key:
            raise self._error(token)
        if not self._tokens or self._tokens[0].upper() not in {*NUMBER_OPERATORS, *STRING_OPERATORS}:
            return lambda trace: any(name == key for name, _, _ in trace.annotations())
        quoted = len(self._tokens) > 1 and self._tokens[1].startswith('"')
        compare = self._operator(STRING_OPERATORS if quoted else NUMBER_OPERATORS)
        operand = self._value(self._next())
        return lambda trace: any(
            name == key and comparable(value, operand) and compare(value, operand)
            for name, value, _ in trace.annotations()
        )

    def _value(self, token: str) -> str | float | bool:
        if token.startswith('"'):
            return self._text(token)
        if token.lower() in {"true", "false"}:
            return token.lower() == "true"
        try:
            return float(token)
        except ValueError:
            raise self._error(f"{token} where a value is needed") from None

    def _service(self) -> Predicate:
        self._expect("(")
        identity = self._service_id()
        self._expect(")")
        inner: Predicate = self._nested("}") if self._accept("{") else lambda _: True

        def predicate(trace: TraceView) -> bool:
            matches = tuple(each for each in trace.segments if identity.items() <= service_identity(each).items())
            return bool(matches) and inner(TraceView(trace.trace_id, matches))

        return predicate

    def _service_id(self) -> dict[str, str]:
        if self._accept("ID"):
            self._expect("(")
            identity: dict[str, str] = {}
            while not self._accept(")"):
                key = self._next()
                if key not in {"name", "type", ","}:
                    raise self._error(key)
                if key != ",":
                    self._expect(":")
                    identity[key] = self._text(self._next())
            return identity
        return {"name": self._text(self._next())}

    def _group(self) -> Predicate:
        self._expect("=")
        name = self._text(self._next())
        if name not in self._groups:
            raise self._error(f"the group {name}, which does not exist")
        expression = self._groups[name]
        return compile_filter(expression, {}) if expression else lambda _: True
