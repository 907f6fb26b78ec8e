"""Format a log message from arguments without secrets and excess."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from flask_onetrace.telemetry.plain import ends_process, prints_long, text
from flask_onetrace.telemetry.redaction import REDACTED, Redactor
from flask_onetrace.telemetry.redaction.limits import MAX_MESSAGE

_CONVERSION = re.compile(r"%[-#0 +]*(\*|\d*)(?:\.(\*|\d*))?[hlL]?([diouxXeEfFgGcrsa%])")
"""Width, precision, and type ("printf-style String Formatting", Python's documentation); `*` takes an argument."""
_LAST_WORDS = re.compile(r"""((?:[\w.-]+ )?[\w.-]+)["'`]?(?:\s*(?:=>|[:=]=?)\s*|\s+)["'`(\[]?$""")
_VERB = re.compile(r"\s+(?:is|was)(?=\s+\S?$)")
_SHORT: Final = frozenset({int, float, bool, type(None)})
_MAX_CACHED_LENGTH: Final = 512
_MAX_WORDS: Final = 80
"""Characters before an argument in which its name is."""


def message_of(record: logging.LogRecord, redact: Redactor) -> str:
    """Return the message, formatted with arguments that are cut, and of which the secret ones are masked."""
    arguments = record.args
    template = record.msg if type(record.msg) is str else text(record.msg)
    if arguments is None or arguments == ():
        return template
    template = template[:MAX_MESSAGE]
    try:
        return text(_formatted(template, arguments, redact))
    except BaseException as error:  # arguments that do not fit the message, or whose own __str__ raises
        if ends_process(error):
            raise
        return f"{template} (its arguments could not be formatted)"


def _formatted(template: str, arguments: Any, redact: Redactor) -> str:  # noqa: ANN401 - a tuple or a mapping
    if issubclass(type(arguments), Mapping):
        return str(template % _Shown(arguments, redact))
    if not issubclass(type(arguments), tuple):  # of a record made by hand: one argument, as to `logging`
        arguments = (arguments,)
    if len(arguments) > len(template):
        raise ValueError("more arguments than conversions")
    find = _secret_positions if len(template) <= _MAX_CACHED_LENGTH else _secret_positions.__wrapped__
    secret_positions = find(template, redact)
    values = [
        REDACTED if index in secret_positions and each is not None else _short(each, redact)
        for index, each in enumerate(arguments)
    ]
    if "*" in template and any(type(each) is int and each > MAX_MESSAGE for each in values):
        raise ValueError("a width beyond what is shown")
    message: str = template % tuple(values)
    return message


class _Shown(dict[str, Any]):
    """The members that a message names, without secrets and excess: a mapping may have any number of others."""

    def __init__(self, arguments: Mapping[str, Any], redact: Redactor) -> None:
        self._arguments, self._redact = arguments, redact

    def __missing__(self, key: str) -> Any:  # noqa: ANN401 - any value
        return REDACTED if self._redact.hides(key) else _short(self._arguments[key], self._redact)


def _short(argument: Any, redact: Redactor) -> Any:  # noqa: ANN401 - any value
    """Return an argument without what no line will show: formatting copies all of it."""
    kind = type(argument)
    if kind in _SHORT:
        return argument
    if kind is str or kind is bytes:
        return argument[:MAX_MESSAGE]
    return redact.value(argument) if prints_long(argument) else argument


@lru_cache(maxsize=1024)
def _secret_positions(template: str, redact: Redactor) -> frozenset[int]:
    """Return which arguments of a message stand behind the name of a secret: `token %s`, `password is %r`.

    Masked as text, a value with white space in it would be shown in part.
    """
    positions = set[int]()
    index = 0
    for match in _CONVERSION.finditer(template):
        width, precision, kind = match.groups()
        if kind == "%":
            continue
        index += (width == "*") + (precision == "*")
        if kind in "sra" and _names_a_secret(template[: match.start()], redact):
            positions.add(index)
        index += 1
    return frozenset(positions)


def _names_a_secret(text: str, redact: Redactor) -> bool:
    words = _LAST_WORDS.search(_VERB.sub("", text[-_MAX_WORDS:]))
    if words is None:
        return False
    *before, last = words[1].split()
    return redact.hides(last) or redact.hides_together([*before[-1:], last])
