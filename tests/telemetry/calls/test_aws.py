"""Calls of boto3: X-Ray's `aws` block and flags, and a name in both products that says service and operation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

from flask_onetrace.telemetry.instrumentations.aws_calls import request_hook, response_hook
from local.fakes.server import LocalServer
from tests.telemetry.calls import fake_aws
from tests.telemetry.calls.conftest import Instrument
from tests.telemetry.calls.fake_aws import QUEUE_URL, REQUEST_ID, SECRET
from tests.telemetry.calls.recorder import CallRecorder

Client = Callable[[str], Any]
KEY = {"email": {"S": SECRET}}
COMMON = {"region": "eu-west-1", "request_id": REQUEST_ID, "retries": 0}


@pytest.fixture
def client(socket_enabled: None) -> Iterator[Client]:  # noqa: ARG001 - it listens on 127.0.0.1
    """Create boto3's clients of the fake AWS."""
    with closing(LocalServer(fake_aws.create_app())) as server:
        session = boto3.Session("id", "key", region_name="eu-west-1")
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})

        def create(service: str) -> Any:  # noqa: ANN401 - a client of any service
            return session.client(service, endpoint_url=server.url, config=config)  # type: ignore[call-overload]  # by a name that is no literal

        yield create


@pytest.fixture(autouse=True)
def _instrumented(instrument: Instrument) -> None:
    instrument(BotocoreInstrumentor, request_hook=request_hook, response_hook=response_hook)


CALLS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "S3.GetObject": (
        "s3",
        "get_object",
        {"Bucket": "photos", "Key": SECRET},
        {"operation": "GetObject", "bucket_name": "photos", "id_2": "ID-2"},
    ),
    "DynamoDB.GetItem": (
        "dynamodb",
        "get_item",
        {"TableName": "orders", "Key": KEY, "ConsistentRead": True},
        {
            "operation": "GetItem",
            "table_name": "orders",
            "consistent_read": True,
            "consumed_capacity": {"TableName": "orders", "CapacityUnits": 0.5},
        },
    ),
    "DynamoDB.PutItem": (
        "dynamodb",
        "put_item",
        {"TableName": "orders", "Item": KEY, "ReturnItemCollectionMetrics": "SIZE"},
        {"operation": "PutItem", "table_name": "orders"},
    ),
    "DynamoDB.Query": (
        "dynamodb",
        "query",
        {
            "TableName": "orders",
            "IndexName": "by-email",
            "Limit": 9,
            "KeyConditionExpression": "email = :email",
            "ExpressionAttributeValues": {":email": {"S": SECRET}},
        },
        {
            "operation": "Query",
            "table_name": "orders",
            "index_name": "by-email",
            "limit": 9,
            "consumed_capacity": {"TableName": "orders", "CapacityUnits": 0.5},
        },
    ),
    "DynamoDB.BatchGetItem": (
        "dynamodb",
        "batch_get_item",
        {"RequestItems": {"orders": {"Keys": [KEY]}, "users": {"Keys": [KEY]}}},
        {"operation": "BatchGetItem", "table_names": ["orders", "users"]},
    ),
    "SQS.SendMessage": (
        "sqs",
        "send_message",
        {"QueueUrl": QUEUE_URL, "MessageBody": SECRET},
        {"operation": "SendMessage", "queue_url": QUEUE_URL, "message_id": "message-1"},
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_named_by_service_and_operation(name: str, recorder: CallRecorder, client: Client) -> None:
    service, method, parameters, block = CALLS[name]
    exported = recorder.record(lambda: getattr(client(service), method)(**parameters))
    span, subsegment = exported.one
    assert (span["name"], span["kind"]) == (name, "client")
    assert (subsegment["name"], subsegment["namespace"]) == (name, "aws")
    assert subsegment["aws"] == COMMON | block
    assert subsegment["http"] == {"response": {"status": 200}}
    assert not {"metadata", "fault", "error", "throttle"} & subsegment.keys()
    attributes = span["attributes"]
    assert (attributes["rpc.system"], attributes["cloud.region"]) == ("aws-api", "eu-west-1")
    assert SECRET not in json.dumps(exported)


FAILURES = {
    "throttled": (400, "ProvisionedThroughputExceededException", {"throttle": True, "error": True}),
    "missing": (400, "ResourceNotFoundException", {"error": True}),
    "broken": (500, "InternalServerError", {"fault": True}),
}


@pytest.mark.parametrize("table", FAILURES)
def test_a_failed_call_has_x_rays_flags_and_its_error_code(table: str, recorder: CallRecorder, client: Client) -> None:
    status, code, flags = FAILURES[table]

    def fail() -> None:
        with suppress(ClientError):
            client("dynamodb").get_item(TableName=table, Key=KEY)

    exported = recorder.record(fail)
    span, subsegment = exported.one
    assert {key: subsegment[key] for key in ("fault", "error", "throttle") if key in subsegment} == flags
    assert subsegment["aws"] == COMMON | {"operation": "GetItem", "table_name": table}
    assert subsegment["http"] == {"response": {"status": status}}
    assert (span["attributes"]["error.type"], span["status"]["code"]) == (code, "error")
    [cause] = subsegment["cause"]["exceptions"]
    assert code in cause["message"]
    assert SECRET not in json.dumps(exported)


def test_s3_that_asks_to_slow_down_is_a_throttle(recorder: CallRecorder, client: Client) -> None:
    def fail() -> None:
        with suppress(ClientError):
            client("s3").get_object(Bucket="slow", Key=SECRET)

    _, subsegment = recorder.record(fail).one
    assert (subsegment["throttle"], subsegment["aws"]["bucket_name"]) == (True, "slow")
