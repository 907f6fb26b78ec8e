"""Forward the load balancer's requests to healthy targets, without a thread for each request.

ministack's own proxy reads each response in a thread of a pool of 64: as many slow responses block every other request.

A target that refuses or closes the connection is a 502, one that is silent a 504; no other is tried ("HTTP 502" and
"HTTP 504", "Troubleshoot your Application Load Balancers", User Guide).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from email.utils import formatdate
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlencode

import h11
from ministack.core.responses import StreamingResponse
from ministack.services import alb

from local.emulator.http_client import Connection
from local.emulator.load_balancer_metrics import METRICS
from local.emulator.target_health import Target, next_target

HTTP_TARGET_TYPES: Final = frozenset({"instance", "ip"})
HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Not forwarded in either direction (RFC 9110, section 7.6.1)."""

PHRASES: Final = {
    HTTPStatus.BAD_GATEWAY: "Bad Gateway",
    HTTPStatus.SERVICE_UNAVAILABLE: "Service Temporarily Unavailable",
    HTTPStatus.GATEWAY_TIMEOUT: "Gateway Time-out",
}

Reply = tuple[int, dict[str, Any], Any]
"""A status, headers (a value or a list of values by name) and a body, or a stream of one."""

_load_balancer: Final[ContextVar[str]] = ContextVar("load_balancer", default="")
"""The ARN of the load balancer that handles the current request."""
_logger: Final = logging.getLogger(__name__)


def install() -> None:
    """Replace how ministack chooses a target and sends it a request."""
    forward, dispatch = alb._forward_to_tg, alb.dispatch_request

    async def forward_to_group(arn: str, *request: Any) -> Reply:  # noqa: ANN401 - ministack publishes no types
        group = alb._tgs.get(arn)
        if group is None or group["TargetType"] not in HTTP_TARGET_TYPES:
            reply: Reply = await forward(arn, *request)
            return reply
        return await _forward(arn, group, *request)

    async def dispatch_request(balancer: Any, *request: Any, **options: Any) -> Reply:  # noqa: ANN401 - the same
        arn = str(balancer["LoadBalancerArn"])
        _load_balancer.set(arn)
        reply: Reply = await dispatch(balancer, *request, **options)
        if not isinstance(reply[2], StreamingResponse):
            METRICS.count_own_response(arn, reply[0])
        return reply

    alb._forward_to_tg = forward_to_group
    alb.dispatch_request = dispatch_request


async def _forward(  # noqa: PLR0917 - ministack passes these by position
    group_arn: str,
    group: Mapping[str, Any],
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, list[str]],
    raw_query: str | None = None,
    raw_path: str | None = None,
) -> Reply:
    target = next_target(group_arn)
    if target is None:
        return _error(HTTPStatus.SERVICE_UNAVAILABLE)
    query_string = urlencode(query, doseq=True) if raw_query is None else raw_query
    path = (raw_path or path) + (f"?{query_string}" if query_string else "")
    balancer = _load_balancer.get()
    METRICS.count_request(balancer, group_arn)
    tls = group["Protocol"] == "HTTPS"
    started = perf_counter()
    try:
        connection = await Connection.open(target.host, target.port, tls=tls, idle_seconds=_idle_seconds(balancer))
    except TimeoutError:
        return _unreachable(balancer, group_arn, target, HTTPStatus.GATEWAY_TIMEOUT)
    except OSError:
        return _unreachable(balancer, group_arn, target, HTTPStatus.BAD_GATEWAY)
    try:
        response = await connection.request(method.upper(), path, _request_headers(method, headers, body), body)
    except TimeoutError:
        return _error(HTTPStatus.GATEWAY_TIMEOUT)
    except (OSError, h11.ProtocolError) as error:
        _logger.info("the target %s:%s closed the connection or sent no HTTP: %s", target.host, target.port, error)
        return _error(HTTPStatus.BAD_GATEWAY)
    METRICS.count_target_response(balancer, group_arn, response.status_code, perf_counter() - started)
    return response.status_code, _response_headers(response), StreamingResponse(_stream(connection))


def _idle_seconds(balancer: str) -> float:
    return float(alb._lb_attr(balancer, "idle_timeout.timeout_seconds", alb.TARGET_IDLE_TIMEOUT))


def _request_headers(method: str, headers: Mapping[str, str], body: bytes) -> list[tuple[str, str]]:
    forwarded = [
        (name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP | {"content-length"}
    ]
    if body or method.upper() in {"POST", "PUT", "PATCH"}:
        forwarded.append(("content-length", str(len(body))))
    return forwarded


def _response_headers(response: h11.Response) -> dict[str, Any]:
    """Return the headers by lower-case name; one that is repeated, such as Set-Cookie, has a list of values."""
    values: dict[str, list[str]] = {}
    for name, value in response.headers:
        if name.decode("latin-1") not in HOP_BY_HOP:
            values.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    headers = {name: each[0] if len(each) == 1 else each for name, each in values.items()}
    # The load balancer writes its own Date in place of the target's.
    return {**headers, "date": formatdate(usegmt=True)}


def _stream(connection: Connection) -> Callable[[Any, Any], Awaitable[None]]:
    """Relay the response's body as it arrives; a body that is cut off stays so for the client."""

    async def run(send: Any, receive: Any) -> None:  # noqa: ANN401 - ASGI's callables
        gone = asyncio.create_task(alb._await_http_disconnect(receive))
        gone.add_done_callback(lambda _task: connection.abort())
        try:
            while chunk := await connection.chunk():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (OSError, h11.ProtocolError) as error:
            _logger.info("a response ended early: %s", error)
        finally:
            gone.cancel()
            connection.close()

    return run


def _unreachable(balancer: str, group_arn: str, target: Target, status: HTTPStatus) -> Reply:
    METRICS.count_connection_error(balancer, group_arn)
    _logger.info("no connection to the target %s:%s", target.host, target.port)
    return _error(status)


def _error(status: HTTPStatus) -> Reply:
    """Return the page that a load balancer sends itself."""
    title = f"{status.value} {PHRASES[status]}"
    head = f"<head><title>{title}</title></head>"
    body = f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>"
    return status, {"Content-Type": "text/html"}, f"<html>\r\n{head}\r\n{body}\r\n</html>\r\n".encode()
