"""Use the page in headless Chromium."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, Route, expect, sync_playwright

from local.workspace.folders import CHECKOUT

TIMEOUT_SECONDS = 60.0
"""Long enough for a machine under load."""
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
AXE = CHECKOUT / "service" / "web" / "node_modules" / "axe-core" / "axe.min.js"


@dataclass
class Visit:
    """One open page, its console messages and errors, and the URLs of its unanswered requests."""

    page: Page
    console: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Let the page run until `condition` is true. Raises `AssertionError` after `TIMEOUT_SECONDS`."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"not within {TIMEOUT_SECONDS:.0f} s"
            self.page.wait_for_timeout(200)


def chromium_path() -> str:
    """Return the path of this machine's Chromium."""
    return next(filter(None, map(shutil.which, _CHROMIUM)))


@contextmanager
def browser_at(url: str, *, never_answer: str = "", **options: Any) -> Iterator[Visit]:  # noqa: ANN401 - Playwright's own options
    """Open the page in headless Chromium and record its console.

    Requests that match the URL pattern `never_answer` stay pending.
    """
    expect.set_options(timeout=TIMEOUT_SECONDS * 1000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox"] if os.getuid() == 0 else []
        )
        visit = Visit(chromium.new_context(**options).new_page())
        if never_answer:
            visit.page.context.route(never_answer, lambda route: visit.pending.append(route.request.url))
        visit.page.on("console", lambda message: visit.console.append(message.text))
        visit.page.on("pageerror", lambda error: visit.console.append(str(error)))
        response = visit.page.goto(url)
        assert response is not None
        assert "script-src 'self'" in response.headers["content-security-policy"]
        expect(visit.page.locator("#feed article").first).to_be_visible()
        yield visit
        chromium.close()


def eventually(query: Callable[[], Any], is_complete: Callable[[Any], bool]) -> Any:  # noqa: ANN401 - the query's own type
    """Repeat the query until its result is complete, or `TIMEOUT_SECONDS` have passed; return the last result."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not is_complete(result := query()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return result


def newest_call(page: Page, path: str) -> str:
    """Wait until the newest call in the panel is for `path`, and return its trace id."""
    call = page.locator("#calls li.call").first
    expect(call.locator(".path")).to_contain_text(path)
    expect(call.locator(".figures")).to_contain_text(re.compile(r"Backend\s*\d"))
    return call.locator("code.trace-id").inner_text()


def blocking(blocked: list[str]) -> Callable[[Route], None]:
    """Return a route handler that aborts requests and appends their URLs to `blocked`."""

    def block(route: Route) -> None:
        blocked.append(route.request.url)
        route.abort()

    return block


def accessibility_violations(page: Page) -> list[str]:
    """Return the violations that axe rates serious or critical."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    violations: list[dict[str, Any]] = page.evaluate("axe.run().then(results => results.violations)")
    return [f"{each['impact']}: {each['help']}" for each in violations if each["impact"] in {"serious", "critical"}]
