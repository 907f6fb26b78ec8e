"""A person at the page, in headless Chromium."""

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

PATIENCE = 60.0
"""Seconds, on a machine that does much else."""
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
AXE = CHECKOUT / "service" / "web" / "node_modules" / "axe-core" / "axe.min.js"


@dataclass
class Visit:
    """One open page, everything that it complained about, and what it asked for in vain."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    def wait_until(self, look: Callable[[], object]) -> None:
        """Let the page go on until `look` finds something; fail where it never does."""
        deadline = time.monotonic() + PATIENCE
        while not look():
            assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s"
            self.page.wait_for_timeout(200)


@contextmanager
def browser_at(url: str, *, unanswered: str = "", **options: Any) -> Iterator[Visit]:  # noqa: ANN401 - Playwright's own options
    """Open the page in headless Chromium, and keep what it writes to its console.

    Requests for what matches the pattern `unanswered` wait for ever.
    """
    path = next(filter(None, map(shutil.which, _CHROMIUM)))
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.getuid() == 0 else [])
        visit = Visit(chromium.new_context(**options).new_page())
        if unanswered:
            visit.page.context.route(unanswered, lambda route: visit.unanswered.append(route.request.url))
        visit.page.on("console", lambda message: visit.complaints.append(message.text))
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        answer = visit.page.goto(url)
        assert answer is not None
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        expect(visit.page.locator("#feed article").first).to_be_visible()
        yield visit
        chromium.close()


def eventually(look: Callable[[], Any], enough: Callable[[Any], bool]) -> Any:  # noqa: ANN401 - whatever is looked at
    deadline = time.monotonic() + PATIENCE
    while not enough(found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def newest_call(page: Page, path: str) -> str:
    """Return the trace id of the newest call in the panel once it is one of `path`."""
    call = page.locator("#calls li.call").first
    expect(call.locator(".path")).to_contain_text(path)
    expect(call.locator(".figures")).to_contain_text(re.compile(r"Backend\s*\d"))
    return call.locator("code.trace-id").inner_text()


def blocking(blocked: list[str]) -> Callable[[Route], None]:
    """Return what aborts a request, and notes its address in `blocked`."""

    def block(route: Route) -> None:
        blocked.append(route.request.url)
        route.abort()

    return block


def grave_faults(page: Page) -> list[str]:
    """Return what axe finds that is serious or critical."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(found => found.violations)")
    return [f"{each['impact']}: {each['help']}" for each in found if each["impact"] in {"serious", "critical"}]
