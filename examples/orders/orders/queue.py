"""Tell the warehouse of new orders, by SQS."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import boto3
from flask import current_app


@cache
def client() -> Any:  # noqa: ANN401 - boto3's clients have no type at run time
    """Return the process's client, which finds region and credentials in the environment."""
    return boto3.client("sqs")


def create() -> str:
    """Create the queue, if it is not there, and return its URL."""
    url: str = client().create_queue(QueueName=current_app.config["ORDERS_QUEUE"])["QueueUrl"]
    return url


def send(order_id: int) -> None:
    """Send the message of a new order."""
    url = client().get_queue_url(QueueName=current_app.config["ORDERS_QUEUE"])["QueueUrl"]
    client().send_message(QueueUrl=url, MessageBody=json.dumps({"order": order_id}))
