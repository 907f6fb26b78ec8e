"""A worker that handles the messages of an SQS queue: `QUEUE_URL=… python -m examples.sqs_worker`.

With opentelemetry-instrumentation-botocore installed, who sends a message within a request sends its trace context with
it, as the system attribute `AWSTraceHeader`. The worker's job joins that trace: one id leads from the browser to here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import boto3

from flask_onetrace.telemetry import job
from service.factory import create_app

log = logging.getLogger("worker")


def handle(body: str) -> None:
    """Do the work of one message."""
    log.info("resized", extra={"picture": body})


def work(queue: Any, url: str) -> int:  # noqa: ANN401 - boto3's clients have no type at run time
    """Handle the messages that there are; return how many."""
    received: Mapping[str, Any] = queue.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=20,
        MessageSystemAttributeNames=["AWSTraceHeader"],
        MessageAttributeNames=["All"],
    )
    messages = received.get("Messages", [])
    for message in messages:
        # The job has reported it; SQS delivers the message again, and in the end to the dead-letter queue.
        with suppress(Exception), job("resize", message=message):
            handle(message["Body"])
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def main() -> None:
    """Handle messages until SIGTERM."""
    app = create_app()  # it has the sinks
    queue, url = boto3.client("sqs"), os.environ["QUEUE_URL"]
    with app.app_context():
        while True:
            work(queue, url)


if __name__ == "__main__":
    main()
