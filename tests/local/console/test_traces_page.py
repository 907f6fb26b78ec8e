"""What people do on the page of traces: against a local deployment and its real requests, in headless Chromium."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect

from local.workspace.folders import CHECKOUT
from tests.acceptance.browser import accessibility_violations
from tests.local.console.conftest import Chromium, Deployed

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

USER: Final = "worf"
FAULT: Final = "/api/fault"
DESKTOP: Final = {"width": 1440, "height": 900}
PHONE: Final = {"width": 375, "height": 740}
PANES: Final = ("honeycomb", "xray", "cloudwatch", "rollbar")
SCRIPT: Final = "document.title='broken'"
HOSTILE: Final = f'<img src=x onerror="{SCRIPT}"></script><script>{SCRIPT}</script>\u202egpj.exe\x07'
SPANS: Final = 1_000
SLOW_BODIES: Final = """
const fetched = window.fetch;
window.fetch = async (url, init = {}) => {
  if (!String(url).includes("/api/traces/") || sessionStorage.bodies === "whole") return fetched(url, init);
  const body = new ReadableStream({
    start: (stream) => init.signal.addEventListener("abort", () => stream.error(init.signal.reason)),
  });
  window.waiting = true;
  return new Response(body);
};
"""
"""Responses whose headers have come, and whose bodies never do."""
KEEP_SCREENSHOTS: Final = os.environ.get("KEEP_SCREENSHOTS") == "1"


def click_that_fails(deployed: Deployed, chromium: Chromium) -> str:
    context = chromium.browser.new_context()
    page = context.new_page()
    page.goto(deployed.service)
    page.select_option("select", label=USER)
    page.get_by_role("button", name="Make the backend fail").click()
    call = page.locator("#calls li.call", has_text=FAULT).first
    expect(call).to_be_visible()
    match = re.search(r"\b[0-9a-f]{32}\b", call.inner_text())
    assert match
    # The browser's spans are sent when the page is left.
    deadline = time.monotonic() + 30
    while len(deployed.get(f"/api/traces/{match[0]}").json()["places"]["honeycomb"]["items"]) < 3:
        assert time.monotonic() < deadline
        page.wait_for_timeout(200)
    context.close()
    deployed.wait_for(match[0], *PANES)
    return match[0]


@pytest.fixture(scope="module")
def failed(deployed: Deployed, chromium: Chromium) -> str:
    """Return the trace id of a click on the service's page that failed: it has spans of the browser, and an item."""
    return click_that_fails(deployed, chromium)


@pytest.fixture(scope="module")
def pictured(deployed: Deployed, chromium: Chromium, failed: str) -> str:
    """Return `failed`; for the documentation's pictures that of another click, after requests of every kind."""
    if not KEEP_SCREENSHOTS:
        return failed
    assert deployed.request("DELETE", "/api/import").status_code == 200
    for path in (
        "/api/activities/search?term=warp",
        "/_onetrace/slow",
        "/api/activities/@worf",
        "/api/activities/home",
    ):
        deployed.send(path)
    deployed.send("/api/activities/nobody")
    return click_that_fails(deployed, chromium)


@pytest.fixture(autouse=True)
def _no_errors(chromium: Chromium) -> Iterator[None]:
    chromium.messages.clear()
    yield
    assert chromium.errors == []


def pane(page: Page, place: str) -> Locator:
    return page.locator(f"#pane-{place}")


def otlp(trace_id: str, names: list[str], value: str = "") -> dict[str, Any]:
    """Return an export of a span and its children, as OTLP JSON has them."""
    start = time.time_ns()
    spans = [
        {
            "traceId": trace_id,
            "spanId": f"{index + 1:016x}",
            "parentSpanId": f"{1:016x}" if index else "",
            "name": name,
            "startTimeUnixNano": str(start + index * 1_000_000),
            "endTimeUnixNano": str(start + index * 1_000_000 + 5_000_000),
            "attributes": [{"key": value or "key", "value": {"stringValue": value}}],
        }
        for index, name in enumerate(names)
    ]
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {}, "spans": spans}]}]}


def test_make_up_prints_the_address_of_the_page(deployed: Deployed) -> None:
    assert f"See each request in all four places: {deployed.url}/\n" in deployed.output


def test_a_new_request_is_listed_without_a_reload_unless_paused(deployed: Deployed, chromium: Chromium) -> None:
    with chromium.at("/") as page:
        first = deployed.send("/api/activities/home")
        expect(page.locator(f'[data-trace="{first}"]')).to_be_visible()
        page.get_by_role("button", name="Pause").click()
        second = deployed.send("/api/activities/home")
        deployed.wait_for(second, "honeycomb")
        page.wait_for_timeout(2000)
        assert page.locator(f'[data-trace="{second}"]').count() == 0
        page.get_by_role("button", name="Resume").click()
        expect(page.locator(f'[data-trace="{second}"]')).to_be_visible()


def test_one_trace_is_in_four_panes_with_the_log_lines_under_their_span(chromium: Chromium, failed: str) -> None:
    with chromium.at(f"/traces/{failed}", viewport=DESKTOP) as page:
        rows = pane(page, "honeycomb").locator(".row-line")
        expect(rows).to_have_count(5)
        levels = [(row.get_attribute("aria-level"), row.text_content() or "") for row in rows.all()]
        assert [level for level, _ in levels] == ["1", "2", "3", "4", "4"]
        assert "Cruddur-Frontend" in levels[0][1]
        assert "Backend-Flask" in levels[2][1]
        assert "log line" in levels[3][1]
        assert "Exception on /api/fault" in levels[3][1]

        segment = pane(page, "xray").locator(".row")
        segment.locator(".row-line").click()
        expect(segment).to_contain_text("DeliberateError")
        expect(segment).to_contain_text("rollbar_uuid")
        expect(pane(page, "cloudwatch").get_by_role("listitem")).to_have_count(2)
        expect(pane(page, "rollbar")).to_contain_text("Person")
        expect(pane(page, "rollbar")).to_contain_text(USER)
        expect(pane(page, "rollbar").locator(".frames li").first).to_contain_text("raise DeliberateError")


def test_both_formats_of_the_shared_id_are_copied(chromium: Chromium, failed: str) -> None:
    with chromium.at(f"/traces/{failed}", viewport=DESKTOP) as page:
        for name, text in (("Copy the trace id", failed), ("Copy the X-Ray trace id", f"1-{failed[:8]}-{failed[8:]}")):
            page.get_by_role("button", name=name).click()
            assert page.evaluate("navigator.clipboard.readText()") == text


def test_the_same_thing_is_marked_in_every_pane_and_a_click_chooses_it(chromium: Chromium, failed: str) -> None:
    with chromium.at(f"/traces/{failed}", viewport=DESKTOP) as page:
        pane(page, "rollbar").locator(".item-head").hover()
        for place in PANES:
            expect(pane(page, place).locator(".pointed").first).to_be_visible()
        pane(page, "xray").locator(".row-line").click()
        for place in PANES:
            expect(pane(page, place).locator(".chosen").first).to_be_visible()


def test_the_json_of_a_place_is_one_click_away(chromium: Chromium, failed: str) -> None:
    with chromium.at(f"/traces/{failed}", viewport=DESKTOP) as page:
        for place in PANES:
            pane(page, place).get_by_role("button", name="JSON of").click()
            text = pane(page, place).locator("pre.raw").inner_text()
            assert isinstance(json.loads(text), list)


def test_what_is_missing_is_shown_with_its_reason(deployed: Deployed, chromium: Chromium) -> None:
    trace_id = deployed.send("/api/activities/home")
    deployed.wait_for(trace_id, "honeycomb", "xray", "cloudwatch")
    with chromium.at(f"/traces/{trace_id}") as page:
        absence = pane(page, "rollbar").locator('[data-reason="no-error"]')
        expect(absence).to_contain_text("did not fail")
    with chromium.at(f"/traces/{'ab' * 16}") as page:
        expect(page.locator('[data-reason="unknown-trace"]:visible')).to_have_count(1)
    with chromium.at("/traces/nonsense") as page:
        expect(page.get_by_role("alert").filter(has_text="no trace id")).to_be_visible()


def test_a_trace_whose_body_was_still_arriving_is_left_for_another(
    deployed: Deployed, chromium: Chromium, failed: str
) -> None:
    other = deployed.send("/api/activities/home")
    with chromium.at("/") as page:
        page.evaluate(SLOW_BODIES)
        page.locator(f'[data-trace="{failed}"]').click()
        page.wait_for_function("window.waiting")
        page.evaluate("sessionStorage.bodies = 'whole'")
        page.locator(f'[data-trace="{other}"]').click()
        expect(page.locator(f'article[aria-label="Trace {other}"]')).to_be_visible()


def test_an_answer_that_is_not_json_is_an_error_with_its_remedy(chromium: Chromium, failed: str) -> None:
    with chromium.at("/") as page:
        page.route(f"**/api/traces/{failed}", lambda route: route.fulfill(body='{"trace_id": "cut o'))
        page.locator(f'[data-trace="{failed}"]').click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("The console's server answered with something other than JSON")
        expect(alert).to_contain_text("make up")


def test_a_filter_is_in_the_address_and_its_errors_are_under_it(chromium: Chromium, failed: str) -> None:
    with chromium.at("/", viewport=DESKTOP) as page:
        box = page.get_by_role("searchbox", name="Filter")
        box.fill("status:5x")
        expect(page.locator("#filter-problem")).to_contain_text("status:404, status:5xx or status:>=500")
        box.fill(f"status:5xx user:{USER}")
        expect(page.locator("#filter-problem")).to_be_empty()
        row = page.locator(f'[data-trace="{failed}"]')
        expect(row).to_be_visible()
        expect(page.locator(".request", has_text="200")).to_have_count(0)
        page.get_by_role("button", name="has error").click()
        expect(page).to_have_url(re.compile(r"filter=status%3A5xx%20user%3Aworf%20place%3Arollbar"))
        page.reload()
        expect(box).to_have_value(f"status:5xx user:{USER} place:rollbar")
        row.click()
        expect(page).to_have_url(re.compile(rf"/traces/{failed}\?filter="))
        page.go_back()
        expect(page.get_by_text("Select a request")).to_be_visible()


def test_the_keyboard_alone_is_enough(deployed: Deployed, chromium: Chromium, failed: str) -> None:
    deployed.send("/api/activities/home")
    with chromium.at(f"/?filter=trace:{failed}", viewport=DESKTOP) as page:
        expect(page.locator(".request")).to_have_count(1)
        page.keyboard.press("j")
        expect(page).to_have_url(re.compile(failed))
        expect(page.locator(f'[data-trace="{failed}"]')).to_be_focused()
        expect(pane(page, "honeycomb").locator(".row-line").first).to_be_visible()
        page.keyboard.press("2")
        expect(pane(page, "xray")).to_be_visible()
        expect(pane(page, "honeycomb")).to_have_count(0)
        page.keyboard.press("Escape")
        page.keyboard.press("Enter")
        expect(pane(page, "honeycomb").locator(".row-line").first).to_be_focused()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(pane(page, "honeycomb").locator(".row").nth(1)).to_contain_text("http.request.method")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
        expect(pane(page, "honeycomb").locator(".row-line")).to_have_count(1)
        page.keyboard.press("/")
        box = page.get_by_role("searchbox", name="Filter")
        expect(box).to_be_focused()
        page.keyboard.press("Escape")
        expect(box).to_have_value("")
        expect(page).to_have_url(re.compile(rf"/traces/{failed}$"))
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("Next request")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(page).to_have_url(re.compile(r"/traces$"))


def test_enter_goes_from_the_filter_to_the_first_match_and_on_into_its_panes(chromium: Chromium, failed: str) -> None:
    with chromium.at("/", viewport=DESKTOP) as page:
        expect(page.get_by_role("searchbox", name="Filter")).to_be_visible()  # its scripts run
        page.keyboard.press("/")
        page.keyboard.type(f"trace:{failed}")
        page.keyboard.press("Enter")
        expect(page.locator(f'[data-trace="{failed}"]')).to_be_focused()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(rf"/traces/{failed}"))
        page.keyboard.press("Enter")
        expect(pane(page, "honeycomb").locator(".row-line").first).to_be_focused()


def test_the_list_is_one_stop_of_the_tab_key(chromium: Chromium, failed: str) -> None:
    with chromium.at(f"/traces/{failed}", viewport=DESKTOP) as page:
        expect(page.locator(".request").nth(1)).to_be_visible()
        expect(pane(page, "honeycomb")).to_be_visible()
        page.locator(f'[data-trace="{failed}"]').focus()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('.request') === null")


def test_the_exception_is_under_the_title_and_leads_to_its_place(chromium: Chromium, failed: str) -> None:
    with chromium.at(f"/traces/{failed}", viewport=DESKTOP) as page:
        cause = page.locator(".cause-line")
        expect(cause).to_contain_text("DeliberateError: this route fails on purpose")
        expect(cause).to_contain_text(re.compile(r"service/routes/faults\.py:\d+"))
        cause.click()
        expect(pane(page, "rollbar").locator(".items")).to_be_focused()
        expect(pane(page, "rollbar").locator(".item.chosen")).to_be_visible()
        # What one row of panes does not need, the other has.
        upper, lower = (pane(page, place).bounding_box() for place in ("honeycomb", "rollbar"))
        assert upper
        assert lower
        assert upper["height"] < lower["height"]


def test_a_client_error_is_a_warning_in_every_pane(deployed: Deployed, chromium: Chromium) -> None:
    trace_id = deployed.send("/api/nothing")
    deployed.wait_for(trace_id, "honeycomb", "xray", "cloudwatch")
    with chromium.at(f"/traces/{trace_id}", viewport=DESKTOP) as page:
        expect(pane(page, "xray").locator(".row.warned")).to_have_count(1)
        expect(pane(page, "honeycomb").locator(".row.warned")).to_have_count(2)
        expect(page.locator(".row.failed, .cause-line")).to_have_count(0)


def test_the_order_is_in_the_address_and_the_amount_is_that_of_all(deployed: Deployed, chromium: Chromium) -> None:
    slow = deployed.send("/_onetrace/slow")
    deployed.wait_for(slow, "honeycomb", "cloudwatch")
    with chromium.at("/?filter=place:cloudwatch", viewport=DESKTOP) as page:
        amount = deployed.get("/api/traces?filter=place:cloudwatch").json()["total"]
        expect(page.locator(".list-head [role=status]")).to_have_text(re.compile(rf"^{amount} requests$"))
        page.get_by_role("button", name="Newest first").click()
        expect(page).to_have_url(re.compile("sort%3Aduration"))
        expect(page.locator(".request").first).to_contain_text("/_onetrace/slow")
        page.get_by_role("button", name="Slowest first").click()
        expect(page).not_to_have_url(re.compile("sort"))


def test_health_checks_and_files_are_hidden_until_they_are_asked_for(deployed: Deployed, chromium: Chromium) -> None:
    trace_id = deployed.send(deployed.asset())
    deployed.wait_for(trace_id, "honeycomb")
    with chromium.at("/", viewport=DESKTOP) as page:
        row = page.locator(f'[data-trace="{trace_id}"]')
        expect(page.locator(".left-out")).to_contain_text("hidden")
        expect(row).to_have_count(0)
        page.get_by_role("link", name="Show").click()
        expect(row).to_have_count(1)
        page.get_by_role("link", name="Hide them").click()
        expect(row).to_have_count(0)


def test_a_term_that_cannot_match_names_the_nearest_and_the_known_attributes_are_offered(
    chromium: Chromium, failed: str
) -> None:
    with chromium.at("/?filter=stats:5xx", viewport=DESKTOP) as page:
        expect(page.locator(".list .empty")).to_contain_text("No request has the attribute stats")
        page.locator(".list .empty").get_by_role("link", name="status").click()
        expect(page.locator(f'[data-trace="{failed}"]')).to_be_visible()
        page.get_by_role("button", name="More filters").click()
        page.locator(".attributes").get_by_role("button", name="Cruddur-Frontend").click()
        expect(page).to_have_url(re.compile("service.name%3ACruddur-Frontend"))
        expect(page.locator(f'[data-trace="{failed}"]')).to_be_visible()


def test_a_span_is_found_by_its_text_and_the_slowest_by_its_time(deployed: Deployed, chromium: Chromium) -> None:
    trace_id = "6b0c0002" + "e" * 24
    document = otlp(trace_id, [f"span {index}" for index in range(SPANS)])
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans[700]["endTimeUnixNano"] = str(int(spans[700]["startTimeUnixNano"]) + 2_000_000_000)
    assert deployed.request("POST", "/api/import", json=document).status_code == 200
    with chromium.at(f"/traces/{trace_id}", viewport=DESKTOP) as page:
        expect(pane(page, "honeycomb").locator(".row-line").first).to_be_visible()
        page.keyboard.press("f")
        page.keyboard.type("SPAN 99")
        found = page.locator(".found")
        expect(found).to_have_text("11")
        expect(pane(page, "honeycomb").locator(".row.dimmed").first).to_be_visible()
        for position, name in ((1, "span 99"), (2, "span 990")):
            page.keyboard.press("Enter")
            expect(found).to_have_text(f"{position} of 11")
            expect(pane(page, "honeycomb").get_by_text(name, exact=True)).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("s")
        expect(pane(page, "honeycomb").locator(".row.current")).to_contain_text("span 700")
        expect(pane(page, "honeycomb").locator(".row.current .row-line")).to_be_focused()


def test_imported_traces_are_apart_and_can_be_removed(deployed: Deployed, chromium: Chromium) -> None:
    trace_id = "6b0c0003" + "e" * 24
    document = otlp(trace_id, ["GET /"])
    span = document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["attributes"] = [{"key": "http.response.status_code", "value": {"stringValue": "204"}}]
    assert deployed.request("POST", "/api/import", json=document).status_code == 200
    with chromium.at(f"/traces/{trace_id}", viewport=DESKTOP) as page:
        row = page.get_by_role("region", name="Imported").locator(f'[data-trace="{trace_id}"]')
        expect(row).to_contain_text("204")
        expect(pane(page, "rollbar").locator('[data-reason="not-in-file"].harmless')).to_be_visible()
        page.get_by_role("button", name="Remove").click()
        expect(row).to_have_count(0)
        assert deployed.get("/api/traces").json()["imported"] == []


@pytest.mark.parametrize("form", ["OTLP", "X-Ray"])
def test_an_exported_trace_can_be_imported(chromium: Chromium, failed: str, form: str, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    with chromium.at(f"/traces/{failed}", viewport=DESKTOP) as page:
        with page.expect_download() as download:
            page.get_by_role("link", name=form).click()
        assert failed in download.value.suggested_filename
        other = failed[:8] + ("c" if form == "OTLP" else "d") * 24
        text = download.value.path().read_text(encoding="utf-8")
        file.write_text(text.replace(failed, other).replace(failed[8:], other[8:]), encoding="utf-8")
        page.locator("input[type=file]").set_input_files(file)
        expect(page).to_have_url(re.compile(other))
        place = "honeycomb" if form == "OTLP" else "xray"
        expect(pane(page, place).locator(".row-line").first).to_be_visible()
        expect(page.get_by_role("region", name="Imported").locator(f'[data-trace="{other}"]')).to_be_visible()


def test_a_dropped_file_that_is_no_trace_is_refused_with_the_remedy(chromium: Chromium) -> None:
    with chromium.at("/") as page:
        expect(page.locator(".request").first).to_be_visible()
        page.evaluate(
            """() => {
                const data = new DataTransfer();
                data.items.add(new File(["{}"], "notes.json"));
                window.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
            }"""
        )
        expect(page.locator(".notice")).to_contain_text("notes.json")
        expect(page.locator(".notice")).to_contain_text("OTLP JSON")


def test_hostile_telemetry_is_shown_as_text(deployed: Deployed, chromium: Chromium) -> None:
    trace_id = "6b0c0000" + "e" * 24
    document = otlp(trace_id, [HOSTILE, "x" * 100_000], HOSTILE)
    assert deployed.request("POST", "/api/import", json=document).status_code == 200
    with chromium.at(f"/traces/{trace_id}", viewport=DESKTOP) as page:
        row = pane(page, "honeycomb").locator(".row").first
        row.locator(".row-line").click()
        expect(row).to_contain_text("<img src=x onerror")
        expect(row).to_contain_text("\\u202egpj.exe\\u0007")
        assert page.locator(".panes img, .panes script").count() == 0
        assert page.title() != "broken"
        assert len(pane(page, "honeycomb").inner_text()) < 10_000


def test_only_the_rows_in_view_of_a_thousand_spans_are_drawn(deployed: Deployed, chromium: Chromium) -> None:
    trace_id = "6b0c0001" + "e" * 24
    document = otlp(trace_id, [f"span {index}" for index in range(SPANS)])
    assert deployed.request("POST", "/api/import", json=document).status_code == 200
    with chromium.at(f"/traces/{trace_id}", viewport=DESKTOP) as page:
        rows = pane(page, "honeycomb").locator(".row-line")
        expect(rows.first).to_be_visible()
        assert rows.count() < 100
        assert pane(page, "honeycomb").locator(".tick").all_inner_texts() == ["0", "500 ms", "1 s"]
        pane(page, "honeycomb").locator(".virtual").evaluate("element => element.scrollTop = element.scrollHeight")
        expect(pane(page, "honeycomb").get_by_text(f"span {SPANS - 1}", exact=True)).to_be_visible()
        assert rows.count() < 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(chromium: Chromium, pictured: str, scheme: str, tmp_path: Path) -> None:
    """The screenshots are those of the documentation: KEEP_SCREENSHOTS=1 writes them to docs/."""
    folder = CHECKOUT / "docs" if KEEP_SCREENSHOTS else tmp_path
    with chromium.at(f"/traces/{pictured}", viewport=DESKTOP, color_scheme=scheme, reduced_motion="reduce") as page:
        pane(page, "xray").locator(".row-line").click()
        expect(page.locator(".refreshing.on")).to_have_count(0)
        assert accessibility_violations(page) == []
        page.mouse.move(0, 0)
        page.screenshot(path=folder / f"console-{scheme}.png")
        page.get_by_role("button", name="More filters").click()
        pane(page, "honeycomb").locator(".row-line").nth(2).click()
        pane(page, "cloudwatch").locator(".line-head").first.click()
        assert accessibility_violations(page) == []
        page.get_by_role("button", name="Keyboard shortcuts").click()
        assert accessibility_violations(page) == []


def test_a_phone_has_the_list_then_the_trace(chromium: Chromium, failed: str) -> None:
    with chromium.at(f"/?filter=trace:{failed}", viewport=PHONE) as page:
        page.locator(".request").click()
        expect(pane(page, "rollbar")).to_be_visible()
        expect(page.locator(".list")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert accessibility_violations(page) == []
        page.get_by_role("link", name="Back to the list").click()
        expect(page.locator(".list")).to_be_visible()


def test_the_theme_can_be_chosen_and_stays(chromium: Chromium) -> None:
    with chromium.at("/", color_scheme="light") as page:
        background = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(background)
        page.get_by_role("button", name="Theme: system").click()
        page.get_by_role("button", name="Theme: light").click()
        assert page.evaluate(background) != light
        page.reload()
        expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
        assert page.evaluate(background) != light
