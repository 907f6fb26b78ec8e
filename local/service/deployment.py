"""Wait for deployments of the emulated ECS, explain those that fail, and roll back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from flask_onetrace.contract import Output
from local.backing_services.emulated_aws import EmulatedAws
from local.service import revision
from local.workspace.errors import FailedStepError
from local.workspace.session import Session
from operations.deploy.clients import Clients
from operations.deploy.explanation import Findings, advice, explanation
from operations.deploy.observations import Callbacks, Observer
from operations.deploy.reader import Reader
from operations.deploy.watcher import Watcher
from operations.errors import OperatorError

POLL_SECONDS: Final = 0.3
STABLE_SECONDS: Final = 300.0
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"


@contextmanager
def watched(session: Session, aws: EmulatedAws) -> Iterator[None]:
    """Watch ECS during the block, and have its error say why tasks stopped, as `make deploy` does on AWS."""
    reader = Reader()
    clients = Clients(
        cloudformation=aws.cloudformation, cloudwatch=aws.cloudwatch, ecs=aws.ecs, logs=aws.logs, secrets=aws.secrets
    )
    silent = Callbacks(event=lambda _: None, task=lambda _: None, alarm=lambda _: None)
    observer = Observer(clients, reader, session.names, since=datetime.now(UTC), callbacks=silent)
    watcher = Watcher(observer, reader, seconds=POLL_SECONDS)
    watcher.start()
    try:
        yield
    except FailedStepError as error:
        watcher.stop()
        observer.poll()
        observer.read_output_again()
        if not observer.observations.tasks:
            raise
        findings = Findings(session.names, observer.since, [], observer.observations, [], reader)
        raise error.with_remedy(" ".join(advice(findings)), explanation(findings)) from None
    finally:
        watcher.stop()


def redeploy(session: Session, aws: EmulatedAws) -> None:
    """Replace the tasks by new ones of the same task definition, which get the changed values."""
    outputs = session.state.outputs
    with session.report.step("Replace the tasks, as their values have changed") as step:
        aws.ecs.update_service(
            cluster=outputs[Output.CLUSTER], service=outputs[Output.SERVICE], forceNewDeployment=True
        )
        step.note = wait_until_stable(session, aws)


def roll_back(session: Session, aws: EmulatedAws, task_definition: str) -> None:
    """Have the service run an earlier revision, unless it does."""
    outputs = session.state.outputs
    name = task_definition.rpartition("/")[2]
    if revision.current(aws, outputs) != task_definition:
        with session.report.step(f"Roll back to {name}") as step:
            # The next `make up` shall deploy the stacks again.
            session.state.stacks = ""
            session.save()
            revision.run_revision(aws, outputs, task_definition)
            step.note = wait_until_stable(session, aws)
    session.report.line(f"  Rolled back: {name} serves on")


def wait_until_stable(session: Session, aws: EmulatedAws) -> str:
    """Return how many tasks run once the service's deployment is complete. Raises `OperatorError`."""
    end = time.monotonic() + STABLE_SECONDS
    while time.monotonic() < end:
        service = revision.service_of(aws, session.state.outputs)
        primary = next(each for each in service["deployments"] if each.get("status") == "PRIMARY")
        if primary.get("rolloutState") == FAILED:
            raise OperatorError(primary.get("rolloutStateReason", "The deployment failed"), "See make logs")
        if primary.get("rolloutState") == COMPLETED and service["runningCount"] >= service["desiredCount"]:
            return f"{service['runningCount']} running"
        time.sleep(POLL_SECONDS)
    raise OperatorError(f"The service is not stable after {STABLE_SECONDS:.0f} s", "See make status and make logs")
