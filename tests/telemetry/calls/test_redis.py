"""Commands of Redis: named by the command in both products, with no key and no value."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
import redis
from opentelemetry.instrumentation.redis import RedisInstrumentor

from tests.telemetry.calls.conftest import OLD, Instrument, both_conventions
from tests.telemetry.calls.recorder import CallRecorder

SECRET = "planted-value"


@both_conventions
def test_a_command_is_named_by_itself(
    opt_in: str, recorder: CallRecorder, instrument: Instrument, redis_server: int
) -> None:
    instrument(RedisInstrumentor, opt_in)
    with redis.Redis(port=redis_server) as client:
        exported = recorder.record(lambda: client.set(f"user:{SECRET}", SECRET, ex=60))
    span, subsegment = exported.one
    assert (span["name"], span["kind"], subsegment["name"]) == ("SET", "client", "SET")
    assert span["attributes"]["db.statement" if opt_in == OLD else "db.query.text"] == "SET ? ? ? ?"
    assert (subsegment["namespace"], "sql" in subsegment) == ("remote", False)
    metadata = subsegment["metadata"]["default"]
    assert (metadata["server.address"], metadata["server.port"]) == ("localhost", redis_server)
    assert metadata["db.system" if opt_in == OLD else "db.system.name"] == "redis"
    assert SECRET not in json.dumps(exported)


@pytest.mark.parametrize(("commands", "name"), [(("GET", "GET"), "PIPELINE GET"), (("GET", "INCR"), "PIPELINE")])
def test_a_pipeline_is_named_by_its_command_if_it_has_one(
    commands: tuple[str, ...], name: str, recorder: CallRecorder, instrument: Instrument, redis_server: int
) -> None:
    instrument(RedisInstrumentor)

    def run() -> None:
        with redis.Redis(port=redis_server) as client, client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(command, SECRET)
            pipeline.execute()

    exported = recorder.record(run)
    span, subsegment = exported.one
    assert (span["name"], subsegment["name"]) == (name, name)
    assert span["attributes"]["db.query.text"] == "\n".join(f"{command} ?" for command in commands)
    assert SECRET not in json.dumps(exported)


def test_a_command_in_one_text_shows_no_argument(
    recorder: CallRecorder, instrument: Instrument, redis_server: int
) -> None:
    instrument(RedisInstrumentor)

    def run() -> None:
        with redis.Redis(port=redis_server) as client, suppress(redis.ResponseError):
            client.execute_command(f"CONFIG GET {SECRET}")
            client.execute_command(f"GET {SECRET}")

    exported = recorder.record(run)
    assert [span["name"] for span in exported.spans] == ["CONFIG GET", "GET"]
    assert SECRET not in json.dumps(exported)
