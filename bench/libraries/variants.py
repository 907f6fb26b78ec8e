"""Define the variants that are compared, and build a variant's app in the process that measures it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Final, NamedTuple

from flask import Flask

from bench.libraries.calls import Ports, add_routes
from bench.overhead.subject import Subject
from bench.overhead.variants import environment_of
from bench.paths import SERVICE_NAME


class Variant(NamedTuple):
    """Who traces the calls, and the spans or segments and subsegments of one request, by the order of `CALLS`."""

    description: str
    spans: tuple[int, int, int]


BARE: Final = "bare"
STOCK: Final = "OpenTelemetry"
SDK: Final = "X-Ray SDK"
VARIANTS: Final = {
    BARE: Variant("nothing", (0, 0, 0)),
    "ours, 100 %": Variant("all four sinks, every request sampled", (3, 2, 2)),
    "ours, 0 %": Variant("all four sinks, none sampled", (0, 0, 0)),
    "honeycomb": Variant("ours, that sink alone, every request sampled", (3, 2, 2)),
    STOCK: Variant("its SDK and OTLP exporter, `FlaskInstrumentor`", (4, 2, 2)),
    "xray": Variant("ours, that sink alone, every request sampled", (3, 2, 2)),
    SDK: Variant("its Flask middleware and patchers; it has none for redis", (2, 1, 2)),
}
_INSTRUMENTATIONS: Final = frozenset({"botocore", "psycopg", "redis", "sqlalchemy", "urllib3"})
"""Those of the libraries that the calls import, which the telemetry turns on too."""
_PATCHERS: Final = ("sqlalchemy_core", "botocore")
"""With psycopg's as well, each statement would be two subsegments."""
_SPAN_INTERVAL_MS: Final = 5000
"""The default of `BatchSpanProcessor`."""


def build(name: str, ports: Ports, *, slowdown: int = 1) -> Subject:
    """Return the variant `name`; `slowdown` multiplies the queues' intervals, as for `bench.overhead`."""
    environment = environment_of(name, ports.http, ports.udp)
    os.environ.update(environment)
    app = Flask("shop")
    subject = _WIRING.get(name, _ours)(app, environment, slowdown)
    add_routes(app, ports)
    return subject


def _bare(app: Flask, _: Mapping[str, str], __: int) -> Subject:
    return Subject(app, lambda: None, lambda: 0)


def _ours(app: Flask, environment: Mapping[str, str], slowdown: int) -> Subject:
    import flask_onetrace.telemetry.sampling.lean_import  # noqa: F401, PLC0415 - each variant imports only what it needs
    from bench.overhead import ours  # noqa: PLC0415 - as above

    return ours.instrument(app, environment, slowdown)


def _stock(app: Flask, _: Mapping[str, str], slowdown: int) -> Subject:
    from opentelemetry import trace  # noqa: PLC0415 - as above
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - as above
    from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above

    provider = TracerProvider()
    interval = _SPAN_INTERVAL_MS * slowdown
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=interval))
    trace.set_tracer_provider(provider)
    FlaskInstrumentor().instrument_app(app)  # type: ignore[no-untyped-call]  # it publishes no types
    for each in entry_points(group="opentelemetry_instrumentor"):
        if each.name in _INSTRUMENTATIONS:
            each.load()().instrument()
    return Subject(app, provider.force_flush)


def _x_ray_sdk(app: Flask, _: Mapping[str, str], __: int) -> Subject:
    from aws_xray_sdk.core import patch, xray_recorder  # noqa: PLC0415 - as above
    from aws_xray_sdk.ext.flask.middleware import XRayMiddleware  # noqa: PLC0415 - as above

    xray_recorder.configure(service=SERVICE_NAME, sampling=False)
    XRayMiddleware(app, xray_recorder)
    patch(_PATCHERS)
    return Subject(app, lambda: None)  # it sends each segment on the request's thread


_WIRING: Final[Mapping[str, Callable[[Flask, Mapping[str, str], int], Subject]]] = {
    BARE: _bare,
    STOCK: _stock,
    SDK: _x_ray_sdk,
}
