"""Serve the same routes with the stock instrumentations and with ours."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from werkzeug.test import TestResponse

from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import Telemetry
from flask_onetrace.telemetry_config import telemetry_config
from tests.telemetry.parity.compare import Plain, plain_segment, plain_span
from tests.telemetry.parity.routes import RequestSpec, make_app, send

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def stock() -> dict[str, Any]:
    """What the stock instrumentations record for every case."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.telemetry.parity.stock"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    records: dict[str, Any] = json.loads(process.stdout)
    return records


class InstrumentedApp:
    """The routes with our telemetry installed, and what it records."""

    def __init__(self, name: str) -> None:
        self._daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._daemon.bind(("127.0.0.1", 0))
        self._daemon.settimeout(0)
        self.app = make_app(name)
        self.telemetry = Telemetry(telemetry_config(Settings.from_env(self._settings(name))))
        self.telemetry.install(self.app)
        # Added as a user would add their own exporter.
        self._exporter = InMemorySpanExporter()
        self.telemetry.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def _settings(self, name: str) -> dict[str, str]:
        return {
            "XRAY_ORIGIN": "AWS::ECS::Fargate",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{self._daemon.getsockname()[1]}",
            "AWS_XRAY_TRACING_NAME": name,
            "SERVICE_VERSION": "1.2.3",
            "LOG_CONSOLE": "false",
        }

    def send(self, spec: RequestSpec) -> TestResponse:
        return send(self.app, spec)

    @property
    def spans(self) -> list[Plain]:
        return [plain_span(span) for span in self._exporter.get_finished_spans()]

    @property
    def segments(self) -> list[Plain]:
        """The documents that the X-Ray daemon's socket has received since the last call."""
        assert self.telemetry.flush(10)
        return [plain_segment(json.loads(datagram.partition(b"\n")[2])) for datagram in self._datagrams()]

    def _datagrams(self) -> Iterator[bytes]:
        with suppress(BlockingIOError):  # no datagram is left
            while True:
                yield self._daemon.recv(65_536)

    def close(self) -> None:
        self.telemetry.shutdown()
        self._daemon.close()


@pytest.fixture
def serve(socket_enabled: None) -> Iterator[Callable[[str], InstrumentedApp]]:  # noqa: ARG001 - for the daemon's socket
    """Create instrumented apps by service name."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(closing(InstrumentedApp(name)))


@pytest.fixture
def ours(serve: Callable[[str], InstrumentedApp]) -> InstrumentedApp:
    return serve("Backend-Flask")
