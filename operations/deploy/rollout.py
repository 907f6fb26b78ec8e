"""Wait for ECS to finish the rollout, and compare the version that serves with the one that was deployed.

ECS may roll a deployment back when CloudFormation has finished: an alarm fires, or tasks fail, later.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from flask_onetrace.contract import Output
from infra.names import Names
from operations.deploy import services, stacks
from operations.deploy.clients import Clients
from operations.deploy.observations import Observer
from operations.deploy.reader import Reader
from operations.deploy.services import COMPLETED, FAILED, Deployment
from operations.deploy.stacks import Stack


class Outcome(StrEnum):
    """How the rollout of the deployed task definition ended."""

    SERVES = "serves"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    UNFINISHED = "unfinished"
    UNKNOWN = "unknown"


class Rollout(NamedTuple):
    """The outcome; `deployed` and `serving` are ARNs of task definitions, empty where they are not known."""

    outcome: Outcome
    deployed: str = ""
    serving: str = ""
    reason: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitLimits:
    """How long to wait, in seconds: in all, between two looks, and for a response where AWS gives none."""

    rollout: float
    pause: float
    unknown: float


def await_rollout(clients: Clients, reader: Reader, observer: Observer, names: Names, limits: WaitLimits) -> Rollout:
    """Return how the rollout ended, or that it has not within the limit. Never raises."""
    start = time.monotonic()
    while True:
        observer.poll()
        rollout = reader.read(
            "the version that serves", lambda: current_rollout(clients, names), Rollout(Outcome.UNKNOWN)
        )
        seconds = {Outcome.UNFINISHED: limits.rollout, Outcome.UNKNOWN: limits.unknown}
        if time.monotonic() - start >= seconds.get(rollout.outcome, 0.0):
            return rollout
        time.sleep(limits.pause)


def current_rollout(clients: Clients, names: Names) -> Rollout:
    """Return the state of the rollout. Raises botocore's `ClientError`."""
    described = stacks.snapshot(clients.cloudformation, names).stacks
    stack = next((each for each in described if each.name == names.service_stack), None)
    deployment = _primary_deployment(clients, stack) if stack else None
    if stack is None or deployment is None:
        return Rollout(Outcome.UNKNOWN)
    deployed = stack.outputs[Output.TASK_DEFINITION]
    return Rollout(
        outcome=_outcome(deployment, deployed),
        deployed=deployed,
        serving=deployment.task_definition,
        reason=deployment.reason,
        url=stack.outputs.get(Output.URL, ""),
    )


def _primary_deployment(clients: Clients, stack: Stack) -> Deployment | None:
    service = services.service(clients.ecs, stack.outputs[Output.CLUSTER], stack.outputs[Output.SERVICE])
    return service.primary if service else None


def _outcome(primary: Deployment, deployed: str) -> Outcome:
    if primary.task_definition != deployed:
        return Outcome.ROLLED_BACK
    if primary.rollout_state == FAILED:
        return Outcome.FAILED
    # A deployment controller other than ECS has no rollout state.
    return Outcome.SERVES if primary.rollout_state in {COMPLETED, ""} else Outcome.UNFINISHED
