"""Any value in any target: the response is what it would have been, and no other request loses anything.

`make fuzz` runs more of the same, with values of another seed at each run.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Iterator

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask

from flask_onetrace import telemetry
from tests.telemetry.backends import Document, FakeBackends
from tests.telemetry.conftest import AppFactory
from tests.telemetry.fuzz.fuzz_targets import FUZZ_TARGETS, FuzzTarget
from tests.telemetry.segments import walk
from tests.telemetry.tracing import flush, telemetry_of

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "3"))
"""Requests with odd values, of each test."""
SECONDS = float(os.environ.get("FUZZ_SECONDS", "30"))
"""After which a test begins no further round."""
SEED = os.environ.get("FUZZ_SEED", "20261128")
SLOW = 20.0
"""Seconds: no round may take so long, even on a loaded machine."""
QUEUES = ("honeycomb", "xray", "cloudwatch")


class Subject:
    """An app with all sinks on, a route that gives odd values to telemetry, and an ordinary one."""

    def __init__(self, app: Flask, backends: FakeBackends) -> None:
        self.app = app
        self._backends = backends
        self._action: Callable[[], object] = lambda: None
        self._requests = 0
        self._puts = dict.fromkeys(QUEUES, 0)
        for name in QUEUES:
            self._count_puts(name)
        app.get("/odd")(self._odd)
        app.get("/ordinary/<int:number>")(self._ordinary)

    def _count_puts(self, name: str) -> None:
        """Count the items that come to the queue of a sink."""
        queue = telemetry_of(self.app).sink(name).queue
        assert queue is not None
        weigh = queue._weigh

        def count_and_weigh(item: object) -> int:
            self._puts[name] += 1
            return weigh(item)

        queue._weigh = count_and_weigh

    def _odd(self) -> str:
        self._action()
        return "as ever"

    @staticmethod
    def _ordinary(number: int) -> str:
        with telemetry.span("ordinary", number=number), xray_recorder.in_subsegment("sub") as entity:
            entity.put_metadata("number", number)
            telemetry.annotate(number=number)
            logging.getLogger("ordinary").warning("number %d", number)
        error = type(f"Ordinary{number}Error", (Exception,), {})
        raise error(f"number {number}")

    def get_odd(self, action: Callable[[], object]) -> str:
        self._action = action
        with self.app.test_client().get("/odd", buffered=True) as response:
            assert (response.status_code, response.get_data(as_text=True)) == (200, "as ever")
            return response.headers["X-Trace-Id"]

    def get_ordinary(self) -> str:
        self._requests += 1
        with self.app.test_client().get(f"/ordinary/{self._requests}", buffered=True) as response:
            assert response.status_code == 500
            return response.headers["X-Trace-Id"]

    def check_ordinary(self, trace_id: str) -> None:
        """Check that an ordinary request has arrived whole, in all four sinks."""
        assert {span["name"] for span in self._backends.spans(trace_id)} == {
            "GET /ordinary/<int:number>",
            "ordinary",
            "sub",
        }
        [segment] = self._backends.segments_of(trace_id)
        subsegments = {node["name"]: node for node in walk(segment["subsegments"])}
        assert subsegments.keys() == {"ordinary", "sub"}
        assert "number" in subsegments["sub"]["metadata"]["default"]
        messages = [line["message"] for line in self._backends.lines_of(trace_id)]
        assert any(message.startswith("number ") for message in messages)
        assert any(message.startswith("GET /ordinary/") for message in messages)
        assert len(self._backends.items(trace_id)) == 1

    def missing(self, trace_id: str) -> list[str]:
        """Return the sinks in which the odd request itself is missing."""
        arrived: dict[str, list[Document]] = {
            "honeycomb": [span for span in self._backends.spans(trace_id) if span["name"] == "GET /odd"],
            "xray": [each for each in self._backends.segments_of(trace_id) if "type" not in each],
            "cloudwatch": [each for each in self._backends.lines_of(trace_id) if each.get("path") == "/odd"],
        }
        return [sink for sink, documents in arrived.items() if not documents]

    def unbalanced(self) -> dict[str, tuple[int, int]]:
        """Return the sinks whose counts of delivered and dropped items are not the number of those that came."""
        counts = {name: telemetry_of(self.app).sink(name).queue.counts for name in QUEUES}  # type: ignore[union-attr]  # each is on
        sums = {name: each.delivered + each.dropped for name, each in counts.items()}
        # What cannot even be captured is dropped without having come.
        return {name: (self._puts[name], total) for name, total in sums.items() if total < self._puts[name]}


@pytest.fixture(params=["http/json", "http/protobuf"])
def subject(request: pytest.FixtureRequest, make_app: AppFactory, backends: FakeBackends) -> Subject:
    environment = {**backends.environment, "OTEL_EXPORTER_OTLP_PROTOCOL": request.param, "FAULT_ROUTES": "false"}
    return Subject(make_app(environment), backends)


def without_pytest_handlers() -> None:
    """Take pytest's handlers away for the rest of a test: they format messages, whatever the arguments do."""
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if type(handler).__module__.startswith("_pytest."):
            root.removeHandler(handler)


def seeds(target: FuzzTarget) -> Iterator[str]:
    deadline = time.monotonic() + SECONDS
    for number in range(ROUNDS):
        if time.monotonic() > deadline:
            return
        yield f"{SEED} {target.__name__} {number}"


@pytest.mark.parametrize("target", FUZZ_TARGETS, ids=lambda target: target.__name__)
def test_any_value_costs_no_other_request_anything(target: FuzzTarget, subject: Subject) -> None:
    without_pytest_handlers()
    for seed in seeds(target):
        rng = random.Random(seed)
        before = subject.get_ordinary()
        start = time.monotonic()
        odd = subject.get_odd(lambda rng=rng: target(rng))  # type: ignore[misc]  # a lambda of this round
        after = subject.get_ordinary()
        flush(subject.app)
        took = time.monotonic() - start
        unbalanced = subject.unbalanced()  # before anything is read back: those requests are spans, too
        time.sleep(0.02)  # datagrams are read by another thread
        for trace_id in (before, after):
            subject.check_ordinary(trace_id)
        assert subject.missing(odd) == [], seed
        assert unbalanced == {}, seed
        assert took < SLOW, seed
