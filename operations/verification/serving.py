"""Wait until a URL serves the version that was deployed, and traces requests.

Several responses in a row have to be right, because tasks of the version before may still answer until their
connections have drained. Then the request of the smoke test has to be answered as the application's description says.
It is not sent where users log in, as it would be redirected to the login. Of an image without the runtime, only status
codes are checked: it reports no version, and returns no trace id.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import requests

from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH, TRACE_ID_HEADER
from infra.application import Application
from operations.errors import OperatorError
from operations.verification.kinds import new_trace_id
from operations.verification.replies import Reply, send

DEADLINE: Final = 180.0
"""Seconds until the responses have to be right: a new DNS name or certificate may need a few of them."""
IN_A_ROW: Final = 5
PAUSE: Final = 1.0
_TIMEOUT: Final = (5.0, 10.0)
_HEALTHY: Final = range(200, 300)
"""The status codes that the load balancer takes for healthy."""
_SHOWN: Final = 200
"""Characters of a response that an error shows."""


class Expected(NamedTuple):
    """What the health check has to report, and whether users log in, so the smoke test would be redirected."""

    application: Application
    environment: str
    version: str
    has_login: bool = False


class Clock(NamedTuple):
    """The clock of the retries, in seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


REAL: Final = Clock()


def outcome(url: str, expected: Expected) -> str:
    """Return what was verified, and what was not and why."""
    if expected.application.image.has_runtime:
        outcome = f"{url} serves {expected.version} of {expected.environment}, and traces requests."
    else:
        outcome = f"{url} is healthy. Version and trace ids were not checked: the image has no runtime."
    if expected.has_login:
        outcome += "\nThe smoke test was skipped: users log in at the load balancer, which would redirect it."
    return f"{outcome}\n"


def wait_until_serving(
    url: str, expected: Expected, *, deadline: float, pause: float, clock: Clock = REAL
) -> Mapping[str, Any]:
    """Return the sinks' status once `IN_A_ROW` responses are right. Raises `OperatorError` after `deadline` seconds."""
    end = clock.now() + deadline
    correct = 0
    while True:
        try:
            sinks = _probe(url, expected)
            if correct + 1 == IN_A_ROW and not expected.has_login:
                _smoke_test(url, expected)
        except OperatorError as error:
            correct = 0
            if clock.now() >= end:
                raise OperatorError(f"After {deadline:g} s: {error.problem}", error.remedy) from error
        else:
            correct += 1
            if correct == IN_A_ROW:
                return sinks
        clock.sleep(pause)


def _probe(url: str, expected: Expected) -> Mapping[str, Any]:
    """Send one health check and return the sinks' status. Raises `OperatorError` where anything differs."""
    if not expected.application.image.has_runtime:
        target, response, _ = _traced_get(url, expected.application.health_check_path, {})
        _check_health_status(target, response, "Read the log lines of the containers' standard output")
        return {}
    # The runtime's own: what the application's reports has any shape.
    target, response, trace_id = _traced_get(url, RUNTIME_HEALTH_CHECK_PATH, {})
    health = _health(target, response)
    _compare(target, "version", health, expected.version, "Deploy it, or pass the deployed one as VERSION=")
    _compare(target, "environment", health, expected.environment, "Check the domain's record: it is another's")
    _check_trace_id(target, response, trace_id)
    sinks: Mapping[str, Any] = health.get("sinks", {})
    return sinks


def _smoke_test(url: str, expected: Expected) -> None:
    """Send the smoke test's request. Raises `OperatorError` for another status, or without the trace's id."""
    test = expected.application.smoke_test
    target, response, trace_id = _traced_get(url, test.path, _headers(expected))
    if response.status != test.status:
        raise OperatorError(
            f"{target} answered {_shown(response, instead_of=test.status)}",
            "Look up the request's log lines, or correct [smoke_test] in onetrace.toml",
        )
    if expected.application.image.has_runtime:
        _check_trace_id(target, response, trace_id)


def _headers(expected: Expected) -> dict[str, str]:
    """Return the headers of the smoke test. A secret in them is taken from this process's environment."""
    values = {**expected.application.variables_in(expected.environment), **os.environ}
    try:
        return expected.application.smoke_test.headers_with(values)
    except LookupError as error:
        raise OperatorError(
            f"A header of the smoke test needs {error.args[0]}, which is not set", f"Set {error.args[0]} to its value"
        ) from error


def _traced_get(url: str, path: str, headers: Mapping[str, str]) -> tuple[str, Reply, str]:
    """Return the request's URL, its response and its trace id. Raises `OperatorError` without a response."""
    target, trace_id = url.rstrip("/") + path, new_trace_id()
    # Version, trace id, parent id and flags ("traceparent Header", W3C Trace Context).
    traced = {**headers, "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    try:
        with requests.Session() as session:
            response = send(session, "GET", target, headers=traced, timeout=_TIMEOUT)
    except (requests.RequestException, ValueError) as error:
        raise OperatorError(
            f"No response from {target} ({type(error).__name__})", "Check the domain's record and the load balancer"
        ) from error
    return target, response, trace_id


def _check_trace_id(target: str, response: Reply, trace_id: str) -> None:
    if (received := response.headers.get(TRACE_ID_HEADER)) != trace_id:
        raise OperatorError(
            f"{target} answered with {TRACE_ID_HEADER} {received!r} to a request of the trace {trace_id}",
            "Check what is between the load balancer and the service: the trace context is lost on the way",
        )


def status_text(sink: Mapping[str, Any]) -> str:
    """Return `on`, or `off, because …`."""
    return "on" if sink.get("on") else f"off, because {sink.get('because')}"


def _health(target: str, response: Reply) -> Mapping[str, Any]:
    remedy = "Read the log lines of the containers' standard output"
    if response.status == HTTPStatus.NOT_FOUND:
        remedy = "Start the image by flask_onetrace.wsgi, or set `runtime = false` in onetrace.toml (docs/adopt.md)"
    _check_health_status(target, response, remedy)
    health = response.json()
    if not isinstance(health, dict) or health.get("status") != "ok":
        raise OperatorError(f"{target} answered {response.text[:_SHOWN]!r}, which is no health check", remedy)
    return health


def _check_health_status(target: str, response: Reply, remedy: str) -> None:
    if response.status not in _HEALTHY:
        raise OperatorError(f"{target} answered {_shown(response)}", remedy)


def _shown(response: Reply, instead_of: int | None = None) -> str:
    expected = "" if instead_of is None else f" instead of {instead_of}"
    return f"{response.status}{response.location}{expected}: {response.text[:_SHOWN]!r}"


def _compare(target: str, key: str, health: Mapping[str, Any], expected: str, remedy: str) -> None:
    if health.get(key) != expected:
        raise OperatorError(f"{target} answers with {key} {health.get(key)!r} instead of {expected!r}", remedy)
