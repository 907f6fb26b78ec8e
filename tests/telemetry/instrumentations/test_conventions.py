"""Spans of HTTP clients follow the stable conventions, which the X-Ray sink reads, whoever instrumented them first."""

from __future__ import annotations

import pytest

from tests.telemetry.instrumentations.conftest import Upstream
from tests.telemetry.instrumentations.programs import run

STABLE = {"http.request.method": "GET", "http.response.status_code": 200}
PROGRAM = """
{before}
app = new_app({variables})
def call():
    import httpx, requests, urllib3
    url = json.loads(sys.argv[1])
    requests.get(url)
    urllib3.request("GET", url)
    httpx.get(url)
    return ""
app.add_url_rule("/call", "call", call)
app.test_client().get("/call", buffered=True).close()
*calls, server = app.recorder.take()
names = ("http.request.method", "http.response.status_code", "http.method", "http.status_code")
finish([{{name: each.attributes[name] for name in names if name in each.attributes}} for each in calls])
"""


@pytest.mark.parametrize(
    "before",
    [
        "",
        "import requests, urllib3, httpx",
        "from opentelemetry.instrumentation.requests import RequestsInstrumentor as R; R().instrument()",
        "from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor as H; H().instrument()\n"
        "from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor as U; U().instrument()",
        "from opentelemetry.instrumentation.redis import RedisInstrumentor as R; R().instrument()",
    ],
    ids=["first import in a handler", "libraries first", "requests instrumented first", "others first", "redis first"],
)
def test_an_application_that_came_first_changes_nothing(upstream: Upstream, before: str) -> None:
    assert run(PROGRAM.format(before=before, variables=""), upstream.url) == [STABLE] * 3


def test_conventions_that_the_environment_selects_are_kept(upstream: Upstream) -> None:
    both = {**STABLE, "http.method": "GET", "http.status_code": 200}
    program = PROGRAM.format(before="", variables="")
    assert run(program, upstream.url, environ={"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup"}) == [both] * 3


def test_an_applications_own_hooks_are_kept_where_the_conventions_are_right(upstream: Upstream) -> None:
    program = """
from opentelemetry.instrumentation.requests import RequestsInstrumentor
RequestsInstrumentor().instrument(request_hook=lambda span, request: span.update_name("hooked"))
app = new_app()
def call():
    import requests
    requests.get(json.loads(sys.argv[1]))
    return ""
finish([spans_of(app, call), detail()["requests"]])
"""
    spans, state = run(program, upstream.url, environ={"OTEL_SEMCONV_STABILITY_OPT_IN": "http"})
    assert (spans, state) == ([["hooked", "requests"]], "on, by the application")
