"""Calls carry the trace's headers, sampled or not, and the caller's baggage goes to no host that is not listed."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.telemetry.instrumentations.conftest import Upstream
from tests.telemetry.instrumentations.programs import run

CLIENTS: Final = ("requests", "httpx", "urllib3", "botocore")
NEVER: Final = '{"RuleName":"never","FixedRate":0,"ReservoirSize":0}'
ALWAYS: Final = '{"RuleName":"always","FixedRate":1,"ReservoirSize":0}'
PROGRAM: Final = """
import os
os.environ.update(AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")
url, rule, patched = map(json.loads, sys.argv[1:])
if patched:
    from aws_xray_sdk.core import patch
    patch(patched)
app = new_app(XRAY_SAMPLING_RULE=rule, TAIL_SAMPLING_PER_SECOND="0")  # a slow machine's requests are slow
from flask_onetrace.telemetry.spans import tracer
built = []
LightSpan = tracer.LightSpan
def counted(*args, **kwargs):
    span = LightSpan(*args, **kwargs)
    built.append(span)
    return span
def call():
    import boto3, httpx, requests, urllib3
    requests.get(url)
    httpx.get(url)
    urllib3.request("GET", url)
    boto3.client("sqs", region_name="us-east-1", endpoint_url=url).list_queues()
    return ""
app.view = call
client = app.test_client()
client.get("/view").close()  # the first request imports the libraries
with client.get("/view", headers={"baggage": "user=42"}, buffered=True) as response:
    finish([response.status_code, response.headers["X-Trace-Id"]])
"""


def call(upstream: Upstream, rule: str, *patched: str) -> tuple[str, dict[str, dict[str, str]]]:
    """Return the trace id of a request that calls each client, and the headers that each sent."""
    status, trace_id = run(PROGRAM, upstream.url, rule, list(patched))
    assert status == 200
    return trace_id, dict(zip(CLIENTS, upstream.received[len(CLIENTS) :], strict=True))


def w3c(headers: dict[str, str]) -> list[str]:
    return headers["traceparent"].split("-")


def amzn(headers: dict[str, str]) -> dict[str, str]:
    return dict(each.split("=") for each in headers["x-amzn-trace-id"].split(";"))


@pytest.mark.parametrize("rule", [ALWAYS, NEVER], ids=["sampled", "not sampled"])
def test_each_client_sends_one_trace_context_in_both_formats(upstream: Upstream, rule: str) -> None:
    trace_id, calls = call(upstream, rule)
    for headers in calls.values():
        _, trace, parent, flags = w3c(headers)
        assert trace == trace_id
        assert int(flags, 16) & 1 == (rule == ALWAYS)
        assert amzn(headers) == {
            "Root": f"1-{trace_id[:8]}-{trace_id[8:]}",
            "Parent": parent,
            "Sampled": str(int(rule == ALWAYS)),
        }
    assert len({w3c(headers)[2] for headers in calls.values()}) == len(CLIENTS)


def test_no_client_sends_the_baggage_to_a_host_that_is_not_listed(upstream: Upstream) -> None:
    _, calls = call(upstream, ALWAYS)
    assert [name for name, headers in calls.items() if "baggage" in headers] == []


def test_what_the_x_ray_sdk_has_patched_sends_the_same_ids_in_both_formats(upstream: Upstream) -> None:
    trace_id, calls = call(upstream, ALWAYS, "requests", "httpx")
    for headers in calls.values():
        assert w3c(headers)[1:3] == [trace_id, amzn(headers)["Parent"]]


@pytest.mark.parametrize("rule", [ALWAYS, NEVER], ids=["sampled", "not sampled"])
def test_a_patched_http_client_beneath_a_call_leaves_its_headers_as_they_are(upstream: Upstream, rule: str) -> None:
    begin = "    from aws_xray_sdk.core import xray_recorder\n    xray_recorder.begin_subsegment('work')\n"
    end = "    xray_recorder.end_subsegment()\n"
    within_a_subsegment = PROGRAM.replace("    requests.get(url)", f"{begin}    requests.get(url)").replace(
        '    return ""', f'{end}    return ""'
    )
    run(within_a_subsegment, upstream.url, rule, ["httplib"])
    assert len(upstream.received) == 2 * len(CLIENTS)
    for headers in upstream.received:
        assert w3c(headers)[2] == amzn(headers)["Parent"]


@pytest.mark.parametrize("rule", [ALWAYS, NEVER], ids=["sampled", "not sampled"])
def test_a_task_that_is_queued_carries_the_trace_context(rule: str) -> None:
    program = """
app = new_app(XRAY_SAMPLING_RULE=json.loads(sys.argv[1]), TAIL_SAMPLING_PER_SECOND="0")
sent = []
def enqueue():
    from celery import Celery, signals
    queue = Celery("queue", broker="memory://localhost")
    signals.after_task_publish.connect(lambda headers, **_: sent.append(headers), weak=False)
    queue.send_task("task")
    return ""
app.view = enqueue
with app.test_client().get("/view", buffered=True) as response:
    names = ("traceparent", "X-Amzn-Trace-Id", "baggage")
    finish([response.headers["X-Trace-Id"], {name: sent[0][name] for name in names if name in sent[0]}])
"""
    result: Any = run(program, rule)
    trace_id, headers = result
    assert (w3c(headers)[1], int(w3c(headers)[3], 16) & 1) == (trace_id, int(rule == ALWAYS))
    assert headers["X-Amzn-Trace-Id"].endswith(f"Sampled={int(rule == ALWAYS)}")
    assert "baggage" not in headers


def test_the_calls_of_a_request_that_is_not_sampled_build_no_span(upstream: Upstream) -> None:
    counting = PROGRAM.replace("app.view = call", "tracer.LightSpan = counted\napp.view = call").replace(
        'finish([response.status_code, response.headers["X-Trace-Id"]])', "finish(len(built))"
    )
    assert run(counting, upstream.url, NEVER, []) == 0
    assert len(upstream.received) == 2 * len(CLIENTS)
