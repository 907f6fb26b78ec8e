"""Send the caller's `baggage` to the hosts that the config lists, and to no other.

Baggage is what the caller says of itself: a customer, an account. OpenTelemetry's propagators send it to every host
that a handler calls, and are not told which one that is. So the propagator injects none, and here each request that
`requests` sends gets the header by its own URL, each hop of a redirect included, whether it has a span or not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry import baggage

from flask_onetrace.telemetry.context.hosts import is_listed
from flask_onetrace.telemetry.context.trace_context import format_baggage

if TYPE_CHECKING:
    from requests import PreparedRequest, Session

HEADER = "baggage"

HostsOf = Callable[[], frozenset[str]]
"""Return the listed hosts of the current app."""


def install_on_import(hosts_of: HostsOf) -> None:
    """Apply the rule to whatever `requests` sends, as soon as the application imports it."""
    wrapt.register_post_import_hook(partial(_install, hosts_of), "requests.sessions")


def _install(hosts_of: HostsOf, module: Any) -> None:  # noqa: ANN401 - its attribute is set
    session: type[Session] = module.Session
    send = session.send

    @functools.wraps(send)
    def send_with_baggage(self: Session, request: PreparedRequest, **options: Any) -> Any:  # noqa: ANN401 - those of `Session.send`
        hosts = hosts_of()
        if not (hosts and is_listed(request.url or "", hosts)):
            if request.headers and HEADER in request.headers:
                del request.headers[HEADER]  # whoever added it: a redirect copies the headers of the first request
        elif request.headers is not None and (header := format_baggage(baggage.get_all())):
            request.headers[HEADER] = header
        return send(self, request, **options)

    session.send = send_with_baggage  # type: ignore[method-assign]  # as the instrumentation does
