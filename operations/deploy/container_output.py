"""Read the last lines that a stopped task's container printed, from the log stream of its awslogs driver."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from operations.deploy.clients import Client
from operations.deploy.plain_text import printable_lines
from operations.deploy.reader import error_code

LINES: Final = 15


def last_lines(logs: Client, definition: dict[str, Any], task_id: str) -> tuple[str, ...]:
    """Return the last lines of the container, none if it has printed none. Raises botocore's `ClientError`.

    The stream is `<prefix>/<container>/<task id>` ("Send Amazon ECS logs to CloudWatch", `awslogs-stream-prefix`).
    """
    configuration = definition.get("logConfiguration") or {}
    options = configuration.get("options") or {}
    group, prefix = options.get("awslogs-group"), options.get("awslogs-stream-prefix")
    if configuration.get("logDriver") != "awslogs" or not group or not prefix:
        return ()
    stream = f"{prefix}/{definition.get('name')}/{task_id}"
    try:
        response = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=LINES, startFromHead=False)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":  # it never started, or the log group is deleted
            return ()
        raise
    lines = [line for event in response.get("events") or [] for line in printable_lines(event.get("message") or "")]
    return tuple(lines[-LINES:])
