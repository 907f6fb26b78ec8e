from __future__ import annotations

import time

import pytest

from local.backing_services.emulated_aws import EmulatedAws
from local.commands.logs import LogGroupTail

LOG_GROUP = "some-group"

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def put_events(aws: EmulatedAws, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    aws.logs.put_log_events(logGroupName=LOG_GROUP, logStreamName="one", logEvents=events)  # type: ignore[arg-type] # plain dicts


def test_each_event_is_returned_once(emulated_aws: EmulatedAws) -> None:
    tail = LogGroupTail(emulated_aws.logs, LOG_GROUP)
    assert tail.new_lines() == []
    emulated_aws.logs.create_log_group(logGroupName=LOG_GROUP)
    emulated_aws.logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="one")

    put_events(emulated_aws, "first", "second")
    assert tail.new_lines() == ["first", "second"]

    put_events(emulated_aws, "third")
    assert tail.new_lines() == ["third"]
    assert tail.new_lines() == []
