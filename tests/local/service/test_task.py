from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.service.task import container_spec, resolve
from operations.errors import OperatorError

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskDefinitionTypeDef

SECRET_ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:local/cruddur/honeycomb-api-key-AbCdEf"
KEY = "fake-key-77aa"


def definition(*, source: str = SECRET_ARN) -> TaskDefinitionTypeDef:
    return {
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/Backend:7",
        "containerDefinitions": [
            {"name": "xray-daemon", "image": "public.ecr.aws/xray/aws-xray-daemon:3.x"},
            {
                "name": "backend-flask",
                "image": "cruddur-backend-flask:0123456789ab",
                "environment": [{"name": "PORT", "value": "4567"}, {"name": "AWS_XRAY_URL", "value": ""}],
                "secrets": [{"name": "HONEYCOMB_API_KEY", "valueFrom": source}],
                "stopTimeout": 30,
            },
        ],
    }


def test_the_spec_has_the_values_of_the_named_container() -> None:
    spec = container_spec(definition(), "backend-flask")

    assert spec.task_definition.endswith("Backend:7")
    assert spec.environment == {"PORT": "4567", "AWS_XRAY_URL": ""}
    assert spec.secrets == {"HONEYCOMB_API_KEY": SECRET_ARN}


def test_an_unknown_container_is_an_error_that_names_the_existing_ones() -> None:
    with pytest.raises(OperatorError, match=r"Backend:7 has no container 'web', only xray-daemon, backend-flask"):
        container_spec(definition(), "web")


@pytest.mark.parametrize("source", [SECRET_ARN, f"{SECRET_ARN}:::", "local/cruddur/honeycomb-api-key"])
def test_a_secret_is_read_by_its_full_arn_or_name(source: str) -> None:
    requested: list[str] = []

    def fetch(secret: str) -> str:
        requested.append(secret)
        return KEY

    task = resolve(container_spec(definition(source=source), "backend-flask"), fetch)

    assert requested == [source.removesuffix(":::")]
    assert task.environment == {"PORT": "4567", "AWS_XRAY_URL": "", "HONEYCOMB_API_KEY": KEY}


@pytest.mark.parametrize("part", [":json-key::", "::AWSPREVIOUS:", ":::version-id"])
def test_a_part_of_a_secret_is_an_error_that_names_the_variable(part: str) -> None:
    spec = container_spec(definition(source=SECRET_ARN + part), "backend-flask")

    with pytest.raises(OperatorError, match="HONEYCOMB_API_KEY names a part or a version"):
        resolve(spec, lambda secret: secret)


def test_a_resolved_task_hides_its_secrets_in_repr() -> None:
    task = resolve(container_spec(definition(), "backend-flask"), lambda _: KEY)

    assert KEY in task.environment.values()
    assert KEY not in repr(task)
    assert KEY not in str(task)
