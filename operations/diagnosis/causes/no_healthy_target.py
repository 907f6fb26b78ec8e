"""The load balancer has no target to send requests to."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from operations.diagnosis.cause import EVERYTHING, Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.facts import Target

CAUSE = Cause(
    title="No healthy target",
    meaning="The load balancer at {url} has no healthy target ({targets}): {effect}",
    remedy="Look at the containers' last lines for why the tasks do not pass the health check: {service}",
    evidence="`aws elbv2 describe-target-health`, and the load balancer's own 502, 503 or 504",
    example={
        "url": "https://shop.example.com",
        "targets": "10.0.1.17:4567 is unhealthy (Health checks failed with these codes: [500])",
        "effect": "it answers 503",
        "service": "ECS runs 1 of 1 tasks; its newest event: (service Shop-dev) failed to launch a task",
    },
)
GATEWAY_ERRORS = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where AWS names no healthy target, or cannot be asked and the load balancer itself answers.

    Where all targets are unhealthy it sends requests to all of them ("Target group health", ALB User Guide).
    """
    exchanges = evidence.observed.exchanges
    failed = [each for each in exchanges if each.status in GATEWAY_ERRORS and not each.trace_id]
    targets = evidence.targets
    states = {each.state for each in targets or ()}
    fails_open = not failed and "unhealthy" in states and "initial" not in states
    # A target that has just stopped stays healthy until the next health checks, and answers nothing.
    if ("healthy" in states and not 0 < len(exchanges) == len(failed)) or not (failed or fails_open):
        return
    effect = (
        "requests go to all of them, and ECS replaces their tasks" if fails_open else f"it answers {failed[0].status}"
    )
    yield CAUSE.diagnosis(
        [Symptom.RESPONSE] if fails_open else EVERYTHING,
        url=evidence.observed.url,
        targets=_targets(evidence),
        effect=effect,
        service=_service(evidence),
    )


def _targets(evidence: Evidence) -> str:
    targets = evidence.targets
    if targets is None:
        return "which ones it has could not be read"
    if not targets:
        return "none is registered"
    return ", ".join(f"{each.id} is {_state(each)}" for each in targets)


def _state(target: Target) -> str:
    if target.state == "healthy":
        return "healthy by its last health check, and answers nothing now"
    return f"{target.state} ({target.reason})" if target.reason else target.state


def _service(evidence: Evidence) -> str:
    service = evidence.service
    if service is None:
        return "see the service's events in the ECS console"
    event = f"; its newest event: {service.newest_event}" if service.newest_event else ""
    return f"ECS runs {service.running} of {service.desired} tasks{event}"
