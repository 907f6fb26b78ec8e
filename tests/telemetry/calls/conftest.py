from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import entry_points
from typing import Any

import pytest
from opentelemetry.instrumentation._semconv import _OpenTelemetrySemanticConventionStability as Stability

from flask_onetrace.telemetry.instrumentations.discovery import GROUP
from flask_onetrace.telemetry.instrumentations.instrumentation import OPTIONS
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
def recorder(make_app: AppFactory, backends: FakeBackends) -> Iterator[CallRecorder]:
    """An app with Honeycomb and X-Ray on that makes no calls of its own, and no instrumentation on until the end."""
    app = make_app({**backends.honeycomb, **backends.xray, "LOG_CONSOLE": "false"})
    with instrumentations_off():
        yield CallRecorder(app, backends)


@contextmanager
def instrumentations_off() -> Iterator[None]:
    """Turn off what the first app of the process has turned on."""
    with ExitStack() as stack:
        for each in entry_points(group=GROUP):
            module = sys.modules.get(each.module)
            instrumentor = getattr(module, each.attr)() if module is not None else None
            if instrumentor is not None and instrumentor.is_instrumented_by_opentelemetry:
                instrumentor.uninstrument()
                stack.callback(instrumentor.instrument, skip_dep_check=True, **OPTIONS.get(each.name, {}))
        yield


@pytest.fixture
def instrument(recorder: CallRecorder) -> Iterator[Instrument]:  # noqa: ARG001 - the app installs the tracer provider
    """Install an instrumentation with the conventions of `OTEL_SEMCONV_STABILITY_OPT_IN`, until the test ends."""
    with ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())

        def install(kind: Callable[[], Any], opt_in: str = STABLE, **options: object) -> None:
            instrumentor = kind()
            environment.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
            environment.setattr(Stability, "_initialized", False)
            environment.setattr(Stability, "_OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING", {})
            instrumentor.instrument(skip_dep_check=True, **options)
            stack.callback(instrumentor.uninstrument)

        yield install
