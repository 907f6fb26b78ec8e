"""A person's clicks in a real browser: each is one trace from the page through the load balancer to the handler."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from local.workspace.folders import CHECKOUT
from local.workspace.state import State
from service.contract import FRONTEND_SERVICE_NAME
from tests.acceptance import census
from tests.acceptance.browser import blocking, browser_at, eventually, grave_faults, newest_call
from tests.acceptance.conftest import Checkout

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

_DELIBERATE = "the server responded with a status of 500"
PICTURES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1100, "height": 760}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1100, "height": 760}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


ANSWERED = (
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
UNANSWERED = (
    "CloudWatch: Dropped telemetry",
    'X-Ray: Group Cruddur-Slow: service("Backend-Flask") AND responsetime > 1',
)


def answers(shown: str) -> dict[str, list[str]]:
    """Return the lines below each question that `make ask` printed."""
    blocks = [block.splitlines() for block in shown.strip().split("\n\n")]
    return {head: rows for head, *rows in blocks}


@pytest.fixture
def deployed(checkout: Checkout) -> tuple[str, State]:
    shown = checkout.run("up")
    found = re.search(r"Up after \d+ s: (http://[a-z0-9-]+\.alb\.localhost:\d+)/", shown.stdout)
    assert found, shown.stdout + shown.stderr
    state = State.load(checkout.state / "state.json")
    assert state is not None
    return found[1], state


def spans_of(state: State, trace_id: str) -> list[dict[str, Any]]:
    assert state.stand_ins is not None
    found: list[dict[str, Any]] = requests.get(
        f"http://127.0.0.1:{state.stand_ins.honeycomb}/traces/{trace_id}", timeout=5
    ).json()
    return found


def frontend_names(state: State) -> set[str]:
    """Return the names of all spans that browsers have sent."""
    assert state.stand_ins is not None
    traces = requests.get(f"http://127.0.0.1:{state.stand_ins.honeycomb}/traces", timeout=5).json()
    spans = [span for trace in traces for span in spans_of(state, trace["trace_id"])]
    return {each["name"] for each in spans if each["resource"]["service.name"] == FRONTEND_SERVICE_NAME}


def _missing(seen: set[str]) -> set[str]:
    """Return what a visit has spans for and `seen` has not."""
    kinds = {"web-vital" if name.startswith("web-vital ") else name for name in seen}
    return {"documentLoad", "load page", "change user", "web-vital"} - kinds


def lineage(spans: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the chain of spans from the root down, each with its service; a fork ends it."""
    chain: list[tuple[str, str]] = []
    parent = None
    while len(below := [each for each in spans if (each["parent_span_id"] or None) == parent]) == 1:
        parent = below[0]["span_id"]
        chain.append((below[0]["name"], below[0]["resource"]["service.name"]))
    return chain


def test_each_click_is_one_trace_in_all_four_places(deployed: tuple[str, State]) -> None:
    url, state = deployed
    with browser_at(url) as visit:
        page = visit.page
        page.locator("#user").select_option("worf")
        page.get_by_role("link", name="Notifications").click()
        newest_call(page, "/api/activities/notifications")
        page.get_by_role("link", name="Home", exact=True).click()
        home = newest_call(page, "/api/activities/home")
        page.get_by_role("button", name="Make the backend fail").click()
        fault = newest_call(page, "/api/fault")
        page.goto("about:blank")  # what waits for its batch is sent as the page goes
        spans = eventually(lambda: spans_of(state, home), lambda found: len(found) >= 4)
        seen = eventually(lambda: frontend_names(state), lambda found: not _missing(found))
    assert _missing(seen) == set()
    assert [each for each in visit.complaints if _DELIBERATE not in each] == []

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


def test_what_waits_for_the_worker_is_sent_when_the_page_goes(deployed: tuple[str, State]) -> None:
    url, state = deployed
    with browser_at(url, unanswered="**/relay.worker-*.js") as visit:
        visit.page.locator("#user").select_option("worf")
        visit.wait_until(lambda: visit.unanswered)  # the first batch is made: it waits for the worker
        visit.page.goto("about:blank")
        seen = eventually(lambda: frontend_names(state), lambda found: not _missing(found))
    assert _missing(seen) == set()
    assert visit.complaints == []


def test_every_saved_question_is_answered_by_what_people_did(checkout: Checkout, deployed: tuple[str, State]) -> None:
    with browser_at(deployed[0]) as visit:
        visit.page.locator("#user").select_option("worf")
        visit.page.get_by_role("button", name="Make the backend fail").click()
        fault = newest_call(visit.page, "/api/fault")
        visit.page.goto("about:blank")  # what waits for its batch is sent as the page goes
        told = {
            **dict.fromkeys(("CloudWatch: Latency by user id", "Honeycomb: Latency by user"), "worf"),
            **dict.fromkeys(("CloudWatch: Recent traces", "Honeycomb: Recent traces"), fault),
            ANSWERED[6]: f"1-{fault[:8]}-{fault[8:]}",
        }
        # The browser stays open till all has come: one that is closed sends nothing more.
        found = eventually(
            lambda: answers(checkout.run("ask").stdout),
            lambda each: all(map(_has_rows(each), ANSWERED)) and not _untold(told, each),
        )
    assert {question for question in found if not _has_rows(found)(question)} == set(UNANSWERED)
    assert set(found) == {*ANSWERED, *UNANSWERED}
    assert _untold(told, found) == {}
    tables = checkout.run("ask", "--markdown").stdout
    assert all(f"**{question}**" in tables for question in found)


def _untold(told: dict[str, str], found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the answers that do not name what they were to tell of."""
    return {question: rows for question in told if told[question] not in "\n".join(rows := found.get(question, []))}


def _has_rows(found: dict[str, list[str]]) -> Callable[[str], bool]:
    return lambda question: found.get(question, ["  nothing"]) != ["  nothing"]


def test_the_page_looks_cared_for_and_works_without_the_relay(deployed: tuple[str, State], tmp_path: Path) -> None:
    url, _ = deployed
    kept = CHECKOUT / "docs" if os.environ.get("KEEP_SCREENSHOTS") == "1" else tmp_path
    for name, options in PICTURES.items():
        with browser_at(url, **options) as visit:
            blocked: list[str] = []
            visit.page.context.route("**/v1/traces", blocking(blocked))
            visit.page.get_by_role("link", name="Notifications").click()
            newest_call(visit.page, "/api/activities/notifications")
            visit.page.get_by_role("link", name="Home", exact=True).click()
            newest_call(visit.page, "/api/activities/home")
            assert grave_faults(visit.page) == []
            picture = visit.page.screenshot(path=kept / f"page-{name}.png")
            assert len(picture) > 10_000
            if name == "light":
                visit.wait_until(blocked.copy)
            # As wide as the window: a phone never scrolls sideways.
            assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert visit.complaints == []


def test_the_page_is_used_by_keyboard_alone(deployed: tuple[str, State]) -> None:
    url, _ = deployed
    with browser_at(url) as visit:
        page = visit.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the activities"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.get_by_role("link", name="Search").focus()
        page.keyboard.press("Enter")
        page.get_by_label("Words to look for").fill("cloud")
        page.keyboard.press("Enter")
        newest_call(page, "/api/activities/search")
    assert visit.complaints == []
