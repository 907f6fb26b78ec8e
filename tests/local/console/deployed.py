"""A local deployment with its console, and pages of it in headless Chromium."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.folders import CHECKOUT, STATE_VARIABLE
from local.workspace.http_client import direct_client
from local.workspace.state import State
from tests.acceptance.browser import chromium_path
from tests.acceptance.conftest import INHERITED

UP_SECONDS = 200
"""Long enough for a machine under load."""
PAGE_SECONDS = 40.0
BLIP = "net::ERR_NETWORK_CHANGED"
"""Chromium's, when another program of the machine adds a network."""


@dataclass
class Local:
    """What `make up` has started for one state folder."""

    folder: Path

    def command(self, name: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if INHERITED.fullmatch(key)}
        return subprocess.run(
            [sys.executable, "-m", "local", name],
            cwd=CHECKOUT,
            env=environment | {"LOCAL_MODE": "process", STATE_VARIABLE: str(self.folder)},
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )

    def up(self) -> None:
        result = self.command("up")
        assert result.returncode == 0, result.stderr

    @property
    def state(self) -> State:
        return State.load(self.folder / "state.json")

    @property
    def aws(self) -> EmulatedAws:
        aws = EmulatedAws.of(self.state)
        assert aws is not None
        return aws

    @property
    def console(self) -> str:
        return f"http://127.0.0.1:{self.state.console_port}"

    def request(self, path: str) -> requests.Response:
        """Send a request to the service through its load balancer."""
        with direct_client() as client:
            return client.get(f"http://127.0.0.1:{self.state.load_balancer_port}{path}", timeout=30)

    def api(self, path: str) -> requests.Response:
        with direct_client() as client:
            return client.get(f"{self.console}/api{path}", timeout=30)

    def kill(self, role: str) -> None:
        """Kill a recorded process and its children, as a crash does."""
        record = next(each for each in self.state.processes if each.role == role)
        process = psutil.Process(record.pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGKILL)
        process.wait(10)


@contextmanager
def local_deployment(folder: Path) -> Iterator[Local]:
    """Run `make up`, and `make down` in the end."""
    local = Local(folder)
    try:
        local.up()
        yield local
    finally:
        local.command("down")


@contextmanager
def headless_chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PAGE_SECONDS * 1000)
    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=options)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, url: str, *, expected: str = "", **options: Any) -> Iterator[Page]:  # noqa: ANN401 - Playwright's own
    """Open a page. Messages in its console fail the test, but those that match `expected`."""
    context = browser.new_context(**options)
    page, messages = context.new_page(), list[str]()
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    try:
        page.goto(url)
        yield page
    finally:
        context.close()
    unexpected = [each for each in messages if BLIP not in each and not (expected and re.search(expected, each))]
    assert unexpected == []


def eventually(condition: Callable[[], bool], page: Page) -> None:
    """Let the page run until `condition` is true."""
    deadline = time.monotonic() + PAGE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(200)
