"""What the sections read, and how a section that cannot be read says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import Output
from local.backing_services.running import running_aws
from local.workspace.session import Session
from operations.errors import OperatorError
from operations.traces.deployment import Deployment
from operations.traces.document import Json
from operations.traces.errors import ReadError


class StackSource(Protocol):
    """The running local deployment, read anew: another `make up` may have replaced it."""

    def deployment(self) -> Deployment:
        """Return the deployment. Raises `OperatorError` where nothing is up."""
        ...

    def session(self) -> Session:
        """Return what `make up` has recorded. Raises `OperatorError` where it cannot be read."""
        ...


Section = Callable[[StackSource], Json]


@contextmanager
def readable(source: StackSource, api: str) -> Iterator[None]:
    """Turn botocore's errors into a `ReadError` that names the API, what it answered and the remedy."""
    try:
        yield
    except ClientError as error:
        detail = error.response.get("Error", {})
        message = f"{api} refused the request: {detail.get('Code', '')}: {detail.get('Message', '')}"
        raise ReadError(message, "Run make up again, which deploys what is missing") from error
    except BotoCoreError as error:
        running_aws(source.session())  # raises where it has died
        raise ReadError(f"{api} does not respond ({error})", "Run make status") from error


def output(deployment: Deployment, name: Output) -> str:
    """Return an output of the service stack. Raises `OperatorError` where it has none."""
    try:
        return deployment.outputs[name]
    except KeyError:
        raise OperatorError(f"The service stack has no output {name}", "Run make up again") from None


def timestamp(value: object) -> float | None:
    """Return seconds since the epoch."""
    return value.timestamp() if isinstance(value, datetime) else None


def last_part(arn: str) -> str:
    """Return what follows the last slash of an ARN."""
    return arn.rpartition("/")[2]
