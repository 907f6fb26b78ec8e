from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from flask import Flask, Response, jsonify, request

from local.fakes.server import LocalServer

Serve = Callable[[Flask], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an application on a free port and return its URL."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(closing(LocalServer(app))).url


class EmulatedXRay:
    """The operations that the daemon calls, over a real socket; records the requests."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.authorizations: list[str] = []
        self.unavailable = False
        self.changed = threading.Condition()

    def app(self) -> Flask:
        app = Flask("emulated-xray")

        @app.post("/TraceSegments")
        def put_trace_segments() -> Response | tuple[Response, int]:
            if self.unavailable:
                return jsonify(message="unavailable"), 503
            documents = request.get_json()["TraceSegmentDocuments"]
            with self.changed:
                self.batches.append(documents)
                self.authorizations.append(request.headers["Authorization"])
                self.changed.notify_all()
            unprocessed = [{"ErrorCode": "TooLong"} for document in documents if "refuse-me" in document]
            return jsonify(UnprocessedTraceSegments=unprocessed)

        @app.post("/GetSamplingRules")
        def get_sampling_rules() -> Response:
            self.authorizations.append(request.headers["Authorization"])
            rule = {
                "RuleName": "Cruddur",
                "RuleARN": "arn:aws:xray:us-east-1:000000000000:sampling-rule/Cruddur",
                "ResourceARN": "*",
                "Priority": 9000,
                "FixedRate": 0.1,
                "ReservoirSize": 5,
                "ServiceName": "Backend-Flask",
                "ServiceType": "*",
                "Host": "*",
                "HTTPMethod": "*",
                "URLPath": "*",
                "Version": 1,
            }
            return jsonify(SamplingRuleRecords=[{"SamplingRule": rule, "CreatedAt": 0, "ModifiedAt": 0}])

        @app.post("/SamplingTargets")
        def get_sampling_targets() -> Response:
            document = {"RuleName": "Cruddur", "FixedRate": 0.1, "ReservoirQuota": 5, "Interval": 10}
            return jsonify(SamplingTargetDocuments=[document], LastRuleModification=0, UnprocessedStatistics=[])

        return app

    def wait_for_documents(self, count: int, seconds: float = 10) -> list[str]:
        def received() -> list[str]:
            return [document for batch in self.batches for document in batch]

        with self.changed:
            assert self.changed.wait_for(lambda: len(received()) >= count, timeout=seconds), received()
        return received()


@pytest.fixture
def emulated_xray() -> EmulatedXRay:
    return EmulatedXRay()
