"""The sampler is called once per request, and an unsampled request builds nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor

from flask_onetrace.telemetry import telemetry
from flask_onetrace.telemetry.context import semconv
from flask_onetrace.telemetry.sampling.rule import SamplingRequest
from flask_onetrace.telemetry.xray_sdk import context
from flask_onetrace.telemetry.xray_sdk.subsegments import SpanSubsegment
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.sampling.samplers import FixedSampler, local_sampler
from tests.telemetry.tracing import PARENT, ROOT, TRACE, TRACEPARENT, Headers, flush, get, telemetry_of

HOME = "/api/activities/home"


def test_the_sampler_is_called_once_per_request_with_the_requests_fields(
    make_app: AppFactory, backends: FakeBackends
) -> None:
    app = make_app({**backends.environment})
    sampler = telemetry_of(app).sampler = FixedSampler(sampled=True, rate=1)
    get(app, "/api/activities/notifications", host="api.example.com:8080", x_amzn_trace_id=f"Root={ROOT};Sampled=0")
    assert sampler.requests == [
        SamplingRequest(
            service="Backend-Flask",
            host="api.example.com:8080",
            method="GET",
            path="/api/activities/notifications",
            hint=False,
        )
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": TRACEPARENT},
        {"traceparent": f"00-{TRACE}-{PARENT}-ff"},
        {"x_amzn_trace_id": f"Root={ROOT};Parent={PARENT};Sampled=1"},
    ],
    ids=["-01", "every flag", "Sampled=1"],
)
def test_sampled_flags_do_not_raise_the_sampled_share(
    make_app: AppFactory, backends: FakeBackends, headers: Headers
) -> None:
    """A reservoir of 1 and a tenth of the other 1,999 are 201 ± 13: allow four standard deviations."""
    counts = {}
    for name, flags in (("none", {}), ("flood", headers)):
        app = make_app({**backends.honeycomb, "LOG_CONSOLE": "false"})
        telemetry_of(app).sampler = local_sampler(0.1, 1, random.Random(20).random)
        counts[name] = sum(get(app, **flags).sampled for _ in range(2000))
    assert counts["flood"] == counts["none"]
    assert 147 <= counts["flood"] <= 255


def test_with_unsampled_flags_only_the_reservoir_samples(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.honeycomb, "LOG_CONSOLE": "false"})
    telemetry_of(app).sampler = local_sampler(0.1, 3, random.Random(20).random)
    assert sum(get(app, traceparent=TRACEPARENT[:-1] + "0").sampled for _ in range(500)) == 3


class SpanCounter(SpanProcessor):
    """Count the started spans."""

    def __init__(self) -> None:
        self.count = 0

    def on_start(self, *_: object, **__: object) -> None:
        self.count += 1


@pytest.mark.parametrize(("sampled", "expected"), [(True, {"span": 5, "attributes": 2, "subsegment": 1}), (False, {})])
def test_an_unsampled_request_builds_no_spans_attributes_or_subsegments(
    make_app: AppFactory,
    backends: FakeBackends,
    monkeypatch: pytest.MonkeyPatch,
    *,
    sampled: bool,
    expected: dict[str, int],
) -> None:
    app = make_app({**backends.environment, "FAULT_ROUTES": "true"})
    telemetry_of(app).sampler = FixedSampler(sampled=sampled, rate=1)
    span_counter, counts = SpanCounter(), Counter[str]()
    telemetry_of(app).provider.add_span_processor(span_counter)

    def counting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def count(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - passed through
            counts[name] += 1
            return real(*args, **kwargs)

        return count

    monkeypatch.setattr(telemetry, "request_attributes", counting("attributes", semconv.request_attributes))
    monkeypatch.setattr(telemetry, "response_attributes", counting("attributes", semconv.response_attributes))
    monkeypatch.setattr(context, "SpanSubsegment", counting("subsegment", SpanSubsegment))
    notified = get(app, "/api/activities/notifications")
    succeeded = get(app, HOME)
    counts["attributes"] //= 2  # counted for the request and for the response
    counts["span"] = span_counter.count + (1 if sampled else 0)
    assert {name: count for name, count in counts.items() if count} == expected
    failed = get(app, "/api/fault")
    flush(app)
    assert [line["trace_id"] for line in eventually(lambda: backends.lines_of(notified.trace_id), 2)] == (
        [notified.trace_id] * 2
    )
    assert len(backends.lines_of(succeeded.trace_id)) == 1
    [item] = eventually(lambda: backends.items(failed.trace_id), 1)
    assert item["custom"]["span_id"] == failed.span_id
    traces = [*backends.spans(notified.trace_id), *backends.spans(failed.trace_id), *backends.segments]
    assert bool(traces) == sampled
