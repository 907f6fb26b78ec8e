"""Print the figures as tables, and publish them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from operations.cost.traffic import MEASURED, Exports, Measured, exports, measured
from operations.published import replace_section, table

README = Path(__file__).parents[1] / "README.md"
SECTION = "request bytes"

_EXPORTS: Final = {
    "requests": "requests a second",
    "put_log_events": "PutLogEvents a second",
    "honeycomb_requests": "requests to Honeycomb a second",
    "datagrams": "datagrams to the X-Ray daemon a second",
    "cloudwatch_wire": "bytes a request to CloudWatch",
    "honeycomb": "bytes a request to Honeycomb",
}
"""The columns of the fields of `Exports`."""


def tables(request: Measured, rates: Sequence[Exports]) -> str:
    """Return both tables in Markdown."""
    machine = f"Measured on {request.measured_on}, on {request.machine}."
    means = table(["a request", "mean"], ([name, f"{_number(mean)}{unit}"] for name, mean, unit in _rows(request)))
    rows = table([*_EXPORTS.values()], ([_number(getattr(each, name)) for name in _EXPORTS] for each in rates))
    return f"{machine}\n\n{means}\n\n{rows}\n"


def _rows(request: Measured) -> list[tuple[str, float, str]]:
    return [
        ("a log line, without the 26 bytes that CloudWatch adds to each", request.log_line, " bytes"),
        ("log lines", request.log_lines, ""),
        ("further lines of a request that fails", request.failure_lines, " bytes"),
        ("their number", request.failure_log_lines, ""),
        ("lines of a health check", request.health_check_line, " bytes"),
        ("the container's standard output and error", request.output, " bytes"),
        ("the same until the service is ready, once a start", request.start_output, " bytes"),
        ("X-Ray segment", request.segment, " bytes"),
        ("the same as a string in PutTraceSegments", request.segment_wire, " bytes"),
        ("spans", request.spans, ""),
        ("a span as Transaction Search stores it", request.span, " bytes"),
        ("to Honeycomb", request.honeycomb, " bytes"),
        ("to CloudWatch", request.cloudwatch_wire, " bytes"),
        ("to Rollbar, of a request that fails", request.rollbar_item, " bytes"),
        ("between client and load balancer, both ways", request.request, " bytes"),
        ("of them the response", request.response, " bytes"),
        ("requests a second of a vCPU", request.requests_per_vcpu, ""),
        ("memory of a worker", request.worker_memory, " MiB"),
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.1f}"


def publish(request: Measured, rates: Sequence[Exports], *, page: Path = README, file: Path = MEASURED) -> None:
    """Write the figures into `file`, and the tables into the section of `page`."""
    document = {"request": _round_floats(asdict(request)), "exports": [_round_floats(asdict(each)) for each in rates]}
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    replace_section(page, SECTION, tables(measured(file), exports(file)))


def _round_floats(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in figures.items()}
