"""Task definitions in the shape of DescribeTaskDefinition."""

from __future__ import annotations

from typing import Any

LOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"},
}


def container(**parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - parameters of any type
    return {"name": "app", "image": "app:1", **parameters}


def task(*containers: dict[str, Any], **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - the same
    return {
        "family": "web",
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": "arn:aws:iam::000000000000:role/execution",
        "containerDefinitions": list(containers or (container(),)),
        **parameters,
    }
