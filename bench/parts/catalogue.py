"""List the parts of the telemetry that replace a stock one, and what is measured of each pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what it is of, and its unit."""

    label: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part: its files and folders, and what it replaces.

    `module` of `bench.parts.measurements` takes the figures, by `repetitions` in each round. With `new_process`, each
    round starts new processes, which measuring an import requires.
    """

    name: str
    paths: tuple[str, ...]
    replaces: str
    module: str
    repetitions: int
    figures: tuple[Figure, ...]
    new_process: bool = False


PARTS: Final = (
    Part(
        name="Tracer and span",
        paths=("flask_onetrace/telemetry/spans",),
        replaces="`opentelemetry-sdk`'s `TracerProvider` and `Span`",
        module="tracer",
        repetitions=3000,
        figures=(Figure("a span and one within it, two attributes each", "µs"),),
    ),
    Part(
        name="OTLP JSON encoder",
        paths=("flask_onetrace/telemetry/sinks/otlp/json_encoder.py",),
        replaces="`opentelemetry-exporter-otlp-proto-common`",
        module="otlp_encoder",
        repetitions=2048,
        figures=(Figure("a span of a batch of 512", "µs"), Figure("its share of the body", "bytes")),
    ),
    Part(
        name="Log shipper",
        paths=("flask_onetrace/telemetry/sinks/cloudwatch", "flask_onetrace/telemetry/log_lines.py"),
        replaces="watchtower's queue and formatter, boto3's client",
        module="log_shipper",
        repetitions=2000,
        figures=(Figure("a log line, the caller's thread", "µs"), Figure("all threads, until it is sent", "µs")),
    ),
    Part(
        name="HTTP client",
        paths=("flask_onetrace/telemetry/export/http.py", "flask_onetrace/telemetry/export/http_proxy.py"),
        replaces="requests and urllib3",
        module="http_client",
        repetitions=300,
        figures=(Figure("a POST of 16 KiB, kept-alive, without TLS", "µs"),),
    ),
    Part(
        name="Trace context and baggage parser",
        paths=("flask_onetrace/telemetry/context/trace_context.py",),
        replaces="OpenTelemetry's two W3C propagators",
        module="trace_context",
        repetitions=5000,
        figures=(Figure("`traceparent`, `tracestate` and `baggage` of a request", "µs"),),
    ),
    Part(
        name="GIL pacing",
        paths=("flask_onetrace/telemetry/export/gil_pacing.py",),
        replaces="an export thread that encodes at full speed",
        module="gil_pacing",
        repetitions=400,
        figures=(Figure("p99 of a lone client, while spans are encoded", "ms"),),
    ),
    Part(
        name="Rollbar items",
        paths=("flask_onetrace/telemetry/sinks/rollbar",),
        replaces="`rollbar.contrib.flask`, and the SDK's thread for each item",
        module="rollbar_items",
        repetitions=40,
        figures=(Figure("an exception, the request's thread", "ms"), Figure("all threads, until it is sent", "ms")),
    ),
    Part(
        name="Sampling client",
        paths=("flask_onetrace/telemetry/sampling/daemon_client.py",),
        replaces="the X-Ray SDK's botocore client",
        module="sampling_client",
        repetitions=200,
        figures=(Figure("one fetch of the rules", "µs"), Figure("memory of a process that does nothing else", "MiB")),
    ),
    Part(
        name="X-Ray SDK context and subsegments",
        paths=(
            "flask_onetrace/telemetry/xray_sdk/context.py",
            "flask_onetrace/telemetry/xray_sdk/subsegments.py",
            "flask_onetrace/telemetry/xray_sdk/state.py",
        ),
        replaces="the SDK's own context, entities and emitter",
        module="xray_sdk_api",
        repetitions=1000,
        figures=(
            Figure("a subsegment with metadata, the request's thread", "µs"),
            Figure("a segment with that, the request's thread", "µs"),
            Figure("all threads, until it is sent", "µs"),
        ),
    ),
    Part(
        name="X-Ray SDK import",
        paths=("flask_onetrace/telemetry/sampling/lean_import.py",),
        replaces="plain `import aws_xray_sdk.core`",
        module="xray_sdk_import",
        repetitions=1,
        figures=(Figure("CPU of the import", "ms"), Figure("memory of a process that does nothing else", "MiB")),
        new_process=True,
    ),
    Part(
        name="WSGI middleware",
        paths=(
            "flask_onetrace/telemetry/middleware.py",
            "flask_onetrace/telemetry/context/propagation.py",
            "flask_onetrace/telemetry/context/request_scope.py",
            "flask_onetrace/telemetry/context/semconv.py",
        ),
        replaces="`FlaskInstrumentor`",
        module="wsgi_middleware",
        repetitions=1500,
        figures=(Figure("a request, its own thread, over the bare app", "µs"),),
    ),
)
