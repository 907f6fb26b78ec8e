"""The emulator's responses about failing tasks have the shapes of the AWS APIs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.session import get_session

from tests.operations.deploy.conftest import Account, template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def call(account: Account, operation: str, **parameters: object) -> dict[str, Any]:
    """Return the response as it is on the wire: boto3 leaves out what its model does not have."""
    credential = f"{account.id}/20260101/us-east-1/ecs/aws4_request"
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
    }
    response = requests.post(account.variables["AWS_ENDPOINT_URL"], json=parameters, headers=headers, timeout=60)
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def mismatches(value: object, shape: Shape, path: str) -> Iterator[str]:
    """Yield the paths of values that the shape does not have, or has with another type."""
    if value is None:
        return
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict), path
        yield from (f"{path}.{name}" for name in value if name not in shape.members)
        known = {name: each for name, each in value.items() if name in shape.members}
        yield from (
            mismatch
            for name, each in known.items()
            for mismatch in mismatches(each, shape.members[name], f"{path}.{name}")
        )
    elif isinstance(shape, ListShape):
        assert isinstance(value, list), path
        yield from (mismatch for each in value for mismatch in mismatches(each, shape.member, f"{path}[]"))
    elif not isinstance(shape, MapShape):
        kinds = {
            "string": str,
            "integer": int,
            "long": int,
            "timestamp": int | float,
            "boolean": bool,
            "double": int | float,
        }
        if not isinstance(value, kinds[shape.type_name]):
            yield path


def test_stopped_tasks_events_and_deployments_have_the_shapes_of_ecs(deployed: Account) -> None:
    assert deployed.deploy(*deployed.apply(template("v2", "greedy"))) == 1
    model = get_session().get_service_model("ecs")
    [cluster] = call(deployed, "ListClusters")["clusterArns"]
    services = call(deployed, "ListServices", cluster=cluster)["serviceArns"]
    tasks = call(deployed, "ListTasks", cluster=cluster, desiredStatus="STOPPED")["taskArns"]
    assert len(tasks) == 3
    for operation, response in {
        "DescribeServices": call(deployed, "DescribeServices", cluster=cluster, services=services),
        "DescribeTasks": call(deployed, "DescribeTasks", cluster=cluster, tasks=tasks),
    }.items():
        shape = model.operation_model(operation).output_shape
        assert shape is not None
        assert sorted(set(mismatches(response, shape, operation))) == []
