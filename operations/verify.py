"""Verify a deployed environment from outside: its URL serves the version that was deployed, and traces requests.

Several responses in a row have to be right, because tasks of the version before may still answer until their
connections have drained.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import requests
from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import HEALTH_CHECK_PATH, TRACE_ID_HEADER, Output
from operations.deployment import aws_session, stack_outputs
from operations.errors import OperatorError, without_credentials

DEADLINE: Final = 180.0
"""Seconds until the responses have to be right: a new DNS name or certificate may need a few of them."""
IN_A_ROW: Final = 5
PAUSE: Final = 1.0
_TIMEOUT: Final = (5.0, 10.0)
_SHOWN: Final = 200
"""Characters of a response that an error shows."""


class Expected(NamedTuple):
    """What the health check has to report."""

    environment: str
    version: str


class Clock(NamedTuple):
    """The clock of the retries, in seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def main(arguments: Sequence[str] | None = None, *, clock: Clock | None = None) -> int:
    """Verify the environment and print the outcome; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m operations.verify", description=__doc__)
    parser.add_argument("--environment", required=True, help="the deployed environment of infra/environments.py")
    parser.add_argument("--version", required=True, help="the version that has to be deployed")
    parser.add_argument("--deadline", type=float, default=DEADLINE, help="seconds (default: %(default)g)")
    parser.add_argument("--pause", type=float, default=PAUSE, help="seconds between requests (default: %(default)g)")
    options = parser.parse_args(arguments)
    try:
        url = _url(options.environment)
        expected = Expected(options.environment, options.version)
        sinks = verify(url, expected, deadline=options.deadline, pause=options.pause, clock=clock or Clock())
    except OperatorError as error:
        sys.stderr.write(f"{without_credentials(error.problem)}\n{error.remedy}.\n")
        return 1
    sys.stdout.write(f"{url} serves {options.version} of {options.environment}, and traces requests.\n")
    sys.stdout.writelines(f"  {name}: {_status(sink)}\n" for name, sink in sinks.items())
    return 0


def verify(url: str, expected: Expected, *, deadline: float, pause: float, clock: Clock) -> Mapping[str, Any]:
    """Return the sinks' status once `IN_A_ROW` responses are right. Raises `OperatorError` after `deadline` seconds."""
    end = clock.now() + deadline
    correct = 0
    while True:
        try:
            sinks = _probe(url, expected)
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
    target, trace_id = url.rstrip("/") + HEALTH_CHECK_PATH, _trace_id()
    # Version, trace id, parent id and flags ("traceparent Header", W3C Trace Context).
    headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    try:
        response = requests.get(target, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise OperatorError(
            f"No response from {target} ({type(error).__name__})", "Check the domain's record and the load balancer"
        ) from error
    health = _health(target, response)
    _compare(target, "version", health, expected.version, "Deploy it, or pass the deployed one as VERSION=")
    _compare(target, "environment", health, expected.environment, "Check the domain's record: it is another's")
    if (received := response.headers.get(TRACE_ID_HEADER)) != trace_id:
        raise OperatorError(
            f"{target} answered with {TRACE_ID_HEADER} {received!r} to a request of the trace {trace_id}",
            "Check what is between the load balancer and the service: the trace context is lost on the way",
        )
    sinks: Mapping[str, Any] = health.get("sinks", {})
    return sinks


def _status(sink: Mapping[str, Any]) -> str:
    return "on" if sink.get("on") else f"off, because {sink.get('because')}"


def _trace_id() -> str:
    """Return an id that begins with the seconds since the epoch ("Tracing headers", AWS X-Ray Developer Guide)."""
    return f"{int(time.time()):08x}{secrets.token_hex(12)}"


def _health(target: str, response: requests.Response) -> Mapping[str, Any]:
    remedy = "Read the log lines of the containers' standard output"
    if response.status_code != requests.codes.ok:
        raise OperatorError(f"{target} answered {response.status_code}: {response.text[:_SHOWN]!r}", remedy)
    try:
        health = response.json()
    except requests.JSONDecodeError:
        health = None
    if not isinstance(health, dict) or health.get("status") != "ok":
        raise OperatorError(f"{target} answered {response.text[:_SHOWN]!r}, which is no health check", remedy)
    return health


def _compare(target: str, key: str, health: Mapping[str, Any], expected: str, remedy: str) -> None:
    if health.get(key) != expected:
        raise OperatorError(f"{target} answers with {key} {health.get(key)!r} instead of {expected!r}", remedy)


def _url(environment: str) -> str:
    remedy = f"Check that {environment!r} is deployed (make deploy) and your credentials are its own"
    try:
        url = stack_outputs(aws_session(), environment).get(Output.URL)
    except (BotoCoreError, ClientError) as error:
        raise OperatorError(" ".join(str(error).split()), remedy) from error
    if url is None:
        raise OperatorError(f"The service stack of {environment!r} has no output {Output.URL}", remedy)
    return url


if __name__ == "__main__":
    sys.exit(main())
