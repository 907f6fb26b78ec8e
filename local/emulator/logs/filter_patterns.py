"""Match log messages as CloudWatch Logs' filter patterns do.

Source: CloudWatch Logs user guide, "Filter pattern syntax": terms for unstructured lines, selectors for JSON lines.
Not understood, and refused: regular expressions (`%...%`) and space-delimited patterns (`[...]`).
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, Final

Matcher = Callable[[str], bool]
Test = Callable[[Any], bool]

MAX_PATTERN: Final = 1024
MAX_DEPTH: Final = 20

_TERM: Final = re.compile(r'\s*([?-]?)("(?:[^"\\]|\\.)*"|[^\s"]+)')
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<selector>\$(?:\.[\w@-]+|\[\d+\]|\["[^"]*"\])+)|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<operator>&&|\|\||!=|<=|>=|[=<>(){}])|(?P<word>[^\s\"=<>(){}&|!]+))"
)
_STEP: Final = re.compile(r'\.([\w@-]+)|\[(\d+)\]|\["([^"]*)"\]')
_ORDER: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_ABSENT: Final = object()
_IS: Final[dict[str, Test]] = {
    "TRUE": lambda found: found is True,
    "FALSE": lambda found: found is False,
    "NULL": lambda found: found is None,
}


class PatternError(ValueError):
    """A filter pattern that is malformed or not understood."""


def compile_pattern(pattern: str | None) -> Matcher:
    """Return the test of a log message. Raises `PatternError` naming what is not understood."""
    text = (pattern or "").strip()
    if len(text) > MAX_PATTERN:
        raise PatternError(f"the filter pattern has {len(text)} characters; {MAX_PATTERN} are allowed")
    if text.startswith(("[", "%")):
        raise PatternError(f"not emulated: the filter pattern {text!r} (regular expressions, space-delimited fields)")
    return _json_matcher(text) if text.startswith("{") else _term_matcher(text)


def _term_matcher(text: str) -> Matcher:
    needed: list[str] = []
    any_of: list[str] = []
    excluded: list[str] = []
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise PatternError(f"the filter pattern {text!r} has an open quotation mark")
        position = found.end()
        term = _unquoted(found[2])
        {"": needed, "?": any_of, "-": excluded}[found[1]].append(term)

    def matches(message: str) -> bool:
        return (
            all(term in message for term in needed)
            and (not any_of or bool(needed) or any(term in message for term in any_of))
            and not any(term in message for term in excluded)
        )

    return matches


def _unquoted(token: str) -> str:
    if not token.startswith('"'):
        return token
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        raise PatternError(f"not understood in the filter pattern: {token}") from None


def _json_matcher(text: str) -> Matcher:
    test = _Parser(text).parse()

    def matches(message: str) -> bool:
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict) and test(document)

    return matches


class _Parser:
    """Read `{ $.a = "x" && ($.b > 1 || $.c NOT EXISTS) }`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split(text)
        self._depth = 0

    def parse(self) -> Test:
        self._expect("{")
        test = self._any()
        self._expect("}")
        if self._tokens:
            raise self._error(f"{self._tokens[0]!r} after the closing brace")
        return test

    def _split(self, text: str) -> list[str]:
        tokens, position = [], 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise self._error(f"{text[position : position + 10]!r}")
            tokens.append(found[0].strip())
            position = found.end()
        return tokens

    def _error(self, what: str) -> PatternError:
        return PatternError(f"not understood in the filter pattern {self._text!r}: {what}")

    def _next(self) -> str:
        if not self._tokens:
            raise self._error("its end")
        return self._tokens.pop(0)

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise self._error(f"{found!r} where {token!r} is needed")

    def _accept(self, *tokens: str) -> bool:
        if [token.upper() for token in self._tokens[: len(tokens)]] != list(tokens):
            return False
        del self._tokens[: len(tokens)]
        return True

    def _any(self) -> Test:
        tests = [self._all()]
        while self._accept("||"):
            tests.append(self._all())
        return lambda document: any(test(document) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._accept("&&"):
            tests.append(self._one())
        return lambda document: all(test(document) for test in tests)

    def _one(self) -> Test:
        if not self._accept("("):
            return self._comparison()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} levels of parentheses")
        test = self._any()
        self._expect(")")
        self._depth -= 1
        return test

    def _comparison(self) -> Test:
        selector = self._next()
        if not selector.startswith("$"):
            raise self._error(f"{selector!r} where a selector such as $.trace_id is needed")
        steps = [name or quoted or int(index) for name, index, quoted in _STEP.findall(selector)]
        condition = self._condition()
        return lambda document: condition(_select(document, steps))

    def _condition(self) -> Test:
        for word, test in _IS.items():
            if self._accept("IS", word):
                return test
        if self._accept("NOT", "EXISTS"):
            return lambda found: found is _ABSENT
        if self._accept("EXISTS"):
            return lambda found: found is not _ABSENT
        sign = self._next()
        if sign in _ORDER:
            return _ordered(sign, self._number(self._next()))
        if sign not in {"=", "!="}:
            raise self._error(f"{sign!r} where a comparison is needed")
        equal = self._equal(self._next())
        return equal if sign == "=" else lambda found: found is not _ABSENT and not equal(found)

    def _number(self, token: str) -> float:
        try:
            return float(token)
        except ValueError:
            raise self._error(f"{token!r} where a number is needed") from None

    def _equal(self, token: str) -> Test:
        text = _unquoted(token)
        if text.startswith("%"):
            raise self._error(f"the regular expression {text!r}")
        if not token.startswith('"') and _is_number(token):
            return lambda found: _is_number(found) and float(found) == float(token)
        pattern = text.replace("[", "[[]").replace("?", "[?]")
        return lambda found: isinstance(found, str) and fnmatchcase(found, pattern)


def _ordered(sign: str, bound: float) -> Test:
    return lambda found: isinstance(found, int | float) and not isinstance(found, bool) and _ORDER[sign](found, bound)


def _is_number(value: Any) -> bool:  # noqa: ANN401 (a JSON value of any kind)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _select(document: Any, steps: list[str | int]) -> Any:  # noqa: ANN401 (a JSON value of any kind)
    for step in steps:
        if isinstance(step, str) and isinstance(document, dict):
            document = document.get(step, _ABSENT)
        elif isinstance(step, int) and isinstance(document, list) and step < len(document):
            document = document[step]
        else:
            return _ABSENT
    return document
