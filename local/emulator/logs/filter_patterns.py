"""Match log messages as CloudWatch Logs' filter patterns do.

Source: CloudWatch Logs user guide, "Filter pattern syntax": terms for unstructured lines, selectors for JSON lines.
Not supported: regular expressions (`%...%`) and space-delimited patterns (`[...]`).
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, Final

Matcher = Callable[[str], bool]
Predicate = Callable[[Any], bool]

MAX_PATTERN: Final = 1024
MAX_DEPTH: Final = 20

_TERM: Final = re.compile(r'\s*([?-]?)("(?:[^"\\]|\\.)*"|[^\s"]+)')
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<selector>\$(?:\.[\w@-]+|\[\d+\]|\["[^"]*"\])+)|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<operator>&&|\|\||!=|<=|>=|[=<>(){}])|(?P<word>[^\s\"=<>(){}&|!]+))"
)
_PATH_STEP: Final = re.compile(r'\.([\w@-]+)|\[(\d+)\]|\["([^"]*)"\]')
_COMPARISONS: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_ABSENT: Final = object()
_IS_PREDICATES: Final[dict[str, Predicate]] = {
    "TRUE": lambda value: value is True,
    "FALSE": lambda value: value is False,
    "NULL": lambda value: value is None,
}


class PatternError(ValueError):
    """A filter pattern that is malformed or not supported."""


def compile_pattern(pattern: str | None) -> Matcher:
    """Return the predicate on log messages. Raises `PatternError` naming the unsupported part."""
    text = (pattern or "").strip()
    if len(text) > MAX_PATTERN:
        raise PatternError(f"the filter pattern has {len(text)} characters; {MAX_PATTERN} are allowed")
    if text.startswith(("[", "%")):
        raise PatternError(f"not emulated: the filter pattern {text!r} (regular expressions, space-delimited fields)")
    return _json_matcher(text) if text.startswith("{") else _term_matcher(text)


def _term_matcher(text: str) -> Matcher:
    required: list[str] = []
    optional: list[str] = []
    excluded: list[str] = []
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise PatternError(f"the filter pattern {text!r} has an open quotation mark")
        position = match.end()
        {"": required, "?": optional, "-": excluded}[match[1]].append(_unquoted(match[2]))

    def matches(message: str) -> bool:
        return (
            all(term in message for term in required)
            and (not optional or bool(required) or any(term in message for term in optional))
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
    predicate = _Parser(text).parse()

    def matches(message: str) -> bool:
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict) and predicate(document)

    return matches


class _Parser:
    """A recursive descent parser of `{ $.a = "x" && ($.b > 1 || $.c NOT EXISTS) }`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split(text)
        self._depth = 0

    def parse(self) -> Predicate:
        self._expect("{")
        predicate = self._or_expression()
        self._expect("}")
        if self._tokens:
            raise self._error(f"{self._tokens[0]!r} after the closing brace")
        return predicate

    def _split(self, text: str) -> list[str]:
        tokens, position = [], 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._error(f"{text[position : position + 10]!r}")
            tokens.append(match[0].strip())
            position = match.end()
        return tokens

    def _error(self, problem: str) -> PatternError:
        return PatternError(f"not understood in the filter pattern {self._text!r}: {problem}")

    def _next(self) -> str:
        if not self._tokens:
            raise self._error("it ends too early")
        return self._tokens.pop(0)

    def _expect(self, token: str) -> None:
        actual = self._next()
        if actual != token:
            raise self._error(f"{actual!r} where {token!r} is needed")

    def _accept(self, *tokens: str) -> bool:
        if [token.upper() for token in self._tokens[: len(tokens)]] != list(tokens):
            return False
        del self._tokens[: len(tokens)]
        return True

    def _or_expression(self) -> Predicate:
        operands = [self._and_expression()]
        while self._accept("||"):
            operands.append(self._and_expression())
        return lambda document: any(operand(document) for operand in operands)

    def _and_expression(self) -> Predicate:
        operands = [self._primary()]
        while self._accept("&&"):
            operands.append(self._primary())
        return lambda document: all(operand(document) for operand in operands)

    def _primary(self) -> Predicate:
        if not self._accept("("):
            return self._comparison()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} levels of parentheses")
        predicate = self._or_expression()
        self._expect(")")
        self._depth -= 1
        return predicate

    def _comparison(self) -> Predicate:
        selector = self._next()
        if not selector.startswith("$"):
            raise self._error(f"{selector!r} where a selector such as $.trace_id is needed")
        path = [name or quoted or int(index) for name, index, quoted in _PATH_STEP.findall(selector)]
        condition = self._condition()
        return lambda document: condition(_select(document, path))

    def _condition(self) -> Predicate:
        for word, predicate in _IS_PREDICATES.items():
            if self._accept("IS", word):
                return predicate
        if self._accept("NOT", "EXISTS"):
            return lambda value: value is _ABSENT
        if self._accept("EXISTS"):
            return lambda value: value is not _ABSENT
        sign = self._next()
        if sign in _COMPARISONS:
            return _comparison_with(sign, self._number(self._next()))
        if sign not in {"=", "!="}:
            raise self._error(f"{sign!r} where a comparison is needed")
        equals = self._equality(self._next())
        return equals if sign == "=" else lambda value: value is not _ABSENT and not equals(value)

    def _number(self, token: str) -> float:
        try:
            return float(token)
        except ValueError:
            raise self._error(f"{token!r} where a number is needed") from None

    def _equality(self, token: str) -> Predicate:
        text = _unquoted(token)
        if text.startswith("%"):
            raise self._error(f"the regular expression {text!r}")
        if not token.startswith('"') and _is_number(token):
            return lambda value: _is_number(value) and float(value) == float(token)
        pattern = text.replace("[", "[[]").replace("?", "[?]")
        return lambda value: isinstance(value, str) and fnmatchcase(value, pattern)


def _comparison_with(sign: str, bound: float) -> Predicate:
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and _COMPARISONS[sign](value, bound)
    )


def _is_number(value: Any) -> bool:  # noqa: ANN401 - a JSON value of any kind
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _select(document: Any, path: list[str | int]) -> Any:  # noqa: ANN401 - a JSON value of any kind
    for step in path:
        if isinstance(step, str) and isinstance(document, dict):
            document = document.get(step, _ABSENT)
        elif isinstance(step, int) and isinstance(document, list) and step < len(document):
            document = document[step]
        else:
            return _ABSENT
    return document
