"""Name what a filter expression can compare. Source: X-Ray developer guide, "Use filter expressions"."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from local.emulator.xray.trace_view import TraceView

Predicate = Callable[[TraceView], bool]
Comparison = Callable[[Any, Any], bool]

ORDER: Final[Mapping[str, Comparison]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TEXT: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "CONTAINS": lambda found, wanted: wanted in found,
    "BEGINSWITH": str.startswith,
    "ENDSWITH": str.endswith,
}
FLAGS: Final[Mapping[str, Predicate]] = {
    "ok": lambda trace: not any(trace.flag(name) for name in ("fault", "error", "throttle")),
    "fault": lambda trace: trace.flag("fault"),
    "error": lambda trace: trace.flag("error"),
    "throttle": lambda trace: trace.flag("throttle"),
    "partial": lambda trace: trace.partial,
}
NUMBERS: Final[Mapping[str, Callable[[TraceView], Any]]] = {
    "responsetime": lambda trace: trace.response_time,
    "duration": lambda trace: trace.duration,
    "http.status": lambda trace: trace.http("response", "status"),
}
STRINGS: Final[Mapping[str, Callable[[TraceView], Iterable[Any]]]] = {
    "http.url": lambda trace: [trace.http("request", "url")],
    "http.method": lambda trace: [trace.http("request", "method")],
    "http.useragent": lambda trace: [trace.http("request", "user_agent")],
    "http.clientip": lambda trace: [trace.http("request", "client_ip")],
    "user": lambda trace: [name for name, _ in trace.users()],
    "name": lambda trace: [node.get("name") for _, node in trace.nodes()],
}


def comparable(found: object, wanted: object) -> bool:
    """Tell whether both are strings, numbers or booleans alike."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return isinstance(wanted, bool) and isinstance(found, bool)
    return isinstance(found, str) is isinstance(wanted, str)


def service_identity(segment: Mapping[str, Any]) -> dict[str, str]:
    """Return the name and type by which `service(...)` knows the sender of `segment`."""
    return {"name": str(segment.get("name", "")), "type": str(segment.get("origin", ""))}
