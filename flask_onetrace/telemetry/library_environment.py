"""Prevent the values of variables that libraries read themselves from stopping an application.

OpenTelemetry reads the environment at its import and when it constructs objects, and raises for values that it cannot
use: a propagator that is not installed, a limit that is no number. Such a value was set for another program, or by
mistake, and telemetry has a default. So code that reads the variable here runs `without_variables`; the application and
its child processes still have it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Final, NamedTuple

XRAY_DAEMON_ADDRESS: Final = "AWS_XRAY_DAEMON_ADDRESS"
"""The X-Ray SDK raises an exception for some forms of the address that the X-Ray sink accepts, as `[::1]:2000`; here
the SDK sends nothing itself."""
_MAX_LIMIT: Final = 10**9
"""The largest value of a limit of OpenTelemetry's that is passed on to it."""
_PROPAGATORS: Final = frozenset({"tracecontext", "baggage", "xray"})
_READ_AT_IMPORT: Final = ("opentelemetry.context", "opentelemetry.propagate", "opentelemetry.sdk.trace")


class Rule(NamedTuple):
    """Which values of a variable, or of several, OpenTelemetry can use."""

    names: re.Pattern[str]
    """Matches the whole name of each such variable."""
    is_usable: Callable[[str], bool]
    expected: str
    """The end of the message about any other value: what is wrong with it, and what to set."""
    substitute: str
    """What is used in place of such a value."""
    fails: Callable[[str], bool] | None = None
    """Whether OpenTelemetry raises an exception for an unusable value; None if it does for each."""


def _is_limit(text: str) -> bool:
    try:
        return not text.strip() or 0 <= int(text) <= _MAX_LIMIT
    except ValueError:
        return False


def _is_installed(group: str, *names: str) -> bool:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, and rarely wanted

    return all(entry_points(group=group, name=each) for each in names)


def _names(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(","))


def _is_regular_expression(text: str) -> bool:
    try:
        re.compile("|".join(_names(text)))
    except (re.error, OverflowError, RecursionError):
        return False
    return True


_RULES: Final = (
    Rule(
        re.compile(r"OTEL_(?:(?:SPAN|EVENT|LINK)_)?(?:ATTRIBUTE|EVENT|LINK)_(?:COUNT|VALUE_LENGTH)_LIMIT"),
        _is_limit,
        "is not a whole number of 0 or more: set for example `128`",
        "OpenTelemetry's default",
    ),
    Rule(
        re.compile("OTEL_PROPAGATORS"),
        lambda text: not text or _PROPAGATORS.issuperset(_names(text)),
        f"is not supported: set some of {', '.join(sorted(_PROPAGATORS))}",
        "W3C trace context and baggage, and X-Amzn-Trace-Id",
        fails=lambda text: not _is_installed("opentelemetry_propagator", *_names(text)),
    ),
    Rule(
        re.compile("OTEL_PYTHON_CONTEXT"),
        lambda text: not text or _is_installed("opentelemetry_context", text),
        "is not installed: set `contextvars_context`",
        "contextvars_context",
    ),
    Rule(
        re.compile("OTEL_PYTHON_TRACER_PROVIDER"),
        lambda text: _is_installed("opentelemetry_tracer_provider", text),
        "is not installed: set `sdk_tracer_provider`",
        "none: the application may set one up",
    ),
    Rule(
        re.compile("OTEL_PYTHON_METER_PROVIDER"),
        lambda text: _is_installed("opentelemetry_meter_provider", text),
        "is not installed: set `sdk_meter_provider`",
        "none: no sink takes metrics",
    ),
    Rule(
        re.compile(r"OTEL_PYTHON_(?:\w+_)?EXCLUDED_URLS"),
        _is_regular_expression,
        "is not a list of regular expressions: set for example `healthz,/static/.*`",
        "none: no URL is excluded",
    ),
)


def unusable(environ: Mapping[str, str]) -> dict[str, Rule]:
    """Return the variables of `environ` with unusable values, each with the rule that its value breaks."""
    return {
        name: rule
        for name, text in environ.items()
        if name.startswith("OTEL_")
        for rule in _RULES
        if rule.names.fullmatch(name) and not rule.is_usable(text)
    }


@contextmanager
def without_variables(*names: str) -> Iterator[None]:
    """Run the block without these variables in `os.environ`. Not thread-safe."""
    values = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        for name, text in values.items():
            os.environ.setdefault(name, text)


@contextmanager
def without_failing_variables() -> Iterator[None]:
    """Run the block without the variables for whose values OpenTelemetry would raise an exception."""
    with without_variables(*_failing()):
        yield


def _failing() -> list[str]:
    rules = unusable(os.environ)
    return [name for name, rule in rules.items() if rule.fails is None or rule.fails(os.environ[name])]


def import_opentelemetry() -> None:
    """Import OpenTelemetry without the variables for which its import would raise an exception.

    Without such variables nothing is imported: most processes that read settings need no OpenTelemetry.
    """
    if not (names := _failing()):
        return
    with without_variables(*names), suppress(ImportError):  # not installed, where only the settings are needed
        for module in _READ_AT_IMPORT:
            import_module(module)
