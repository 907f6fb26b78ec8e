"""Verify one deployment: send, wait, and name the causes of what is missing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from flask_onetrace.contract import TRACE_ID_HEADER
from operations.diagnosis.diagnosis import diagnose
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.facts import Exchange, Missing, Observed
from operations.errors import OperatorError
from operations.verification.arrivals import Arrival, State
from operations.verification.document import PlaceRow, Verification
from operations.verification.kinds import Kind, probe_of
from operations.verification.rows import can_be_sampled, rows_of
from operations.verification.sending import SHOWN, Client, ProbeResult, send_kind
from operations.verification.subject import Subject, smoke_test_of

WAIT: Final = 60.0
"""Seconds until a place has a request: X-Ray and CloudWatch Logs need some, Honeycomb a few."""
SKIPPED_BY_LOGIN: Final = "users log in at the load balancer, which would redirect it"
NO_RUNTIME: Final = "the image has no runtime (runtime = false)"


class Progress(Protocol):
    """Shows what happens, as it happens."""

    def add_result(self, result: ProbeResult) -> None:
        """Show a request and its response."""

    def add_arrival(self, arrival: Arrival) -> None:
        """Show what became of a request in a place."""

    def diagnosing(self) -> None:
        """Show that causes are looked for."""


def run(subject: Subject, progress: Progress, *, wait: float = WAIT) -> Verification:
    """Send the requests, wait for them in every place, and find the causes of what is missing."""
    client = Client(subject.url)
    try:
        health = client.health()
        evidence = Evidence(subject.deployment, Observed(url=subject.url))
        # A process of the local mode always has it.
        has_runtime = subject.application.image.has_runtime or health is not None
        results = _send_all(client, subject, evidence, progress, has_runtime=has_runtime)
    finally:
        client.close()
    observed = _observed(subject, results, health)
    evidence = Evidence(subject.deployment, observed, calls=evidence.calls)
    rows = rows_of(subject, evidence, results, wait, progress.add_arrival)
    observed = _with_rows(observed, rows)
    progress.diagnosing()
    evidence = Evidence(subject.deployment, observed, calls=evidence.calls)
    return Verification(
        url=subject.url,
        name=subject.name,
        version=str((health or {}).get("version", "")),
        results=results,
        rows=rows,
        problems=_problems(results, has_runtime=has_runtime),
        diagnoses=diagnose(evidence),
        unchecked=evidence.calls.unchecked,
    )


def run_unserved(subject: Subject, error: OperatorError) -> Verification:
    """Find the causes of a URL that does not serve what it has to: nothing is sent whose telemetry is awaited."""
    client = Client(subject.url)
    try:
        health, result = client.health(), ProbeResult(Kind.OK)
        if not subject.has_login:
            probe = probe_of(Kind.OK, smoke_test_of(subject), {})
            result = ProbeResult(Kind.OK, probe, client.send(probe))
    finally:
        client.close()
    evidence = Evidence(subject.deployment, _observed(subject, [result], health))
    return Verification(
        url=subject.url,
        name=subject.name,
        version=str((health or {}).get("version", "")),
        problems=[error.problem],
        diagnoses=diagnose(evidence),
        unchecked=evidence.calls.unchecked,
    )


def _send_all(
    client: Client, subject: Subject, evidence: Evidence, progress: Progress, *, has_runtime: bool
) -> list[ProbeResult]:
    """Send one request of each kind: the slow one, then the others side by side."""

    def send(kind: Kind) -> ProbeResult:
        if (reason := _skipped(subject, kind, has_runtime=has_runtime)) is not None:
            result = ProbeResult(kind, skipped=reason)
        else:
            result = send_kind(
                client,
                kind,
                smoke_test,
                headers,
                frontend=subject.application.frontend_service_name(subject.environment),
                can_be_sampled=lambda: can_be_sampled(evidence, subject),
            )
        progress.add_result(result)
        return result

    smoke_test, headers = smoke_test_of(subject), _headers(subject)
    # First, so that the others are not older than their telemetry when it is looked for.
    results = {Kind.SLOW: send(Kind.SLOW)}
    others = [kind for kind in Kind if kind is not Kind.SLOW]
    with ThreadPoolExecutor(max_workers=len(others)) as pool:
        results |= dict(zip(others, pool.map(send, others), strict=True))
    return [results[kind] for kind in Kind]


def _skipped(subject: Subject, kind: Kind, *, has_runtime: bool) -> str | None:
    """Return why a kind is not sent, None where it is."""
    if subject.has_login:
        return SKIPPED_BY_LOGIN
    return None if has_runtime or kind is Kind.OK else NO_RUNTIME


def _headers(subject: Subject) -> dict[str, str]:
    """Return the headers of the smoke test. Raises `OperatorError` for a variable that is not set."""
    values = {**subject.application.variables_in(subject.environment), **os.environ, **subject.variables}
    try:
        return subject.application.smoke_test.headers_with(values)
    except LookupError as error:
        raise OperatorError(
            f"A header of the smoke test needs {error.args[0]}, which is not set", f"Set {error.args[0]} to its value"
        ) from error


def _observed(subject: Subject, results: Sequence[ProbeResult], health: Mapping[str, Any] | None) -> Observed:
    exchanges: list[Exchange] = [each.exchange for each in results if each.exchange is not None]
    return Observed(
        url=subject.url,
        exchanges=exchanges,
        sampled={
            each.exchange.trace_id: each.was_sampled
            for each in results
            if each.exchange is not None and each.was_sampled is not None
        },
        health=health,
        expected_version=subject.expected_version,
        expected_environment=subject.expected_environment,
    )


def _with_rows(observed: Observed, rows: Sequence[PlaceRow]) -> Observed:
    return Observed(
        url=observed.url,
        exchanges=observed.exchanges,
        missing={
            row.place: [Missing(kind=each.kind.value, trace_id=each.trace_id) for each in row.missing] for row in rows
        },
        arrived={
            row.place: [item for each in row.arrivals if each.state is State.ARRIVED for item in each.items]
            for row in rows
        },
        sampled=observed.sampled,
        health=observed.health,
        expected_version=observed.expected_version,
        expected_environment=observed.expected_environment,
    )


def _problems(results: Sequence[ProbeResult], *, has_runtime: bool) -> list[str]:
    problems = []
    for each in results:
        exchange = each.exchange
        if exchange is None:
            continue
        request = f"{exchange.method} {exchange.path} ({each.kind})"
        if exchange.error:
            problems.append(f"{request} got no response: {exchange.error}")
        elif not exchange.is_expected:
            location = f" to {exchange.headers['location']!r}" if "location" in exchange.headers else ""
            body = f": {exchange.body!r}" if exchange.body else ""
            problems.append(
                f"{request} answered {exchange.status}{location} instead of {exchange.expected_status}{body}"
            )
        elif not exchange.trace_id and has_runtime:
            header = exchange.headers.get(TRACE_ID_HEADER.lower())
            problems.append(
                f"{request} answered without a trace id"
                if header is None
                else f"{request} answered with {TRACE_ID_HEADER} {header[:SHOWN]!r}, which is no trace id"
            )
        elif exchange.sent_id and exchange.trace_id != exchange.sent_id:
            problems.append(f"{request} answered with the trace id {exchange.trace_id} instead of {exchange.sent_id}")
    return problems
