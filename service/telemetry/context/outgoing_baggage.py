"""Send the caller's `baggage` to the hosts that the config lists, and to no other.

Baggage is what the caller says of itself: a customer, an account. OpenTelemetry's propagators send it to every host
that a handler calls, and are not told which one that is. So the propagator injects none, and here each request that
`requests` sends gets the header by its own URL, each hop of a redirect included, whether its span is recorded or not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from opentelemetry import baggage, trace
from requests import PreparedRequest, Session

from service.telemetry.context.hosts import is_listed
from service.telemetry.context.trace_context import format_baggage

HEADER = "baggage"

HostsOf = Callable[[], frozenset[str]]
"""Return the listed hosts of the current app."""


def request_hook(hosts_of: HostsOf) -> Callable[[trace.Span, PreparedRequest], None]:
    """Return the hook of the `requests` instrumentation that adds the header where the host is listed."""

    def add(_: trace.Span, request: PreparedRequest) -> None:
        hosts = hosts_of()
        if hosts and is_listed(request.url or "", hosts) and (header := format_baggage(baggage.get_all())):
            request.headers[HEADER] = header

    return add


def strip_elsewhere(hosts_of: HostsOf) -> None:
    """Have `requests` remove the header from what it sends to other hosts, whoever added it.

    A redirect copies the headers of the first request. Below the instrumentation, which does not see redirects: install
    this first.
    """
    send = Session.send

    @functools.wraps(send)
    def send_without_baggage(self: Session, request: PreparedRequest, **options: Any) -> Any:  # noqa: ANN401 - those of `Session.send`
        if request.headers and HEADER in request.headers and not is_listed(request.url or "", hosts_of()):
            del request.headers[HEADER]
        return send(self, request, **options)

    Session.send = send_without_baggage  # type: ignore[method-assign]  # as the instrumentation does
