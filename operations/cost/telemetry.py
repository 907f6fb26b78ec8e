"""What the telemetry of a month amounts to, at each sink: lines, traces and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask_onetrace.contract import Variable
from operations.cost.context import Context
from operations.cost.sampling import sampled

EVENT_BYTES: Final = 26.0
"""That CloudWatch counts for each log event ("PutLogEvents", Amazon CloudWatch Logs API Reference)."""
_CONSOLE: Final = "console"


def line_bytes(context: Context) -> float:
    """Return the bytes of a line in UTF-8, without what CloudWatch adds."""
    given = context.traffic.line_bytes
    return context.measured.log_line if given is None else given


def log_bytes(context: Context) -> float:
    """Return the bytes of the application's lines, as CloudWatch counts them."""
    measured = context.measured
    of_requests = context.requests * measured.log_lines * (line_bytes(context) + EVENT_BYTES)
    return of_requests + context.failures * (measured.failure_lines + measured.failure_log_lines * EVENT_BYTES)


def prints_lines(context: Context) -> bool:
    """Return whether the application prints its lines as well, as it does where `LOG_CONSOLE` is not false."""
    return context.application is not None and context.application.flag(Variable.LOG_CONSOLE, default=True)


def output_bytes(context: Context) -> float:
    """Return the bytes that the application prints: of its starts, its requests, and all lines with `LOG_CONSOLE`."""
    if context.application is None:
        return 0.0
    measured = context.measured
    starts = context.starts(context.application.service) * (measured.start_output + EVENT_BYTES)
    lines = log_bytes(context) if prints_lines(context) else 0.0
    exporters = context.application.variable(Variable.OTEL_TRACES_EXPORTER).split(",")
    spans = sampled(context) * measured.spans * (measured.span + EVENT_BYTES) if _CONSOLE in exporters else 0.0
    return starts + context.requests * measured.output + lines + spans


def traces(context: Context) -> float:
    """Return the traces that X-Ray records: of sampled requests, where the service has a daemon to send them to."""
    application = context.application
    if application is None or not application.is_set(Variable.AWS_XRAY_DAEMON_ADDRESS):
        return 0.0
    return sampled(context)


def honeycomb_requests(context: Context) -> float:
    """Return the requests whose spans Honeycomb gets."""
    application = context.application
    if application is None or not application.is_set(Variable.HONEYCOMB_API_KEY):
        return 0.0
    everything = application.flag(Variable.HONEYCOMB_KEEP_EVERYTHING, default=False)
    return context.requests if everything else sampled(context)


def rollbar_items(context: Context) -> float:
    """Return the items that Rollbar gets: one for each request that fails."""
    application = context.application
    if application is None or not application.is_set(Variable.ROLLBAR_ACCESS_TOKEN):
        return 0.0
    return context.failures


@dataclass(frozen=True, slots=True)
class Transfer:
    """Bytes a month on the wire, and how their number is made."""

    size: float = 0.0
    derivation: str = ""

    def __add__(self, other: Transfer) -> Transfer:
        texts = [each.derivation for each in (self, other) if each.size]
        return Transfer(self.size + other.size, " + ".join(texts))

    def __str__(self) -> str:
        return self.derivation or "none"


def _transfer(count: float, noun: str, size: float, to: str) -> Transfer:
    return Transfer(count * size, f"{count:,.0f} {noun} x {size:,.0f} bytes to {to}")


def vendor_wire(context: Context) -> Transfer:
    """Return what is sent to Honeycomb and Rollbar."""
    measured = context.measured
    honeycomb = _transfer(honeycomb_requests(context), "sampled requests", measured.honeycomb, "Honeycomb")
    return honeycomb + _transfer(rollbar_items(context), "items", measured.rollbar_item, "Rollbar")


def logs_wire(context: Context) -> Transfer:
    """Return what is sent to CloudWatch Logs, which grows with a line's bytes."""
    measured = context.measured
    longer = measured.log_lines * (line_bytes(context) - measured.log_line)
    size = max(0.0, measured.cloudwatch_wire + longer)
    lines = _transfer(context.requests, "requests", size, "CloudWatch Logs")
    return lines + _transfer(context.failures, "failures", measured.failure_lines, "CloudWatch Logs")


def xray_wire(context: Context) -> Transfer:
    """Return what the daemon sends to X-Ray."""
    return _transfer(traces(context), "traces", context.measured.segment_wire, "X-Ray")
