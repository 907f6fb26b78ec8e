"""Send the requests, and the browser's span, to the deployment's URL."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from flask_onetrace.contract import RELAY_PATH, RUNTIME_HEALTH_CHECK_PATH, TRACE_ID_HEADER
from infra.application import Request
from operations.diagnosis.facts import Exchange
from operations.errors import without_credentials
from operations.verification import replies
from operations.verification.kinds import Kind, Probe, probe_of

TIMEOUT: Final = (5.0, 15.0)
SHOWN: Final = 200
"""Characters of a response that are kept."""
MAX_ATTEMPTS: Final = 60
"""Requests of one kind until one is sampled: at the least, a rate of 5 %, all but one in twenty of such series are."""
MAX_BUSY: Final = 5
BUSY_PAUSE: Final = 2.0
"""Another verify may have the slow route, which answers one request at a time."""
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The last request of a kind, and how many were sent until one was sampled; or why none was sent.

    `was_sampled` is None where the response does not tell it.
    """

    kind: Kind
    probe: Probe | None = None
    exchange: Exchange | None = None
    attempts: int = 1
    was_sampled: bool | None = None
    skipped: str = ""


class Client:
    """Sends requests to one URL. Close it after use."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        # A proxy is not asked for this machine's own servers.
        self._session.trust_env = urlsplit(url).hostname not in LOOPBACK

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def health(self) -> Mapping[str, Any] | None:
        """Return the runtime's health check, None where the response is none."""
        try:
            reply = replies.send(self._session, "GET", f"{self.url}{RUNTIME_HEALTH_CHECK_PATH}", timeout=TIMEOUT)
        except (requests.RequestException, ValueError):  # urllib3's errors of a malformed body are of the latter
            return None
        document = reply.json() if reply.is_success else None
        return document if isinstance(document, dict) and "sinks" in document else None

    def send(self, probe: Probe) -> Exchange:
        """Send a request; a failure is an exchange without a status."""
        sent_at = time.time()
        exchange: dict[str, Any] = {
            "kind": probe.kind.value,
            "path": probe.path,
            "expected_status": probe.status,
            "sent_id": probe.trace_id,
            "sent_at": sent_at,
        }
        try:
            reply = replies.send(
                self._session, "GET", f"{self.url}{probe.path}", headers=probe.all_headers, timeout=TIMEOUT
            )
        except (requests.RequestException, ValueError) as error:
            return Exchange(**exchange, error=_reason(error), received_at=time.time())
        received = reply.headers.get(TRACE_ID_HEADER, "")
        return Exchange(
            **exchange,
            status=reply.status,
            trace_id=received if _TRACE_ID.fullmatch(received) else "",
            headers={name.lower(): value for name, value in reply.headers.items()},
            body=" ".join(reply.text.split())[:SHOWN],
            received_at=time.time(),
        )

    def send_span(self, probe: Probe, service: str) -> str | None:
        """Send the browser's span that `probe` is a child of; return why the relay does not take it, None if it does.

        The body is OTLP JSON ("OTLP/HTTP Request", OpenTelemetry Protocol Specification).
        """
        parts = urlsplit(self.url)
        headers = {"Origin": f"{parts.scheme}://{parts.netloc}"}
        try:
            reply = replies.send(
                self._session,
                "POST",
                f"{self.url}{RELAY_PATH}",
                json=_span(probe, service),
                headers=headers,
                timeout=TIMEOUT,
            )
        except (requests.RequestException, ValueError) as error:
            return _reason(error)
        if reply.is_success:
            return None
        if reply.status == HTTPStatus.NOT_FOUND and "html" in reply.headers.get("Content-Type", ""):
            return f"{RELAY_PATH} is not served: the application has no browser relay (docs/telemetry.md#the-browser)"
        text = " ".join(reply.text.split())[:SHOWN]
        return f"POST {RELAY_PATH} answered {reply.status}{reply.location}: {text}"


def send_kind(
    client: Client,
    kind: Kind,
    smoke_test: Request,
    headers: Mapping[str, str],
    *,
    frontend: str,
    can_be_sampled: Callable[[], bool] = lambda: True,
) -> ProbeResult:
    """Send requests of a kind until one is sampled, and return the last one, or why the kind is skipped.

    `frontend` is the `service.name` of the browser's spans. Where the rule samples no such request, one is enough.
    """
    is_kept = kind in {Kind.SLOW, Kind.FAILING}  # by tail sampling, whatever the rule says
    for attempt in range(1, MAX_ATTEMPTS + 1):
        probe = probe_of(kind, smoke_test, headers)
        if kind is Kind.BROWSER and (reason := client.send_span(probe, frontend)) is not None:
            return ProbeResult(kind, skipped=reason)
        exchange = client.send(probe)
        if is_kept and exchange.status == HTTPStatus.NOT_FOUND:
            return ProbeResult(kind, skipped=f"{probe.path} is not served: FAULT_ROUTES is false there")
        if exchange.status == HTTPStatus.TOO_MANY_REQUESTS and attempt < MAX_BUSY:
            time.sleep(BUSY_PAUSE)
            continue
        if kind is Kind.SLOW and exchange.status == HTTPStatus.TOO_MANY_REQUESTS:
            return ProbeResult(kind, skipped=f"{probe.path} is busy each time: another verification may be running")
        sampled = _was_sampled(exchange)
        if is_kept or sampled is not False or not exchange.is_expected or not can_be_sampled():
            break
    return ProbeResult(kind, probe, exchange, attempt, True if is_kept else sampled)


def _was_sampled(exchange: Exchange) -> bool | None:
    """Return the flag of the response's `traceresponse` ("Trace Context HTTP Response Headers", W3C)."""
    fields = exchange.headers.get("traceresponse", "").split("-")
    try:
        return bool(int(fields[3], 16) & 1)
    except (IndexError, ValueError):
        return None


def _span(probe: Probe, service: str) -> dict[str, Any]:
    now = time.time_ns()
    span = {
        "traceId": probe.trace_id,
        "spanId": probe.span_id,
        "name": f"GET {probe.path}",
        "kind": 3,
        "startTimeUnixNano": str(now - 1_000_000),
        "endTimeUnixNano": str(now),
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    scope = {"name": "make verify", "version": secrets.token_hex(2)}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": [span]}]}]}


def _reason(error: Exception) -> str:
    """Return the innermost reason, as "Connection refused"."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return " ".join(f"{type(error).__name__}: {without_credentials(cause)}".split())[:SHOWN]
