"""A worker that handles the messages of an SQS queue: `QUEUE_URL=… python -m examples.sqs_worker`.

Who sends a message within a request sends its trace with it: SQS keeps the X-Ray header of `SendMessage` as the system
attribute `AWSTraceHeader`. The worker's job joins that trace, so that one id leads from the browser to the worker.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

import boto3

from service.telemetry import job
from service.wsgi import build

log = logging.getLogger("worker")


def handle(body: str) -> None:
    """Do the work of one message."""
    log.info("resized", extra={"picture": body})


def work(queue: Any, url: str) -> int:  # noqa: ANN401 - boto3's clients have no type at run time
    """Handle the messages that there are; return how many."""
    received: Mapping[str, Any] = queue.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["AWSTraceHeader"],
        MessageAttributeNames=["All"],
    )
    messages = received.get("Messages", [])
    for message in messages:
        with job("resize", message=message):
            handle(message["Body"])
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def main() -> None:
    """Handle messages until SIGTERM."""
    app = build()  # it has the sinks
    queue, url = boto3.client("sqs"), os.environ["QUEUE_URL"]
    with app.app_context():
        while True:
            work(queue, url)


if __name__ == "__main__":
    main()
