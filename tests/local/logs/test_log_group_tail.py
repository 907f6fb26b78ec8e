from __future__ import annotations

import time

import pytest

from local.backing_services.emulated_aws import EmulatedAws
from local.logs.tails import LogGroupTail

LOG_GROUP = "some-group"

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def put_events(aws: EmulatedAws, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    aws.logs.put_log_events(logGroupName=LOG_GROUP, logStreamName="one", logEvents=events)  # type: ignore[arg-type] # plain dicts


def texts(tail: LogGroupTail) -> list[str]:
    return [each.text for each in tail.new_entries()]


def test_each_event_is_returned_once(emulated_aws: EmulatedAws) -> None:
    tail = LogGroupTail(emulated_aws.logs, LOG_GROUP)
    assert texts(tail) == []
    emulated_aws.logs.create_log_group(logGroupName=LOG_GROUP)
    emulated_aws.logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="one")

    put_events(emulated_aws, "first", "second")
    assert texts(tail) == ["first", "second"]

    put_events(emulated_aws, "third")
    assert texts(tail) == ["third"]
    assert texts(tail) == []
