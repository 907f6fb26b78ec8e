from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import requests
from flask import Flask

from flask_onetrace.contract import Output
from flask_onetrace.telemetry.config import Secret
from local.backing_services.deployment import FakeHoneycombReader
from local.backing_services.emulated_aws import EmulatedAws
from local.fakes import honeycomb, rollbar
from local.fakes.server import LocalServer
from operations.traces.deployment import Deployment
from operations.traces.document import Json
from operations.traces.otlp import export_of
from operations.traces.places.rollbar import RollbarReader
from tests.local.conftest import emulated_aws
from tests.sample import names_of

__all__ = ["emulated_aws"]

KEY, TOKEN = "sentinel-honeycomb-key", "sentinel-rollbar-token"


_numbers = itertools.count()


class Places:
    """The four places over real sockets, each written to as the service writes, and a health check."""

    def __init__(self, aws: EmulatedAws, stack: ExitStack) -> None:
        self._stack = stack
        self.client = stack.enter_context(requests.Session())
        self.client.trust_env = False
        self.honeycomb_url = self.serve(honeycomb.create_app())
        self.rollbar_url = self.serve(rollbar.create_app())
        self.sinks: dict[str, Any] = {name: {"on": True} for name in ("honeycomb", "xray", "cloudwatch", "rollbar")}
        service = Flask("service")
        service.add_url_rule("/_onetrace/health", "health", lambda: {"version": "1.2.3", "sinks": self.sinks})
        self.group = f"group-{time.time_ns()}"
        aws.logs.create_log_group(logGroupName=self.group)
        aws.logs.create_log_stream(logGroupName=self.group, logStreamName="task/1")
        self.rollbar_reader = RollbarReader(self.client, f"{self.rollbar_url}/api/1/", Secret(TOKEN))
        self.deployment = Deployment(
            # An environment of its own: the tests of a module share the emulated X-Ray.
            names=names_of(f"t{next(_numbers)}"),
            region="us-east-1",
            url=self.serve(service),
            outputs={Output.LOG_GROUP: self.group, Output.TASK_DEFINITION: "none"},
            aws=aws,
            honeycomb=FakeHoneycombReader(self.client, self.honeycomb_url),
            rollbar=self.rollbar_reader,
        )

    def serve(self, app: Flask) -> str:
        return self._stack.enter_context(closing(LocalServer(app))).url

    def send_spans(self, *spans: Json) -> None:
        headers = {"x-honeycomb-team": KEY}
        self.client.post(f"{self.honeycomb_url}/v1/traces", json=export_of(spans), headers=headers).raise_for_status()

    def send_items(self, *items: Json) -> None:
        for each in items:
            url = f"{self.rollbar_url}/api/1/item/"
            self.client.post(url, json={"access_token": TOKEN, "data": each}).raise_for_status()

    def send_lines(self, *lines: tuple[float, str]) -> None:
        """Put messages into the log group, each with its time in seconds since the epoch."""
        events: Any = [{"timestamp": int(at * 1000), "message": message} for at, message in sorted(lines)]
        self.deployment.aws.logs.put_log_events(logGroupName=self.group, logStreamName="task/1", logEvents=events)

    def settings(self, url: str, **settings: object) -> None:
        self.client.post(f"{url}/settings", json=settings).raise_for_status()


@pytest.fixture
def places(emulated_aws: EmulatedAws) -> Iterator[Places]:
    with ExitStack() as stack:
        yield Places(emulated_aws, stack)
