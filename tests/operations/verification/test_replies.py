"""Whatever answers at a URL is read within limits, and a text that is no URL is an error that says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from operations.errors import OperatorError
from operations.verification import replies
from operations.verification.targets import subject_of_url

pytestmark = pytest.mark.enable_socket

MEGABYTE = 1024 * 1024


class Endless(BaseHTTPRequestHandler):
    """Answers with as many bytes as are read, 200 MB at most."""

    sent: list[int]

    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "https://elsewhere.example/")
        self.end_headers()
        try:
            while sum(self.sent) < 200 * MEGABYTE:
                self.sent.append(self.wfile.write(b"x" * 65_536))
        except OSError:
            pass

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Print nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Endless.sent = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_body_without_an_end_is_read_as_far_as_it_is_of_interest(url: str) -> None:
    with requests.Session() as session:
        reply = replies.send(session, "GET", url, timeout=(5, 5))
    assert (reply.status, len(reply.text), reply.json()) == (200, replies.MAX_BODY, None)
    assert sum(Endless.sent) < 50 * MEGABYTE


def test_a_redirect_is_not_followed_and_says_where_it_leads(url: str) -> None:
    with requests.Session() as session:
        reply = replies.send(session, "GET", f"{url}/moved", timeout=(5, 5))
    assert (reply.status, reply.location) == (302, " to https://elsewhere.example/")
    assert sum(Endless.sent) < 50 * MEGABYTE


@pytest.mark.parametrize("text", ["", "http://[::1", "http://127.0.0.1:99999", "ftp://shop.example", "shop.example"])
def test_a_text_that_is_no_url_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="is no URL of a service"):
        subject_of_url(text, "")


def test_the_query_and_the_credentials_of_a_url_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert subject_of_url("https://shop.example/base/?token=sentinel", "").url == "https://shop.example/base"
    with pytest.raises(OperatorError) as error:
        subject_of_url("https://name:sentinel@shop.example:99999/?token=sentinel", "")
    assert "sentinel" not in str(error.value)
