"""The keywords and operators of filter expressions. Source: X-Ray developer guide, "Use filter expressions"."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from local.emulator.xray.trace_view import TraceView

Predicate = Callable[[TraceView], bool]
Comparison = Callable[[Any, Any], bool]

NUMBER_OPERATORS: Final[Mapping[str, Comparison]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
STRING_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "CONTAINS": lambda value, operand: operand in value,
    "BEGINSWITH": str.startswith,
    "ENDSWITH": str.endswith,
}
BOOLEAN_KEYWORDS: Final[Mapping[str, Predicate]] = {
    "ok": lambda trace: not any(trace.flag(name) for name in ("fault", "error", "throttle")),
    "fault": lambda trace: trace.flag("fault"),
    "error": lambda trace: trace.flag("error"),
    "throttle": lambda trace: trace.flag("throttle"),
    "partial": lambda trace: trace.partial,
}
NUMBER_KEYWORDS: Final[Mapping[str, Callable[[TraceView], Any]]] = {
    "responsetime": lambda trace: trace.response_time,
    "duration": lambda trace: trace.duration,
    "http.status": lambda trace: trace.http("response", "status"),
}
STRING_KEYWORDS: Final[Mapping[str, Callable[[TraceView], Iterable[Any]]]] = {
    "http.url": lambda trace: [trace.http("request", "url")],
    "http.method": lambda trace: [trace.http("request", "method")],
    "http.useragent": lambda trace: [trace.http("request", "user_agent")],
    "http.clientip": lambda trace: [trace.http("request", "client_ip")],
    "user": lambda trace: [name for name, _ in trace.users()],
    "name": lambda trace: [node.get("name") for _, node in trace.nodes()],
}


def comparable(value: object, operand: object) -> bool:
    """Return whether both are strings, both numbers or both booleans."""
    if not isinstance(value, str | int | float):
        return False
    if isinstance(operand, bool) or isinstance(value, bool):
        return isinstance(operand, bool) and isinstance(value, bool)
    return isinstance(value, str) is isinstance(operand, str)


def service_identity(segment: Mapping[str, Any]) -> dict[str, str]:
    """Return the name and type that `service(...)` matches."""
    return {"name": str(segment.get("name", "")), "type": str(segment.get("origin", ""))}
