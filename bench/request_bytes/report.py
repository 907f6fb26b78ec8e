"""Print the figures as tables, and publish them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from operations.cost.traffic import MEASURED, Exports, Measured, exports, measured
from operations.published import replace_section

README = Path(__file__).parents[1] / "README.md"
SECTION = "request bytes"


class _Row(NamedTuple):
    name: str
    value: float
    unit: str = " bytes"


def tables(request: Measured, rates: Sequence[Exports]) -> str:
    """Return both tables in Markdown."""
    machine = f"Measured on {request.measured_on}, on {request.machine}."
    lines = [machine, "", "| a request | mean |", "|---|---|"]
    lines += [f"| {name} | {_number(value)}{unit} |" for name, value, unit in _rows(request)]
    columns = ("requests", "PutLogEvents", "requests to Honeycomb", "datagrams to the X-Ray daemon")
    wire = ("bytes a request to CloudWatch", "bytes a request to Honeycomb")
    head = " | ".join((*(f"{each} a second" for each in columns), *wire))
    lines += ["", f"| {head} |", "|---" * (len(columns) + len(wire)) + "|", *map(_exports_row, rates)]
    return "\n".join(lines) + "\n"


def _rows(request: Measured) -> list[_Row]:
    return [
        _Row("a log line, without the 26 bytes that CloudWatch adds to each", request.log_line),
        _Row("log lines", request.log_lines, ""),
        _Row("further lines of a request that fails", request.failure_lines),
        _Row("their number", request.failure_log_lines, ""),
        _Row("lines of a health check", request.health_check_line),
        _Row("the container's standard output and error", request.output),
        _Row("the same until the service is ready, once a start", request.start_output),
        _Row("X-Ray segment", request.segment),
        _Row("the same as a string in PutTraceSegments", request.segment_wire),
        _Row("spans", request.spans, ""),
        _Row("a span as Transaction Search stores it", request.span),
        _Row("to Honeycomb", request.honeycomb),
        _Row("to CloudWatch", request.cloudwatch_wire),
        _Row("to Rollbar, of a request that fails", request.rollbar_item),
        _Row("between client and load balancer, both ways", request.request),
        _Row("of them the response", request.response),
        _Row("requests a second of a vCPU", request.requests_per_vcpu, ""),
        _Row("memory of a worker", request.worker_memory, " MiB"),
    ]


def _exports_row(each: Exports) -> str:
    cells = (
        each.requests,
        each.put_log_events,
        each.honeycomb_requests,
        each.datagrams,
        each.cloudwatch_wire,
        each.honeycomb,
    )
    return f"| {' | '.join(map(_number, cells))} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.1f}"


def publish(request: Measured, rates: Sequence[Exports], *, page: Path = README, file: Path = MEASURED) -> None:
    """Write the figures into `file`, and the tables into the section of `page`."""
    document = {"request": _rounded(asdict(request)), "exports": [_rounded(asdict(each)) for each in rates]}
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    replace_section(page, SECTION, tables(measured(file), exports(file)))


def _rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in figures.items()}
