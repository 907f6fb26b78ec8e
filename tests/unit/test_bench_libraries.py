"""The libraries' bench: each variant records the spans that its row claims, and docs/telemetry.md shows every row."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.libraries import report
from bench.libraries.calls import CALLS, Ports
from bench.libraries.rounds import Figures, worker
from bench.libraries.servers import Databases, running_databases
from bench.libraries.variants import BARE, SDK, STOCK, VARIANTS
from bench.testbed.fake_daemon import FakeDaemon
from bench.testbed.fake_servers import FakeSink
from operations.published import section
from tests.unit.fake_sink import wait_until

PAGE = Path("docs/telemetry.md")
FEW = 3
CHECKS = 1
"""Requests that the worker makes of each route, to see that its call succeeds."""
FIRST_CONNECTION = {STOCK: 4}
"""Statements that SQLAlchemy executes once, for its first connection: psycopg's instrumentation records them too."""
HONEYCOMB = {"ours, 100 %", "honeycomb", STOCK}
X_RAY = {"ours, 100 %", "xray", SDK}


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    """Listen on this machine: the variants run in processes of their own."""
    with running_databases() as databases:
        yield databases


@pytest.mark.enable_socket
@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_records_the_spans_that_its_row_claims(name: str, databases: Databases) -> None:
    spans_of_all_calls = (FEW + CHECKS) * sum(VARIANTS[name].spans) + FIRST_CONNECTION.get(name, 0)
    expected = (spans_of_all_calls if name in HONEYCOMB else 0, spans_of_all_calls if name in X_RAY else 0)
    with ExitStack() as stack:
        sink = stack.enter_context(closing(FakeSink(keeps_bodies=True)))
        daemon = stack.enter_context(closing(FakeDaemon(free_udp_port(), keeps_bodies=True)))
        process = stack.enter_context(worker(name, Ports(*databases, sink.port, daemon.port)))
        for call in CALLS:
            [cpu] = process.run(f"{call.path} {FEW}")
            assert 0 < cpu < 1e6
        wait_until(lambda: (spans(sink), subsegments(daemon)) == expected)
        assert (spans(sink), subsegments(daemon)) == expected


def test_the_page_shows_every_call_and_every_variant() -> None:
    rows = re.findall(r"^\| ([^|]*) \| ([^|:]+): [^|]* \| (\d) \|", section(PAGE, "libraries"), re.MULTILINE)
    expected = [(name, str(variant.spans[index])) for index in range(len(CALLS)) for name, variant in VARIANTS.items()]
    assert [(name, count) for _, name, count in rows] == expected
    assert [label for label, _, _ in rows if label.strip()] == [call.label for call in CALLS]


def test_a_ratio_is_to_the_bare_app_of_its_own_round() -> None:
    figures = Figures(((20.0, 10.0), (90.0, 30.0), (50.0, 20.0)))
    assert figures.ratios == [2.0, 3.0, 2.5]
    key = CALLS[0].path, "ours, 0 %"
    row = report.table({key: figures}, {key: Figures(((1234567.0, 1000000.0),))}, rounds=3).splitlines()[-1]
    assert row.endswith("| 0 | 1,234,567 | 1.23 | 50 µs | 2.50 (2.00 to 3.00) |")


def test_a_table_without_instructions_says_so() -> None:
    row = report.table({(CALLS[0].path, BARE): Figures(((1.0, 1.0),))}, {}, rounds=1).splitlines()[-1]
    assert "| not counted |" in row


def test_publishing_replaces_the_table_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "telemetry.md"
    page.write_text("before\n<!-- libraries -->\nold\n<!-- /libraries -->\nafter\n")
    monkeypatch.setattr(report, "PAGE", page)
    report.publish("new\n")
    assert page.read_text() == "before\n<!-- libraries -->\n\nnew\n\n<!-- /libraries -->\nafter\n"


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def spans(sink: FakeSink) -> int:
    """Return the number of spans in the traces that the sink received, as JSON or as protobuf."""
    assert sink.exchanges is not None
    count = 0
    for path, headers, body in sink.exchanges:
        if path == "/v1/traces" and headers["content-type"] == "application/json":
            resources = json.loads(body)["resourceSpans"]
            count += sum(len(scope["spans"]) for resource in resources for scope in resource["scopeSpans"])
        elif path == "/v1/traces":
            request = ExportTraceServiceRequest.FromString(body)
            count += sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
    return count


def subsegments(daemon: FakeDaemon) -> int:
    """Return the number of segments and subsegments that the daemon received."""
    assert daemon.datagrams is not None
    return sum(nested(json.loads(datagram.partition(b"\n")[2])) for datagram in daemon.datagrams)


def nested(document: dict[str, Any]) -> int:
    return 1 + sum(map(nested, document.get("subsegments", [])))
