"""Replace the values that drivers and AWS's SDK quote in their messages: rows, keys, parameters and statements.

The messages are those of PostgreSQL ("Error and Notice Message Fields"), MySQL ("Server Error Message Reference"),
SQLite and MongoDB (`E11000`), and what clients add to them: SQLAlchemy (`StatementError`), asyncpg (`DataError`),
PyMongo (`full error`), redis-py (`annotate_exception`) and boto3 (`ParamValidationError`, `S3UploadFailedError`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from flask_onetrace.telemetry.redaction.mask import REDACTED
from flask_onetrace.telemetry.redaction.sql import PLACEHOLDER, UNKNOWN, sanitized

_END_OF_FIELD = (
    r"(?=\s*+\Z|\n\s*+(?:\n|\[SQL: |\(Background on |LINE \d|(?:DETAIL|HINT|CONTEXT|QUERY|WHERE|LOCATION): |File \")"
    r"|\s*+\[SQL: )"
)
"""What comes behind a field of a message: nothing, another one, what SQLAlchemy appends, or the rest of a traceback."""
_KEY = re.compile(r"Key \(([^\n]{1,256}?)\)=\(")
_KEY_END = re.compile(
    r"\) (already exists|is duplicated|is (?:not present in|still referenced from) table \"[^\"\n]{1,63}\")\.\Z"
)


def _placeholder(value: str) -> str:  # noqa: ARG001 - the signature of all replacements
    return PLACEHOLDER


def _masked(value: str) -> str:  # noqa: ARG001 - as above
    return REDACTED


def _statement(value: str) -> str:
    return sanitized(value.removesuffix("]"), UNKNOWN)


def _detail(value: str) -> str:
    """Return which key is meant, without its value: `Key (email)=(?) already exists.`."""
    key, end = _KEY.match(value), _KEY_END.search(value)
    if key is None:
        return REDACTED
    return f"{key[0]}{PLACEHOLDER}) {end[1]}." if end else f"{key[0]}{PLACEHOLDER})"


class _Quotation(NamedTuple):
    """A value between the ends of two matches, in messages that have one of `marks`.

    Of one that is cut off the rest of the message is taken, where `start` is found in no other message.
    """

    marks: tuple[str, ...]
    start: re.Pattern[str]
    end: re.Pattern[str]
    replace: Callable[[str], str] = _placeholder
    may_be_cut: bool = True


def _after(mark: str, end: str, replace: Callable[[str], str] = _placeholder) -> _Quotation:
    return _Quotation((mark,), re.compile(re.escape(mark)), re.compile(end), replace)


def _between(start: str, end: str, mark: str) -> _Quotation:
    return _Quotation((mark,), re.compile(start), re.compile(end), may_be_cut=False)


def _rest(start: str, mark: str) -> _Quotation:
    return _Quotation((mark,), re.compile(start), re.compile(_END_OF_FIELD))


_LAST_BRACE: Final = r"\}(?=[^}]*+\Z)"
_QUOTATIONS: Final = (
    _after("[SQL: ", r"\](?=\n(?:\[parameters: |\[SQL parameters hidden |\(Background on ))", _statement),
    _after("[parameters: ", r"\](?=\n\(Background on )", _masked),
    _after("DETAIL:  ", _END_OF_FIELD, _detail),
    _after("CONTEXT:  ", _END_OF_FIELD),
    _after("QUERY:  ", _END_OF_FIELD),
    _after("Failing row contains (", rf"\)\.?{_END_OF_FIELD}"),
    _between(r"Key \([^\n]{1,256}?\)=\(", r"\) (?:already exists|is )", ")=("),
    _Quotation(("\nLINE ",), re.compile(r"\nLINE \d{1,9}: "), re.compile(r"(?=\n(?! *\^))|\Z")),
    _Quotation(
        ("invalid input ", "out of range: ", " literal: ", "at or near ", "syntax error near "),
        re.compile(
            r"(?:invalid input (?:syntax|value) for [^\n:]{1,128}: |out of range: | literal: "
            r'|(?:at or|syntax error) near )"'
        ),
        re.compile(rf'"{_END_OF_FIELD}'),
    ),
    _between('value "', '" (?:is out of range )?for ', 'value "'),
    _between('time zone "', '" not recognized', 'time zone "'),
    _rest(r"invalid input for query argument \$\d{1,5}[^\n:]{0,64}: ", "query argument $"),
    _between('(?<!or )near "', '": syntax error', '": syntax error'),
    _between('unrecognized token: "', rf'"{_END_OF_FIELD}', "unrecognized token: "),
    _after("Duplicate entry '", "' for key "),
    _between(r"[iI]ncorrect [\w ]{1,64} value: '", "' for (?:column|function) |'(?=[\")]{0,2}(?:\\Z|\n))", " value: '"),
    _after("JSON path error near '", rf"'{_END_OF_FIELD}"),
    _after("bad JSON path: '", rf"'{_END_OF_FIELD}"),
    _between(" near '", "' at line ", "' at line "),
    _after("value is out of range in '", r"'(?=[\")]{0,2}(?:\Z|\n))"),
    _after("dup key: {", _LAST_BRACE),
    _after(", full error: {", _LAST_BRACE),
    _between("Failed to parse number '", r"' in \$convert ", "in $convert "),
    _between(r"Command # \d{1,9} \(", r"\) of pipeline caused error: ", "of pipeline caused error: "),
    _rest("with args beginning with: ", "with args beginning with: "),
    _Quotation(
        (", value: ",),
        re.compile(r"Invalid (?:type|range) for (?:document )?parameter [^\n]{0,256}?, value: "),
        re.compile(r", (?:type: <class '[^'\n]{1,128}'>, )?valid [^\n]{1,4096}(?:\n|\Z)"),
    ),
    _between("Value '", "' at '[^'\n]{1,256}' failed to satisfy constraint", "failed to satisfy constraint"),
    _between(r'metadata for key "[^\n]{0,256}?", value: "', r'"\.  \nS3 metadata', "metadata for key "),
    _Quotation(  # the key of an object
        ('endpoint URL: "',), re.compile(r'endpoint URL: "https?://[^/"\s]{1,256}/'), re.compile('"')
    ),
    _between("Failed to upload ", ": An error occurred ", "Failed to upload "),
)


def may_quote_values(text: str) -> bool:
    """Return whether `text` may be a driver's message: most texts are none, which one or two searches tell."""
    return ": " in text or " '" in text or ' "' in text or ")=(" in text or "row contains (" in text


def without_quoted_values(text: str) -> str:
    """Return `text` with `?` in place of each value that a driver quotes. Takes time in proportion to its length."""
    for quotation in _QUOTATIONS:
        for mark in quotation.marks:
            if mark in text:
                text = _replaced(text, quotation)
                break
    return text


def _replaced(text: str, quotation: _Quotation) -> str:
    parts: list[str] = []
    position = 0
    while start := quotation.start.search(text, position):
        end = quotation.end.search(text, start.end())
        if end is None and not quotation.may_be_cut:
            break
        value = text[start.end() : end.start() if end else None]
        parts += (text[position : start.end()], quotation.replace(value))
        if end is None:
            return "".join(parts)
        position = end.start()
    return "".join((*parts, text[position:]))
