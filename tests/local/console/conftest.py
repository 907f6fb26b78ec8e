"""A local deployment with its console, and pages of headless Chromium."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from local.workspace.folders import CHECKOUT
from local.workspace.http_client import direct_client
from local.workspace.state import State
from tests.acceptance.browser import TIMEOUT_SECONDS, chromium_path

INHERITED = re.compile(r"PATH|HOME|SSL_CERT_\w+")
SECONDS = 250
"""Long enough for a machine under load."""
EXPECTED_MESSAGE = "Failed to load resource"
"""What Chromium says of each response that is an error."""


@dataclass(frozen=True)
class Deployed:
    """The addresses of what `make up` has started, its state folder, and what it printed."""

    folder: Path
    url: str
    service: str
    output: str

    def send(self, path: str, **headers: str) -> str:
        """Send a request to the service and return its trace id."""
        with direct_client() as client:
            return client.get(self.service + path, headers=headers, timeout=60).headers["X-Trace-Id"]

    def asset(self) -> str:
        """Return the path of a file that the service's page loads."""
        with direct_client() as client:
            match = re.search(r'"(/assets/[^"]+)"', client.get(self.service + "/", timeout=60).text)
        assert match
        return match[1]

    def get(self, path: str, **options: Any) -> requests.Response:  # noqa: ANN401 - those of requests
        return self.request("GET", path, **options)

    def request(self, method: str, path: str, **options: Any) -> requests.Response:  # noqa: ANN401 - those of requests
        with direct_client() as client:
            return client.request(method, self.url + path, timeout=60, **options)

    def wait_for(self, trace_id: str, *places: str) -> dict[str, Any]:
        """Return the trace once these places have some of it."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            trace: dict[str, Any] = self.get(f"/api/traces/{trace_id}").json()
            if all(trace["places"][place]["items"] for place in places):
                return trace
            assert time.monotonic() < deadline, trace
            time.sleep(0.2)


@dataclass
class Chromium:
    """Opens pages of the console. `messages` are those of their consoles, without the failed requests."""

    browser: Browser
    url: str
    messages: list[str] = field(default_factory=list)

    @contextmanager
    def at(self, path: str, **options: Any) -> Iterator[Page]:  # noqa: ANN401 - those of Playwright
        context = self.browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        page = context.new_page()
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.goto(self.url + path)
        try:
            yield page
        finally:
            context.close()

    @property
    def errors(self) -> list[str]:
        return [each for each in self.messages if EXPECTED_MESSAGE not in each]


@pytest.fixture(scope="package")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Run `make up` of the sample application, as a process."""
    folder: Path = tmp_path_factory.mktemp("console") / "state"
    environment = {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)}
    environment |= {"LOCAL_MODE": "process", "LOCAL_STATE_DIR": str(folder), "LOCAL_READY_SECONDS": "150"}

    def run(command: str) -> str:
        process = subprocess.run(
            [sys.executable, "-m", "local", command],
            cwd=CHECKOUT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    try:
        output = run("up")
        state = State.load(folder / "state.json")
        yield Deployed(
            folder=folder,
            url=f"http://127.0.0.1:{state.console_port}",
            service=f"http://127.0.0.1:{state.load_balancer_port}",
            output=output,
        )
    finally:
        run("down")


@pytest.fixture(scope="module")
def chromium(deployed: Deployed) -> Iterator[Chromium]:
    expect.set_options(timeout=TIMEOUT_SECONDS * 1000)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
        yield Chromium(browser, deployed.url)
        browser.close()
