"""List the parts of the telemetry that replace a stock one, and how each pair is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure of a part and of what it replaces, for the same input.

    `module` is the module of `bench.parts.measurements` that takes it. `repetitions` are those of one round. With
    `new_process`, each round has processes of its own, as memory and imports need.
    """

    module: str
    input: str
    unit: str
    repetitions: int
    new_process: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its files and folders, relative to `service/telemetry`, what it replaces, and its measurements."""

    name: str
    paths: tuple[str, ...]
    replaces: str
    measurements: tuple[Measurement, ...]


PARTS: Final = (
    Part(
        "Tracer and span",
        ("spans",),
        "`opentelemetry-sdk`'s `TracerProvider` and `Span`",
        (Measurement("span", "a span and one within it, two attributes each", "µs", 3000),),
    ),
    Part(
        "OTLP JSON encoder",
        ("sinks/otlp/json_encoder.py",),
        "`opentelemetry-exporter-otlp-proto-common`",
        (
            Measurement("otlp_encoder", "a span of a batch of 512", "µs", 2048),
            Measurement("otlp_size", "the same, size of the body", "bytes", 512, new_process=True),
        ),
    ),
    Part(
        "Log shipper",
        ("sinks/cloudwatch", "log_lines.py"),
        "watchtower's queue and formatter, boto3's client",
        (
            Measurement("log_line", "a log line, all threads, until it is sent", "µs", 2000),
            Measurement("log_line_caller", "the same, the caller's thread", "µs", 2000),
        ),
    ),
    Part(
        "HTTP client",
        ("export/http.py", "export/http_proxy.py"),
        "requests and urllib3",
        (Measurement("http_post", "a POST of 16 KiB, kept-alive, without TLS", "µs", 300),),
    ),
    Part(
        "Trace context and baggage parser",
        ("context/trace_context.py",),
        "OpenTelemetry's two W3C propagators",
        (Measurement("trace_context", "`traceparent`, `tracestate` and `baggage` of a request", "µs", 5000),),
    ),
    Part(
        "GIL pacing",
        ("export/gil_pacing.py",),
        "an export thread that encodes at full speed",
        (Measurement("gil_pacing", "p99 of a lone client, while spans are encoded", "ms", 800),),
    ),
    Part(
        "Rollbar items",
        ("sinks/rollbar",),
        "`rollbar.contrib.flask`, and a thread for each item",
        (
            Measurement("rollbar_request", "an exception, the request's thread", "ms", 40),
            Measurement("rollbar_total", "the same, all threads, until it is sent", "ms", 40),
        ),
    ),
    Part(
        "Sampling client",
        ("sampling/daemon_client.py",),
        "the X-Ray SDK's botocore client",
        (
            Measurement("sampling_fetch", "one fetch of the rules", "µs", 200),
            Measurement("sampling_memory", "memory of a process that has fetched them", "MiB", 1, new_process=True),
        ),
    ),
    Part(
        "X-Ray SDK context and subsegments",
        ("xray_sdk/context.py", "xray_sdk/subsegments.py", "xray_sdk/state.py"),
        "the SDK's own context, entities and emitter",
        (
            Measurement("xray_subsegment", "a subsegment with metadata, the request's thread", "µs", 1000),
            Measurement("xray_segment", "a segment with that, all threads, until it is sent", "µs", 1000),
        ),
    ),
    Part(
        "X-Ray SDK import",
        ("xray_sdk/lean_import.py",),
        "`import aws_xray_sdk.core` as it is",
        (
            Measurement("xray_import_memory", "memory of a process that has imported it", "MiB", 1, new_process=True),
            Measurement("xray_import_cpu", "CPU of the import", "ms", 1, new_process=True),
        ),
    ),
    Part(
        "WSGI middleware",
        ("middleware.py", "context/propagation.py", "context/request_scope.py", "context/semconv.py"),
        "`FlaskInstrumentor`",
        (Measurement("wsgi_request", "a request, its own thread, over the bare app", "µs", 1500),),
    ),
)
MEASUREMENTS: Final = {each.module: each for part in PARTS for each in part.measurements}
