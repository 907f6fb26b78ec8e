"""Open pages of other origins in headless Chromium, and let them send everything that a page can send."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

from tests.acceptance.browser import chromium_path

ATTACK = Path(__file__).with_name("attack.js").read_text(encoding="utf-8")
FOREIGN_HOST = "evil.test"
"""Chromium resolves it to 127.0.0.1, as its owner's name server would after DNS rebinding."""
Target = dict[str, Any]


@dataclass
class Attack:
    """What a foreign page learned, by way and URL, and the responses that the targets gave to it."""

    outcomes: dict[str, str]
    responses: list[tuple[str, int]] = field(default_factory=list)

    def statuses_by_port(self) -> dict[int | None, set[int]]:
        """Return the status codes that each port answered with."""
        statuses: dict[int | None, set[int]] = {}
        for url, status in self.responses:
            statuses.setdefault(urlsplit(url).port, set()).add(status)
        return statuses


@contextmanager
def attackers_server() -> Iterator[int]:
    """Serve an empty page on a port of this machine; return the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><body></body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own signature
        """Log nothing."""


@contextmanager
def chromium_with_foreign_host() -> Iterator[Browser]:
    """Start a browser for which the foreign host is this machine, and which itself protects no local server."""
    arguments = [
        f"--host-resolver-rules=MAP {FOREIGN_HOST} 127.0.0.1",
        "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
    ]
    if os.getuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
        yield browser
        browser.close()


def attack(browser: Browser, page_url: str, targets: list[Target]) -> Attack:
    """Open `page_url` and attack the targets with a script of that page."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(page_url)
    result = Attack({})
    context.on("response", lambda response: result.responses.append((response.url, response.status)))
    result.outcomes = dict(page.evaluate(ATTACK, targets))
    context.close()
    return result
