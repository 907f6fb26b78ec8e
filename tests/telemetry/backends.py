"""Fake back ends for all four sinks on 127.0.0.1, and a way to wait for what they receive."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any

import requests
from flask import Flask, request
from opentelemetry.instrumentation.utils import suppress_instrumentation

from local.fakes import honeycomb, rollbar
from local.fakes.server import LocalServer

NOTHING_IS_SLOW = {"TAIL_SAMPLING_SLOW_SECONDS": "600"}
"""On a busy machine a request may take longer than what makes the service keep its trace."""
KEYS = {"HONEYCOMB_API_KEY": "sentinel-honeycomb-key", "ROLLBAR_ACCESS_TOKEN": "sentinel-rollbar-token"}
WAIT_SECONDS = 30.0
LOG_GROUP = "Cruddur-Backend-Flask"

Document = dict[str, Any]


@dataclass
class FakeLogGroup:
    """Accept PutLogEvents as CloudWatch Logs does: a stream must be created first."""

    streams: set[str] = field(default_factory=set)
    lines: list[Document] = field(default_factory=list)

    def app(self) -> Flask:
        app = Flask("fake-cloudwatch-logs")
        app.post("/")(self.handle)
        return app

    def handle(self) -> tuple[Document, int]:
        action = request.headers["x-amz-target"].rpartition(".")[2]
        body = json.loads(request.get_data())
        if action == "CreateLogStream":
            self.streams.add(body["logStreamName"])
        elif body["logStreamName"] not in self.streams:
            return {"__type": "ResourceNotFoundException", "message": "The specified log stream does not exist."}, 400
        else:
            return self.put(body)
        return {}, 200

    def put(self, body: Document) -> tuple[Document, int]:
        """Accept the events of one PutLogEvents."""
        self.lines += [json.loads(event["message"]) for event in body["logEvents"]]
        return {}, 200


class FakeBackends:
    """Run the four back ends; provide the environment variables that point a service at them."""

    def __init__(self, stack: ExitStack) -> None:
        self.logs = FakeLogGroup()
        self._segments: list[Document] = []
        self._reading = Lock()
        self._honeycomb = stack.enter_context(closing(LocalServer(honeycomb.create_app())))
        self._rollbar = stack.enter_context(closing(LocalServer(rollbar.create_app())))
        self._logs = stack.enter_context(closing(LocalServer(self.logs.app())))
        self._udp = stack.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.settimeout(0)
        self._open = True
        # The system holds few datagrams, where its limit is low.
        thread = Thread(target=self._listen)
        thread.start()
        stack.callback(thread.join, 5)
        stack.callback(self._stop)

    def _stop(self) -> None:
        self._open = False
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as itself:
            itself.sendto(b"", self._udp.getsockname())

    def _listen(self) -> None:
        arrival = select.poll()
        arrival.register(self._udp, select.POLLIN)
        while self._open:
            arrival.poll(1_000)
            self._read()

    def _read(self) -> None:
        """Read all datagrams that have arrived."""
        with self._reading, suppress(BlockingIOError):
            while datagram := self._udp.recv(65_536):
                header, _, document = datagram.partition(b"\n")
                assert json.loads(header) == {"format": "json", "version": 1}
                self._segments.append(json.loads(document))

    @property
    def segments(self) -> list[Document]:
        """The segment documents of all datagrams that were sent until now: loopback delivers at once, in order."""
        self._read()
        return self._segments

    @property
    def environment(self) -> dict[str, str]:
        """The variables that turn every sink on."""
        return {**self.honeycomb, **self.xray, **self.cloudwatch, **self.rollbar, "LOG_CONSOLE": "false"}

    @property
    def honeycomb(self) -> dict[str, str]:
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._honeycomb.url,
            "HONEYCOMB_API_KEY": KEYS["HONEYCOMB_API_KEY"],
            **NOTHING_IS_SLOW,
        }

    @property
    def xray(self) -> dict[str, str]:
        address = f"127.0.0.1:{self._udp.getsockname()[1]}"
        return {"AWS_XRAY_DAEMON_ADDRESS": address, "XRAY_ORIGIN": "AWS::ECS::Fargate", **NOTHING_IS_SLOW}

    @property
    def cloudwatch(self) -> dict[str, str]:
        return {"CLOUDWATCH_LOG_GROUP": LOG_GROUP, "AWS_REGION": "us-east-1"}

    @property
    def rollbar(self) -> dict[str, str]:
        return {
            "ROLLBAR_ENDPOINT": self._rollbar.url + "/api/1/",
            "ROLLBAR_ACCESS_TOKEN": KEYS["ROLLBAR_ACCESS_TOKEN"],
        }

    @property
    def aws(self) -> dict[str, str]:
        """The variables that boto3 reads itself."""
        return {
            "AWS_ENDPOINT_URL": self._logs.url,
            "AWS_ACCESS_KEY_ID": "fake",
            "AWS_SECRET_ACCESS_KEY": "fake",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def spans(self, trace_id: str) -> list[Document]:
        return _get(f"{self._honeycomb.url}/traces/{trace_id}")

    def items(self, trace_id: str = "") -> list[Document]:
        """Return the error items of a trace; without an id, those of no trace."""
        return _get(f"{self._rollbar.url}/items?trace_id={trace_id}")

    def segments_of(self, trace_id: str) -> list[Document]:
        xray_id = f"1-{trace_id[:8]}-{trace_id[8:]}"
        return [segment for segment in self.segments if segment["trace_id"] == xray_id]

    def lines_outside_requests(self, logger: str) -> list[Document]:
        """Return the lines that `logger` wrote outside any request."""
        return [line for line in self.lines_of("-") if line["logger"] == logger]

    def lines_of(self, trace_id: str) -> list[Document]:
        return [line for line in self.logs.lines if line["trace_id"] == trace_id]


def _get(url: str) -> list[Document]:
    with suppress_instrumentation():  # the app's own calls are traced in this process
        documents: list[Document] = requests.get(url, timeout=60).json()
    return documents


def eventually(fetch: Callable[[], list[Document]], count: int) -> list[Document]:
    """Return the documents of `fetch` once there are `count` of them, or those there are after `WAIT_SECONDS`."""
    deadline = time.monotonic() + WAIT_SECONDS
    while len(documents := fetch()) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return documents
