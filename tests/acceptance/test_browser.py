"""Each click in a real browser is one trace, from the page through the load balancer to the handler."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from bench.testbed.application import FRONTEND
from local.smoke_test.backends import xray_id
from local.workspace.folders import CHECKOUT
from local.workspace.state import State
from tests.acceptance import census
from tests.acceptance.browser import accessibility_violations, blocking, browser_at, eventually, newest_call
from tests.acceptance.conftest import Deployment

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

EXPECTED_ERROR = "the server responded with a status of 500"
SCREENSHOTS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1100, "height": 760}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1100, "height": 760}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
WITH_ROWS = (
    "CloudWatch: Latency by user id",
    "CloudWatch: Recent traces",
    "CloudWatch: Slowest routes",
    "CloudWatch: Errors by route",
    "CloudWatch: Everything about one trace",
    'X-Ray: Group Cruddur: service("Backend-Flask")',
    'X-Ray: Group Cruddur-Faults: service("Backend-Flask") AND fault',
    "Honeycomb: Latency by user",
    "Honeycomb: Recent traces",
    "Honeycomb: Browser and backend, p95 per route",
    "Honeycomb: Errors by route",
    "Honeycomb: Web vitals by page",
)
WITHOUT_ROWS = (
    "CloudWatch: Dropped telemetry",
    'X-Ray: Group Cruddur-Slow: service("Backend-Flask") AND responsetime > 1',
)


def result_tables(output: str) -> dict[str, list[str]]:
    """Return the lines below each title that `make ask` printed."""
    blocks = [block.splitlines() for block in output.strip().split("\n\n")]
    return {title: rows for title, *rows in blocks}


def spans_of(state: State, trace_id: str) -> list[dict[str, Any]]:
    assert state.fake_ports is not None
    spans: list[dict[str, Any]] = requests.get(
        f"http://127.0.0.1:{state.fake_ports.honeycomb}/traces/{trace_id}", timeout=5
    ).json()
    return spans


def trace_ids(state: State) -> set[str]:
    assert state.fake_ports is not None
    url = f"http://127.0.0.1:{state.fake_ports.honeycomb}/traces?limit=10000"
    return {trace["trace_id"] for trace in requests.get(url, timeout=60).json()}


def frontend_names(state: State, earlier: set[str]) -> set[str]:
    """Return the names of all spans that browsers sent, without those of the `earlier` traces."""
    spans = [span for trace_id in trace_ids(state) - earlier for span in spans_of(state, trace_id)]
    return {each["name"] for each in spans if each["resource"]["service.name"] == FRONTEND}


def _missing(names: set[str]) -> set[str]:
    """Return the spans of a visit that are not in `names`."""
    kinds = {"web-vital" if name.startswith("web-vital ") else name for name in names}
    return {"documentLoad", "load page", "change user", "web-vital"} - kinds


def lineage(spans: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the chain of spans from the root to the first fork, each with its service."""
    chain: list[tuple[str, str]] = []
    parent = None
    while len(children := [each for each in spans if (each["parent_span_id"] or None) == parent]) == 1:
        parent = children[0]["span_id"]
        chain.append((children[0]["name"], children[0]["resource"]["service.name"]))
    return chain


def test_each_click_is_one_trace_in_all_four_backends(deployed: Deployment) -> None:
    url, state = deployed.url, deployed.state
    earlier = trace_ids(state)
    with browser_at(url) as visit:
        page = visit.page
        page.locator("#user").select_option("worf")
        page.get_by_role("link", name="Notifications").click()
        newest_call(page, "/api/activities/notifications")
        page.get_by_role("link", name="Home", exact=True).click()
        home = newest_call(page, "/api/activities/home")
        page.get_by_role("button", name="Make the backend fail").click()
        fault = newest_call(page, "/api/fault")
        page.goto("about:blank")  # leaving the page sends the current batch
        spans = eventually(lambda: spans_of(state, home), lambda result: len(result) >= 4)
        names = eventually(lambda: frontend_names(state, earlier), lambda result: not _missing(result))
    assert _missing(names) == set()
    assert [each for each in visit.console if EXPECTED_ERROR not in each] == []

    assert lineage(spans) == [
        ("click home", "Cruddur-Frontend"),
        ("GET /api/activities/home", "Cruddur-Frontend"),
        ("GET /api/activities/home", "Backend-Flask"),
        ("HomeActivities-MockData", "Backend-Flask"),
    ]
    users = {each["attributes"].get("user.id") for each in spans if each["name"] != "HomeActivities-MockData"}
    assert users == {"worf"}
    expected = census.Census(*map(Counter, ([home, fault], [home, fault], [home, fault], [fault])))
    assert eventually(lambda: census.take(state, [home, fault]), expected.__eq__) == expected


def test_each_call_links_to_its_trace_in_the_console(deployed: Deployment) -> None:
    with browser_at(deployed.url) as visit:
        visit.page.get_by_role("link", name="Home", exact=True).click()
        home = newest_call(visit.page, "/api/activities/home")
        link = visit.page.locator("#calls li.call").first.get_by_role("link", name=f"Open trace {home}")
        assert link.get_attribute("href") == f"http://127.0.0.1:{deployed.state.console_port}/traces/{home}"
        with visit.page.expect_popup() as popup:
            link.click()
        assert eventually(lambda: home in popup.value.locator("body").inner_text(), bool)


def test_a_batch_that_waits_for_the_worker_is_sent_when_the_page_is_left(deployed: Deployment) -> None:
    url, state = deployed.url, deployed.state
    earlier = trace_ids(state)
    with browser_at(url, never_answer="**/relay.worker-*.js") as visit:
        visit.page.locator("#user").select_option("worf")
        visit.wait_until(lambda: visit.pending)  # the first batch waits for the worker
        visit.page.goto("about:blank")
        names = eventually(lambda: frontend_names(state, earlier), lambda result: not _missing(result))
    assert _missing(names) == set()
    assert visit.console == []


def test_every_saved_query_returns_the_telemetry_of_a_visit(deployed: Deployment) -> None:
    with browser_at(deployed.url) as visit:
        visit.page.locator("#user").select_option("worf")
        visit.page.get_by_role("button", name="Make the backend fail").click()
        fault = newest_call(visit.page, "/api/fault")
        visit.page.goto("about:blank")  # leaving the page sends the current batch
        expected = {
            **dict.fromkeys(("CloudWatch: Latency by user id", "Honeycomb: Latency by user"), "worf"),
            **dict.fromkeys(("CloudWatch: Recent traces", "Honeycomb: Recent traces"), fault),
            WITH_ROWS[6]: xray_id(fault),
        }
        # The browser stays open until everything has arrived: a closed one sends nothing more.
        tables = eventually(
            lambda: result_tables(deployed.checkout.run("ask").stdout),
            lambda result: all(map(_has_rows(result), WITH_ROWS)) and not _incomplete(expected, result),
        )
    assert {title for title in tables if not _has_rows(tables)(title)} == set(WITHOUT_ROWS)
    assert set(tables) == {*WITH_ROWS, *WITHOUT_ROWS}
    assert _incomplete(expected, tables) == {}
    markdown = deployed.checkout.run("ask", "--markdown").stdout
    assert all(f"**{title}**" in markdown for title in tables)


def _incomplete(expected: dict[str, str], tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the tables that lack their expected text."""
    return {title: rows for title, text in expected.items() if text not in "\n".join(rows := tables.get(title, []))}


def _has_rows(tables: dict[str, list[str]]) -> Callable[[str], bool]:
    return lambda title: tables.get(title, ["  no rows"]) != ["  no rows"]


def test_the_page_is_accessible_fits_a_phone_and_works_without_the_relay(deployed: Deployment, tmp_path: Path) -> None:
    url = deployed.url
    folder = CHECKOUT / "docs" if os.environ.get("KEEP_SCREENSHOTS") == "1" else tmp_path
    for name, options in SCREENSHOTS.items():
        with browser_at(url, **options) as visit:
            blocked: list[str] = []
            visit.page.context.route("**/v1/traces", blocking(blocked))
            visit.page.get_by_role("link", name="Notifications").click()
            newest_call(visit.page, "/api/activities/notifications")
            visit.page.get_by_role("link", name="Home", exact=True).click()
            newest_call(visit.page, "/api/activities/home")
            assert accessibility_violations(visit.page) == []
            screenshot = visit.page.screenshot(path=folder / f"page-{name}.png")
            assert len(screenshot) > 10_000
            if name == "light":
                visit.wait_until(blocked.copy)
            # No wider than the window: a phone does not scroll sideways.
            assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert visit.console == []


def test_the_page_works_with_the_keyboard_alone(deployed: Deployment) -> None:
    url = deployed.url
    with browser_at(url) as visit:
        page = visit.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the activities"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.get_by_role("link", name="Search").focus()
        page.keyboard.press("Enter")
        page.get_by_label("Search terms").fill("cloud")
        page.keyboard.press("Enter")
        newest_call(page, "/api/activities/search")
    assert visit.console == []
