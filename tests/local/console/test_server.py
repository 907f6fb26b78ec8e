"""What the console's server accepts, and from whom."""

from __future__ import annotations

import time
from typing import Final

import pytest

from tests.local.console.conftest import Deployed

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

PAGES: Final = ("/", "/traces", f"/traces/{'ab' * 16}", "/stack", "/sinks", "/traces?filter=status:5xx")
NAVIGATION: Final = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def test_a_link_of_another_page_leads_to_a_page_but_to_no_data(deployed: Deployed) -> None:
    for path in PAGES:
        assert deployed.get(path, headers=NAVIGATION).status_code == 200
    assert deployed.get("/api/traces", headers=NAVIGATION).status_code == 403
    for changed in ({"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Mode": "no-cors"}, {"Origin": "https://evil.test"}):
        assert deployed.get("/", headers={**NAVIGATION, **changed}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.test"},
        {"Host": "console.localhost"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_origin_reads_or_sends(deployed: Deployed, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/api/traces"), ("POST", "/api/import"), ("GET", "/api/deployment")):
        assert deployed.request(method, path, headers=headers).status_code == 403


def test_each_response_forbids_scripts_frames_and_what_is_external(deployed: Deployed) -> None:
    for path in ("/", "/static/main.js", "/api/traces", "/nothing"):
        headers = deployed.get(path).headers
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers


def test_nothing_but_the_bundle_is_served_as_a_file(deployed: Deployed) -> None:
    assert deployed.get("/static/main.js").status_code == 200
    for name in ("../index.html", "..%2Findex.html", "%2e%2e/tsconfig.json", "/etc/passwd"):
        assert deployed.get(f"/static/{name}").status_code == 404


def test_an_unchanged_list_is_not_sent_again(deployed: Deployed) -> None:
    trace_id = deployed.send("/api/activities/home")
    deployed.wait_for(trace_id, "honeycomb", "xray", "cloudwatch")
    path, deadline = f"/api/traces?filter=trace:{trace_id}", time.monotonic() + 60
    first = deployed.get(path)
    while [len(each["places"]) for each in first.json()["requests"]] != [3]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        first = deployed.get(path)
    again = deployed.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_list_goes_on_after_a_trace(deployed: Deployed) -> None:
    everything = [each["trace_id"] for each in deployed.get("/api/traces").json()["requests"]]
    first = deployed.get("/api/traces?limit=1").json()
    assert first["more"] is True
    rest = deployed.get(f"/api/traces?before={first['requests'][0]['trace_id']}").json()
    assert [each["trace_id"] for each in rest["requests"]] == everything[1:]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"resourceSpans": 3}', b"[" * 100_000])
def test_what_is_no_export_is_refused_with_the_remedy(deployed: Deployed, body: bytes) -> None:
    response = deployed.request("POST", "/api/import?name=notes.json", data=body)
    assert response.status_code == 422
    assert "notes.json" in response.json()["error"]
    assert response.json()["remedy"]


def test_an_import_is_bounded(deployed: Deployed) -> None:
    assert deployed.request("POST", "/api/import", data=b" " * (17 * 1024 * 1024)).status_code == 413


def test_no_response_holds_a_key(deployed: Deployed) -> None:
    trace_id = deployed.send("/_onetrace/fault")
    deployed.wait_for(trace_id, "rollbar")
    texts = [deployed.get(path).text for path in ("/api/deployment", "/api/traces", f"/api/traces/{trace_id}")]
    for text in texts:
        assert "local-fake" not in text
