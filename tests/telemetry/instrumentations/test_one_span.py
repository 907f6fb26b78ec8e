"""A call is one span, whichever of the layers beneath are instrumented or patched, and in which order."""

from __future__ import annotations

from itertools import permutations
from typing import Final

import pytest

from tests.telemetry.instrumentations.conftest import Upstream
from tests.telemetry.instrumentations.programs import run

MODULES: Final = {name: name for name in ("requests", "httpx", "urllib3", "botocore")}
"""The instrumentation that makes the span of each client's call."""
HTTP: Final = """
import os
os.environ.update(AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")

def calls(url):
    # One function for each client. They import their library within the request.
    def requests_():
        import requests
        requests.get(url)
        return ""
    def httpx_():
        import httpx
        httpx.get(url)
        return ""
    def urllib3_():
        import urllib3
        urllib3.request("GET", url)
        return ""
    def botocore_():
        import boto3
        boto3.client("sqs", region_name="us-east-1", endpoint_url=url).list_queues()
        return ""
    return requests_, httpx_, urllib3_, botocore_

def one_each(app, url):
    spans = {each.__name__.strip("_"): spans_of(app, each) for each in calls(url)}
    return {name: module[0][1] if len(module) == 1 else module for name, module in spans.items()}
"""
STEPS: Final = {
    "app": "app = new_app()",
    "libraries": "import requests, httpx, urllib3, botocore.client",
    "patch": "from aws_xray_sdk.core import patch_all; patch_all()",
}


@pytest.mark.parametrize("steps", list(permutations(STEPS)), ids=" ".join)
def test_whoever_comes_first_traces_a_library(upstream: Upstream, steps: tuple[str, ...]) -> None:
    program = HTTP + "\n".join(STEPS[each] for each in steps) + "\nfinish(one_each(app, json.loads(sys.argv[1])))"
    first = "xray_context" if steps.index("patch") < steps.index("app") else ""
    assert run(program, upstream.url) == {name: first or name for name in MODULES} | {"urllib3": "urllib3"}


@pytest.mark.parametrize("patched", ["requests", "botocore", "httplib", "httpx"])
def test_a_patched_library_and_an_instrumented_one_beneath_or_above_it_are_one_span(
    upstream: Upstream, patched: str
) -> None:
    program = f"""
from aws_xray_sdk.core import patch
patch(({patched!r},))
app = new_app()
finish(one_each(app, json.loads(sys.argv[1])))
"""
    patched_by_sdk = {patched: "xray_context"} if patched in MODULES else {}
    assert run(HTTP + program, upstream.url) == MODULES | patched_by_sdk


def test_patching_after_the_app_was_created_changes_nothing_even_twice(upstream: Upstream) -> None:
    program = """
app = new_app()
from aws_xray_sdk.core import patch_all
patch_all(double_patch=True)
patch_all(double_patch=True)
finish(one_each(app, json.loads(sys.argv[1])))
"""
    assert run(HTTP + program, upstream.url) == MODULES


def test_an_application_that_does_both_itself_has_one_span(upstream: Upstream) -> None:
    program = """
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from aws_xray_sdk.core import patch_all
RequestsInstrumentor().instrument()
BotocoreInstrumentor().instrument()
patch_all()
app = new_app()
spans = one_each(app, json.loads(sys.argv[1]))
finish([each if isinstance(each, list) else 1 for each in (spans["requests"], spans["botocore"])])
"""
    assert run(HTTP + program, upstream.url) == [1, 1]


def test_two_calls_of_an_instrumentor_make_one_span(upstream: Upstream) -> None:
    program = """
app = new_app()
from opentelemetry.instrumentation.requests import RequestsInstrumentor
RequestsInstrumentor().instrument()
new_app()
finish(one_each(app, json.loads(sys.argv[1]))["requests"])
"""
    assert run(HTTP + program, upstream.url) == "requests"
