"""Evaluate X-Ray's filter expressions.

Source: X-Ray developer guide, "Use filter expressions". Understood: the keywords of `xray_keywords`,
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
    FLAGS,
    NUMBERS,
    ORDER,
    STRINGS,
    TEXT,
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
    """Return the test of a trace. `groups` are the filters by group name.

    Raises `ServiceError` (InvalidRequestException) naming what is not understood.
    """
    if len(expression) > MAX_EXPRESSION:
        raise ServiceError(
            "InvalidRequestException", f"the filter expression is longer than {MAX_EXPRESSION} characters"
        )
    return _Parser(expression, groups).parse()


class _Parser:
    def __init__(self, expression: str, groups: Mapping[str, str | None]) -> None:
        self._expression = expression
        self._groups = groups
        self._depth = 0
        self._tokens = self._split()

    def parse(self) -> Predicate:
        test = self._any()
        if self._tokens:
            raise self._error(self._tokens[0])
        return test

    def _split(self) -> list[str]:
        text, tokens, position = self._expression.rstrip(), [], 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise self._error(text[position:].split()[0])
            tokens.append(found[1])
            position = found.end()
        return tokens

    def _error(self, token: str) -> ServiceError:
        return ServiceError(
            "InvalidRequestException", f"not understood in the filter expression {self._expression!r}: {token}"
        )

    def _next(self) -> str:
        if not self._tokens:
            raise self._error("its end")
        return self._tokens.pop(0)

    def _accept(self, *tokens: str) -> bool:
        found = bool(self._tokens) and self._tokens[0].upper() in tokens
        if found:
            self._tokens.pop(0)
        return found

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise self._error(f"{found} where {token} is needed")

    def _any(self) -> Predicate:
        tests = [self._all()]
        while self._accept("OR"):
            tests.append(self._all())
        return lambda trace: any(test(trace) for test in tests)

    def _all(self) -> Predicate:
        tests = [self._not()]
        while self._accept("AND"):
            tests.append(self._not())
        return lambda trace: all(test(trace) for test in tests)

    def _not(self) -> Predicate:
        negated = False
        while self._accept("!", "NOT"):
            negated = not negated
        test = self._one()
        return (lambda trace: not test(trace)) if negated else test

    def _one(self) -> Predicate:
        token = self._next()
        if token == "(":  # noqa: S105 (a token of the language)
            return self._nested(")")
        keyword = token.lower()
        return FLAGS[keyword] if keyword in FLAGS else self._compared(token, keyword)

    def _compared(self, token: str, keyword: str) -> Predicate:
        if keyword in NUMBERS:
            return self._number(NUMBERS[keyword])
        if keyword in STRINGS:
            return self._string(STRINGS[keyword])
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
        test = self._any()
        self._expect(end)
        self._depth -= 1
        return test

    def _number(self, read: Callable[[TraceView], Any]) -> Predicate:
        compare = self._operator(ORDER)
        token = self._next()
        try:
            wanted = float(token)
        except ValueError:
            raise self._error(f"{token} where a number is needed") from None

        def test(trace: TraceView) -> bool:
            found = read(trace)
            return isinstance(found, int | float) and compare(found, wanted)

        return test

    def _operator(self, table: Mapping[str, Comparison]) -> Comparison:
        token = self._next()
        if token.upper() not in table:
            raise self._error(f"{token} where one of {' '.join(table)} is needed")
        return table[token.upper()]

    def _string(self, read: Callable[[TraceView], Iterable[Any]]) -> Predicate:
        compare, wanted = self._operator(TEXT), self._text(self._next())
        return lambda trace: any(isinstance(found, str) and compare(found, wanted) for found in read(trace))

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
        if not self._tokens or self._tokens[0].upper() not in {*ORDER, *TEXT}:
            return lambda trace: any(name == key for name, _, _ in trace.annotations())
        quoted = len(self._tokens) > 1 and self._tokens[1].startswith('"')
        compare = self._operator(TEXT if quoted else ORDER)
        wanted = self._value(self._next())
        return lambda trace: any(
            name == key and comparable(found, wanted) and compare(found, wanted)
            for name, found, _ in trace.annotations()
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
        wanted = self._service_id()
        self._expect(")")
        inner: Predicate = self._nested("}") if self._accept("{") else lambda _: True

        def test(trace: TraceView) -> bool:
            own = tuple(segment for segment in trace.segments if wanted.items() <= service_identity(segment).items())
            return bool(own) and inner(TraceView(trace.trace_id, own))

        return test

    def _service_id(self) -> dict[str, str]:
        if self._accept("ID"):
            self._expect("(")
            wanted: dict[str, str] = {}
            while not self._accept(")"):
                key = self._next()
                if key not in {"name", "type", ","}:
                    raise self._error(key)
                if key != ",":
                    self._expect(":")
                    wanted[key] = self._text(self._next())
            return wanted
        return {"name": self._text(self._next())}

    def _group(self) -> Predicate:
        self._expect("=")
        name = self._text(self._next())
        if name not in self._groups:
            raise self._error(f"the group {name}, which does not exist")
        expression = self._groups[name]
        return compile_filter(expression, {}) if expression else lambda _: True
