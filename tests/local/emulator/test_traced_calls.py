"""Calls of AWS's APIs are in the trace of the request that makes them; the message of a queue takes the trace along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from flask import Flask

from tests.local.emulator.conftest import Aws
from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.conftest import AppFactory, make_app
from tests.telemetry.conftest import backends as telemetry_backends
from tests.telemetry.gunicorn_server import ROOT, environment
from tests.telemetry.segments import validate
from tests.telemetry.tracing import get

__all__ = ["make_app", "telemetry_backends"]
pytestmark = pytest.mark.usefixtures("socket_enabled")
SECRET = "planted-value-4711"


@pytest.fixture
def backends(telemetry_backends: FakeBackends) -> FakeBackends:
    return telemetry_backends


@pytest.fixture
def app(backends: FakeBackends, make_app: AppFactory) -> Flask:
    return make_app({**backends.environment, "LOG_CONSOLE": "false"})


def subsegments(backends: FakeBackends, trace_id: str) -> dict[str, Document]:
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    validate(segment)
    return {each["name"]: each for each in segment["subsegments"]}


def test_calls_of_tables_and_buckets_are_nodes_of_the_trace(app: Flask, backends: FakeBackends, aws: Aws) -> None:
    key = [{"AttributeName": "id", "AttributeType": "S"}]
    schema = [{"AttributeName": "id", "KeyType": "HASH"}]
    database, storage = aws.client("dynamodb"), aws.client("s3")
    database.create_table(TableName="orders", AttributeDefinitions=key, KeySchema=schema, BillingMode="PAY_PER_REQUEST")
    storage.create_bucket(Bucket="pictures")

    @app.get("/buy")
    def view() -> str:
        database.put_item(TableName="orders", Item={"id": {"S": SECRET}})
        database.get_item(TableName="orders", Key={"id": {"S": SECRET}})
        storage.put_object(Bucket="pictures", Key=f"{SECRET}.png", Body=SECRET.encode())
        try:
            database.get_item(TableName="none", Key={"id": {"S": "1"}})
        except database.exceptions.ResourceNotFoundException:
            return "bought"
        return "no error"

    response = get(app, "/buy")
    calls = subsegments(backends, response.trace_id)
    assert {each["namespace"] for each in calls.values()} == {"aws"}
    put, stored = calls["DynamoDB.PutItem"]["aws"], calls["S3.PutObject"]["aws"]
    assert (put["operation"], put["table_name"], put["region"]) == ("PutItem", "orders", "us-east-1")
    assert put["request_id"]
    assert (stored["operation"], stored["bucket_name"]) == ("PutObject", "pictures")
    spans = eventually(lambda: backends.spans(response.trace_id), 5)
    assert {"DynamoDB.PutItem", "DynamoDB.GetItem", "S3.PutObject"} <= {each["name"] for each in spans}
    assert SECRET not in str((spans, calls, backends.lines_of(response.trace_id)))
    failed = [each for each in backends.segments_of(response.trace_id)[0]["subsegments"] if each.get("error")]
    assert [each["http"]["response"]["status"] for each in failed] == [400]


@pytest.fixture
def queue(aws: Aws) -> str:
    url: str = aws.client("sqs").create_queue(QueueName="pictures")["QueueUrl"]
    return url


@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
def test_the_worker_of_a_queue_continues_the_trace_of_the_sender(
    app: Flask, backends: FakeBackends, aws: Aws, queue: str, *, batch: bool
) -> None:
    sqs = aws.client("sqs")

    @app.get("/upload")
    def view() -> str:
        if batch:
            sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "cat.png"}])
        else:
            sqs.send_message(QueueUrl=queue, MessageBody="cat.png")
        return "accepted"

    variables = {**backends.environment, **backends.aws, "LOG_CONSOLE": "false", "QUEUE_URL": queue}
    worker = subprocess.Popen(
        [sys.executable, "-m", "examples.sqs_worker"],
        cwd=ROOT,
        env={
            **environment(variables),
            "AWS_ENDPOINT_URL_SQS": aws.endpoint,
            "AWS_ACCESS_KEY_ID": aws.account,
            "AWS_DEFAULT_REGION": "us-east-1",
            "PATH": os.environ["PATH"],
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        response = get(app, "/upload")
        operation = "SQS.SendMessageBatch" if batch else "SQS.SendMessage"
        for _ in range(4):  # the worker has to start first
            segments = eventually(lambda: backends.segments_of(response.trace_id), 2)
    finally:
        worker.send_signal(signal.SIGTERM)
        _, errors = worker.communicate(timeout=30)
    assert len(segments) == 2, errors
    service, job = sorted(segments, key=lambda each: "parent_id" in each)
    [sent] = service["subsegments"]
    assert (sent["name"], sent["namespace"], sent["aws"]["queue_url"]) == (operation, "aws", queue)
    assert (job["parent_id"], job["annotations"]["operation"]) == (sent["id"], "resize")
    assert [each["name"] for each in job["subsegments"]] == ["SQS.DeleteMessage"]
    [resized] = [line for line in eventually(lambda: backends.lines_of(response.trace_id), 3) if "picture" in line]
    assert (resized["picture"], resized["job"]) == ("cat.png", "resize")
