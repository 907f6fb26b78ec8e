from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability as Stability
from opentelemetry.instrumentation.requests import RequestsInstrumentor

from tests.telemetry.backends import FakeBackends
from tests.telemetry.calls.patchers import patch
from tests.telemetry.calls.recorder import CallRecorder
from tests.telemetry.calls.servers import postgres, redis_server
from tests.telemetry.conftest import AppFactory

__all__ = ["patch", "postgres", "redis_server"]

Instrument = Callable[..., None]
OLD, STABLE = "http", "http,database"
both_conventions = pytest.mark.parametrize("opt_in", [OLD, STABLE])


@pytest.fixture
def recorder(make_app: AppFactory, backends: FakeBackends) -> CallRecorder:
    """An app with Honeycomb and X-Ray on: it makes no calls of its own."""
    return CallRecorder(make_app({**backends.honeycomb, **backends.xray, "LOG_CONSOLE": "false"}), backends)


@pytest.fixture
def instrument(recorder: CallRecorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instrument]:  # noqa: ARG001 - the app installs the tracer provider
    """Install an instrumentation with the conventions of `OTEL_SEMCONV_STABILITY_OPT_IN`, until the test ends."""
    with ExitStack() as stack:

        def install(kind: Callable[[], Any], opt_in: str = STABLE, **options: object) -> None:
            instrumentor = kind()
            monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
            monkeypatch.setattr(Stability, "_initialized", False)
            monkeypatch.setattr(Stability, "_OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING", {})
            instrumentor.instrument(skip_dep_check=True, **options)
            stack.callback(instrumentor.uninstrument)

        yield install


@pytest.fixture
def without_requests(recorder: CallRecorder, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - the app installs it, once per process
    """Take the app's instrumentation of `requests` away, until the test ends."""
    instrumentor: Any = RequestsInstrumentor()
    monkeypatch.setattr(requests.Session, "send", requests.Session.send)
    monkeypatch.setattr(instrumentor, "_is_instrumented_by_opentelemetry", True)
    instrumentor.uninstrument()
