"""Filter requests, by one grammar: in the console's URL, `make traces`, `make logs` and MCP (docs/traces.md)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from operations.errors import OperatorError
from operations.traces.document import Request
from operations.traces.filter_values import (
    CHECKS,
    EXAMPLES,
    PATTERN_KEYS,
    check_attribute,
    names_of,
    number_of,
    seconds_of,
    shown,
)
from operations.traces.trace_ids import parse_trace_id

MAX_FILTER: Final = 2_000
"""Characters."""
_TERM: Final = re.compile(
    r'\s*(?=\S)(?P<term>(?P<not>-?)(?:(?P<key>[^\s:"-][^\s:"]*):)?(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>[^\s"]*)))(?=\s|$)',
    re.DOTALL,
)
_OPERATOR: Final = re.compile(r"(>=|<=|>|<)?(.*)", re.DOTALL)
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a filter looks at: a request, the values of each attribute and annotation, and its text in lower case."""

    request: Request
    attributes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One term. `key` is None for free text; a `literal` value has no operator and no wildcard."""

    key: str | None
    value: str
    operator: str = ""
    literal: bool = False
    negated: bool = False

    def __str__(self) -> str:
        """Return the term as it is parsed again."""
        quoted = self.literal or (self.key is None and not _is_word(self.value))
        value = f'"{_escaped(self.value)}"' if quoted else f"{self.operator}{self.value}"
        return f"{'-' if self.negated else ''}{'' if self.key is None else f'{self.key}:'}{value}"

    def matches(self, entry: Entry, now: float) -> bool:
        """Return whether the entry matches; `now` is in seconds since the epoch."""
        return _matches(self, entry, now) is not self.negated


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all match; without any, everything does. `str` of it parses to an equal one."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        """Return the terms, separated by spaces."""
        return " ".join(map(str, self.terms))

    @property
    def slowest_first(self) -> bool:
        """Return whether the requests are asked for by duration, not by time."""
        return any(each.key == "sort" and each.value == "duration" and not each.negated for each in self.terms)

    def matches(self, entry: Entry, now: float) -> bool:
        """Return whether all terms match the entry; `now` is in seconds since the epoch."""
        return all(each.matches(entry, now) for each in self.terms)


def parse_filter(text: str) -> Filter:
    """Return the filter. Raises `OperatorError` with the term, its value and the remedy."""
    if len(text) > MAX_FILTER:
        raise OperatorError(f"The filter has {len(text)} characters", f"Use {MAX_FILTER} at most")
    terms, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TERM.match(text, position)
        if match is None:
            rest = shown(text[position:].split(maxsplit=1)[0])
            raise OperatorError(
                f"The filter's term {rest} has a quotation mark that is not closed, or within a word",
                'Write "free text" or key:"a value" in quotation marks, with \\" and \\\\ for the characters " and \\',
            )
        position = match.end()
        terms.append(_checked(match))
    return Filter(tuple(terms))


def _checked(match: re.Match[str]) -> Term:
    key, quoted, word = match["key"], match["quoted"], match["word"]
    negated = bool(match["not"])
    value = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted is not None else word
    if not value:
        raise _error(match["term"], "has no value", "Write key:value, or a word to look for")
    if key is None:
        return Term(None, value, negated=negated)
    literal = quoted is not None
    compared = None if literal else _OPERATOR.fullmatch(value)
    sign, value = (compared[1] or "", compared[2]) if compared else ("", value)
    name = key.lower() if key.lower() in CHECKS else key
    problem = CHECKS.get(name, check_attribute)(value, sign)
    if problem:
        example = EXAMPLES.get(name, f"{name}:value, or {name}:>10 for a number")
        raise _error(match["term"], problem, f"Write {example}")
    if name == "trace":
        value, literal = parse_trace_id(value), False
    elif name not in PATTERN_KEYS and name in CHECKS:
        value, literal = value.lower(), False
    return Term(name, value, sign, literal, negated)


def _error(term: str, problem: str, remedy: str) -> OperatorError:
    return OperatorError(f"The filter's term {shown(term)} {problem}", remedy)


def _matches(term: Term, entry: Entry, now: float) -> bool:
    if term.key is None:
        return term.value.lower() in entry.text
    if term.key in _MATCHERS:
        return _MATCHERS[term.key](term, entry.request, now)
    if term.key in PATTERN_KEYS:
        value = getattr(entry.request, term.key)
        return value is not None and _equals(term, value)
    values = (each for name in names_of(term.key) for each in entry.attributes.get(name, ()))
    return any(_matches_attribute(term, each) for each in values)


def _matches_duration(term: Term, request: Request, _now: float) -> bool:
    limit = seconds_of(term.value) * 1000
    return request.duration_ms is not None and _COMPARE[term.operator](request.duration_ms, limit)


def _matches_status(term: Term, request: Request, _now: float) -> bool:
    status = request.status
    if status is None:
        return False
    if term.value.endswith("xx"):
        return status // 100 == int(term.value[0])
    compare = _COMPARE[term.operator] if term.operator else operator.eq
    return bool(compare(status, int(term.value)))


_MATCHERS: Final[Mapping[str, Callable[[Term, Request, float], bool]]] = {
    "status": _matches_status,
    "duration": _matches_duration,
    "since": lambda term, request, now: request.started >= now - seconds_of(term.value),
    "until": lambda term, request, now: request.started <= now - seconds_of(term.value),
    "place": lambda term, request, _now: term.value in request.places,
    "trace": lambda term, request, _now: request.trace_id == term.value,
    # Of the list, not of a request.
    "sort": lambda term, _request, _now: not term.negated,
    "show": lambda term, _request, _now: not term.negated,
}


def _matches_attribute(term: Term, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if term.operator:
        number = number_of(value)
        limit = number_of(term.value)
        return number is not None and limit is not None and _COMPARE[term.operator](number, limit)
    return _equals(term, str(value).lower() if isinstance(value, bool) else str(value))


def _equals(term: Term, value: str) -> bool:
    pattern, text = term.value.lower(), value.lower()
    if term.literal or "*" not in pattern:
        return text == pattern
    return _matches_pattern(pattern, text)


def _matches_pattern(pattern: str, text: str) -> bool:
    """Return whether the text is the pattern's parts with any text for each `*`: in linear time, as no regex is."""
    first, *inner, last = pattern.split("*")
    if not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for part in inner:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return position <= end


def _is_word(text: str) -> bool:
    return re.fullmatch(r'[^\s:"\\-][^\s:"\\]*', text) is not None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
