"""The pages "Stack" and "Sinks" in a real browser, of a deployment by `make up`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from flask_onetrace.contract import SECRET_PLACEHOLDER, Output
from local.console.stack.routes import SECTIONS
from local.workspace.http_client import direct_client
from tests.acceptance.browser import accessibility_violations
from tests.local.console.conftest import Deployed
from tests.local.console.deployed import Local, eventually, headless_chromium, local_deployment, opened

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

SENTINEL = "hunter2-sentinel-9c1f"
HONEYCOMB_KEY = "local/cruddur/honeycomb-api-key"
FAKE_KEY = "local-fake-honeycomb-api-key"
HOSTILE = "<img src=x onerror=document.title='broken'><script>document.title='broken'</script>"
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1400, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1400, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


@pytest.fixture(scope="module")
def local(deployed: Deployed) -> Local:
    return Local(deployed.folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with headless_chromium() as browser:
        yield browser


@pytest.fixture
def stack(local: Local, browser: Browser) -> Iterator[Page]:
    with opened(browser, f"{local.console}/stack", expected="422") as page:
        yield page


@pytest.fixture
def sinks(local: Local, browser: Browser) -> Iterator[Page]:
    with opened(browser, f"{local.console}/sinks") as page:
        yield page


def section(local: Local, name: str) -> dict[str, Any]:
    response = local.api(f"/stack/{name}")
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def test_the_stack_is_shown_as_the_apis_of_aws_describe_it(local: Local, stack: Page) -> None:
    state = local.state
    assert state.service is not None
    expect(stack.locator("#service")).to_contain_text(f"running, {state.service.pid}")
    expect(stack.locator("#service")).to_contain_text("What serves is a process of this machine")
    expect(stack.locator("#load-balancer tbody")).to_contain_text(f"127.0.0.1:{state.service.port}●\u00a0healthy")
    expect(stack.locator("#alarms tbody tr")).to_have_count(len(local.aws.cloudwatch.describe_alarms()["MetricAlarms"]))
    expect(stack.locator("#log-groups")).to_contain_text(state.outputs[Output.LOG_GROUP])
    expect(stack.locator("#log-groups")).to_contain_text("1 day")
    expect(stack.locator("#xray-groups")).to_contain_text('service("Backend-Flask") AND fault')
    expect(stack.locator("#secrets")).to_contain_text(f"{HONEYCOMB_KEY}HONEYCOMB_API_KEY")


def test_resources_are_filtered_and_the_filter_is_in_the_address(stack: Page, browser: Browser) -> None:
    stack.get_by_label("Filter resources").fill("logs::loggroup complete")

    rows = stack.locator("#stacks tbody tr")
    expect(rows).to_have_count(2)
    assert stack.url.endswith("/stack?resources=logs%3A%3Aloggroup%20complete")
    with opened(browser, stack.url) as again:
        expect(again.locator("#stacks tbody tr")).to_have_count(2)
    stack.get_by_label("Filter resources").fill(HOSTILE)
    expect(stack.locator("#stacks .empty-note").first).to_contain_text(HOSTILE)


def test_outputs_lead_to_what_has_them_on_this_machine(local: Local, stack: Page) -> None:
    stack.locator("#stacks summary", has_text="output").first.click()

    url = stack.locator("#stacks dl div", has_text=re.compile("^Url")).get_by_role("link")
    expect(url).to_have_attribute("href", f"http://127.0.0.1:{local.state.load_balancer_port}")
    expect(stack.locator("#stacks dl div", has_text="XRayConsole").get_by_role("link")).to_have_attribute(
        "href", "/traces"
    )


def test_rules_have_the_counts_that_the_service_has_reported(local: Local, stack: Page) -> None:
    for _ in range(12):
        local.request("/api/activities/home")

    def is_counted() -> bool:
        rules = {each["name"]: each for each in section(local, "sampling")["rules"]}
        return bool(rules["Cruddur"]["matched"] >= 12 and rules["Cruddur"]["sampled"] >= 12)

    eventually(is_counted, stack)
    rules = stack.locator("#sampling tbody tr")
    expect(rules.nth(0)).to_contain_text("8999Cruddur-Health service Backend-Flaskpath /api/health-check")
    expect(rules.nth(1)).to_contain_text(re.compile(r"9000Cruddur.*5 a second100 % of the rest.*100 %"))
    expect(rules.nth(2)).to_contain_text(re.compile("10000Default ○\u00a0fallback *every request"))


def test_a_click_runs_a_query_and_its_traces_are_links(local: Local, stack: Page) -> None:
    trace_id = local.request("/_onetrace/fault").headers["X-Trace-Id"]
    row = stack.locator(".queries > li", has_text="Recent traces").first

    def has_arrived() -> bool:
        row.get_by_role("button", name="Run").click()
        expect(row.get_by_role("status")).to_contain_text(re.compile(r"\d rows? in [\d.]+ ms"))
        return trace_id in row.locator("tbody").inner_text()

    eventually(has_arrived, stack)
    row.get_by_role("link", name=trace_id, exact=True).click()
    assert stack.url == f"{local.console}/traces/{trace_id}"
    stack.go_back()
    expect(stack.locator(".queries > li", has_text="Recent traces").first.locator("tbody")).to_contain_text(trace_id)


def test_the_query_about_one_trace_takes_the_newest_failed_one(stack: Page) -> None:
    row = stack.locator(".queries > li", has_text="Everything about one trace")
    row.get_by_role("button", name="Run").click()

    expect(row.get_by_role("status")).to_contain_text(re.compile(r"2 rows in .* about [0-9a-f]{32}\."))
    expect(row.locator("tbody")).to_contain_text("DeliberateError")
    row.get_by_label("Trace id").fill("no-id")
    row.get_by_role("button", name="Run").click()
    expect(row.get_by_role("status")).to_contain_text("'no-id' is no trace idUse 32 hexadecimal digits.")


def test_every_saved_query_runs(local: Local) -> None:
    for query in section(local, "queries")["queries"]:
        response = run_query(local, query["key"])
        assert response.status_code == 200, response.text
        assert response.json()["count"] == len(response.json()["rows"])


def run_query(local: Local, key: object, **headers: str) -> requests.Response:
    with direct_client() as client:
        return client.post(f"{local.console}/api/stack/queries", json={"key": key}, headers=headers, timeout=30)


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.test"}]
)
def test_no_other_origin_can_run_a_query_or_read_a_section(local: Local, headers: dict[str, str]) -> None:
    assert run_query(local, "xray/Cruddur", **headers).status_code == 403
    with direct_client() as client:
        for path in ("stack/service", "stack/secrets", "sinks"):
            assert client.get(f"{local.console}/api/{path}", headers=headers, timeout=30).status_code == 403


@pytest.mark.parametrize("key", [None, "", "xray/no", {"a": 1}, HOSTILE])
def test_what_is_no_query_is_refused_with_the_names_of_all(local: Local, key: object) -> None:
    response = run_query(local, key)

    assert response.status_code == 422
    assert "cloudwatch/Cruddur-local/Recent traces" in response.json()["remedy"]


def test_no_value_of_a_secret_leaves_the_server(local: Local, browser: Browser) -> None:
    secrets = local.aws.secrets
    try:
        secrets.put_secret_value(SecretId=HONEYCOMB_KEY, SecretString=SENTINEL)
        with opened(browser, f"{local.console}/stack") as page:
            bodies: list[str] = []
            page.on("response", lambda response: bodies.append(response.text()) if "/api/" in response.url else None)
            row = page.locator("#secrets tr", has_text=HONEYCOMB_KEY)
            expect(row).to_contain_text(re.compile("●\u00a0set(?!,)"))
            open_details(page)
            assert SENTINEL not in page.content()
            bodies += [local.api(f"/stack/{name}").text for name in SECTIONS]
            bodies += [local.api("/sinks").text, local.api("/deployment").text]
            assert not [body for body in bodies if SENTINEL in body]
            secrets.put_secret_value(SecretId=HONEYCOMB_KEY, SecretString=SECRET_PLACEHOLDER)
            expect(row).to_contain_text("placeholder: what needs it is off")
            expect(page.get_by_role("navigation", name="Sections")).to_contain_text("2 of 3 set")
    finally:
        secrets.put_secret_value(SecretId=HONEYCOMB_KEY, SecretString=FAKE_KEY)


def open_details(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")


def test_hostile_text_is_shown_as_text(local: Local, browser: Browser) -> None:
    logs, group = local.aws.logs, local.state.outputs[Output.LOG_GROUP]
    message = json.dumps({"trace_id": f"{HOSTILE}\u202e", "message": f"{HOSTILE}\n" * 40, "logger": "hostile"})
    stream = f"hostile-{time.time_ns()}"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events: Any = [{"timestamp": int(datetime.now(UTC).timestamp() * 1000), "message": message}]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    text = 'filter logger = "hostile"\n| fields trace_id, message'
    name = f"Cruddur-local/{HOSTILE}"
    definition = logs.put_query_definition(name=name, queryString=text)["queryDefinitionId"]
    try:
        with opened(browser, f"{local.console}/stack") as page:
            row = page.locator(".queries > li", has_text=HOSTILE)
            row.get_by_role("button", name="Run").click()
            expect(row.locator("tbody td").first).to_have_text(rf"{HOSTILE}\u202e")
            assert page.locator(".queries img, .queries script").count() == 0
            expect(page).to_have_title("Stack · Cruddur")
    finally:
        logs.delete_query_definition(queryDefinitionId=definition)


def test_sinks_show_what_they_have_delivered_and_how_fast(local: Local, sinks: Page) -> None:
    expect(sinks.get_by_role("heading", name="Service 1 worker answers")).to_be_visible()
    before = delivered(sinks)
    sinks.wait_for_timeout(3_000)
    for _ in range(20):
        local.request("/_onetrace/fault")

    eventually(lambda: delivered(sinks) >= before + 20, sinks)
    chart = sinks.locator("section.sink", has_text="X-Ray").get_by_role("img").first
    expect(chart).to_have_attribute(
        "aria-label", re.compile(r"Delivered over ten minutes: .* a second now, .*[1-9].* at most")
    )
    rollbar = sinks.locator("section.sink", has_text="Rollbar")
    rollbar.locator("summary").click()
    expect(rollbar.locator("tbody tr").first).to_contain_text(re.compile(r"\d"))
    off = sinks.locator("section.sink", has_text="Standard output")
    expect(off).to_contain_text("Off, because LOG_CONSOLE is false.")


def delivered(page: Page) -> int:
    text = page.locator("section.sink", has_text="Rollbar").locator("dd").first.inner_text()
    match = re.match(r"[\d,]+", text)
    return int(match[0].replace(",", "")) if match else -1


def test_readings_leave_no_trace_and_no_log_line(local: Local, sinks: Page) -> None:
    def paths() -> list[str]:
        now = datetime.now(UTC)
        pages = local.aws.xray.get_paginator("get_trace_summaries").paginate(
            StartTime=now - timedelta(minutes=30), EndTime=now + timedelta(minutes=1)
        )
        return [each["Http"]["HttpURL"] for page in pages for each in page["TraceSummaries"]]

    def lines() -> int:
        pages = local.aws.logs.get_paginator("filter_log_events").paginate(
            logGroupName=local.state.outputs[Output.LOG_GROUP], filterPattern='{ $.path = "/api/health-check" }'
        )
        return sum(len(page["events"]) for page in pages)

    expect(sinks.get_by_role("heading", name="Service 1 worker answers")).to_be_visible()
    eventually(lambda: "X-Ray's" in sinks.locator("section", has_text="Workers").last.inner_text(), sinks)
    before, lines_before = [each for each in paths() if "health" in each], lines()
    sinks.wait_for_timeout(7_000)

    assert len(local.api("/sinks").json()["readings"]) >= 3
    assert [each for each in paths() if "health" in each] == before
    assert lines() == lines_before


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", ["stack", "sinks"])
def test_pages_are_accessible_and_fit(local: Local, browser: Browser, name: str, screen: str) -> None:
    with opened(browser, f"{local.console}/{name}", **SCREENS[screen]) as page:
        expect(page.locator(".card").last).to_be_visible()
        expect(page.get_by_text("Reading …")).to_have_count(0)
        open_details(page)
        assert accessibility_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen]["viewport"]["width"]


def test_a_query_is_run_by_keyboard_alone(stack: Page) -> None:
    expect(stack.locator(".queries > li").first).to_be_visible()
    stack.keyboard.press("Tab")
    for _ in range(120):
        if stack.evaluate("document.activeElement.innerText").startswith("Run"):
            break
        stack.keyboard.press("Tab")
    stack.keyboard.press("Enter")

    expect(stack.locator(".queries > li").first.get_by_role("status")).to_contain_text(re.compile(r"rows? in"))
    expect(stack.locator(":focus")).to_contain_text("Run again")


def test_what_has_died_is_named_and_comes_back(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> None:
    with (
        local_deployment(tmp_path_factory.mktemp("broken").resolve()) as local,
        opened(browser, f"{local.console}/sinks", expected="422") as sinks,
        opened(browser, f"{local.console}/stack", expected="422") as stack,
    ):
        expect(sinks.get_by_role("heading", name="Service 1 worker answers")).to_be_visible()
        local.kill("fakes")
        for _ in range(5):
            local.request("/_onetrace/fault")
        honeycomb = sinks.locator("section.sink", has_text="Honeycomb").first
        expect(honeycomb.get_by_role("heading")).to_have_text("Honeycomb ■\u00a0delivers nothing")
        expect(honeycomb).to_contain_text("Last errorConnectionRefusedError")

        local.kill("service")
        expect(sinks.get_by_role("alert").first).to_contain_text("refuses connections: the service has stopped")
        expect(sinks.get_by_role("heading", name="Service does not answer")).to_be_visible()
        expect(stack.locator("#service")).to_contain_text("exited: run make up again")
        expect(stack.get_by_role("navigation", name="Sections")).to_contain_text("process has exited")

        local.up()
        expect(sinks.get_by_role("heading", name="Service 1 worker answers")).to_be_visible()
        expect(sinks.locator("section", has_text="Workers").last).to_contain_text(re.compile("answers.*gone"))
        expect(stack.locator("#service")).not_to_contain_text("exited")

        local.kill("emulator")
        expect(stack.locator(".sections > [role=alert]")).to_contain_text("has died")
        expect(stack.locator("#alarms")).to_contain_text("As read at")
        assert accessibility_violations(stack) == []
        expect(stack.locator("#alarms tbody tr").first).to_be_visible()
        expect(sinks.locator("body")).to_contain_text("The list of targets may be out of date")
        expect(sinks.get_by_role("heading", name="Service 1 worker answers")).to_be_visible()
