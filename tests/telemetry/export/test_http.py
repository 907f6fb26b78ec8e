"""`HttpClient`: keep-alive, response limits, timeouts and TLS verification."""

from __future__ import annotations

import ssl
import time
from contextlib import suppress

import pytest
import trustme

from flask_onetrace.telemetry.export import http
from flask_onetrace.telemetry.export.http import HttpClient
from tests.telemetry.export.http_server import Handler, Post, RecordingServer, Serve, tls_server

pytestmark = pytest.mark.usefixtures("socket_enabled")


def test_posts_share_one_connection(serve: Serve, post: Post) -> None:
    server = serve(RecordingServer())
    client = HttpClient(f"{server.url}/v1/traces?a=b")
    assert [post(client, body).status for body in (b"1", b"2", b"3")] == [200, 200, 200]
    host = f"127.0.0.1:{server.server_port}"
    assert server.requests == [("/v1/traces?a=b", host, body) for body in (b"1", b"2", b"3")]
    assert len(server.connections) == 1


def test_a_keep_alive_connection_closed_by_the_server_is_reopened(serve: Serve, post: Post) -> None:
    def respond_and_close(handler: Handler) -> None:
        handler.respond()
        handler.close_connection = True

    server = serve(RecordingServer(respond_and_close))
    client = HttpClient(server.url)
    for body in (b"1", b"2"):
        assert post(client, body).status == 200
        time.sleep(0.05)  # until the client sees the close
    assert [body for _, _, body in server.requests] == [b"1", b"2"]
    assert len(server.connections) == 2


def test_the_unread_rest_of_a_long_response_is_not_taken_for_the_next_one(serve: Serve, post: Post) -> None:
    server = serve(RecordingServer(lambda handler: handler.respond(b"x" * 100_000, 503, retry_after="7")))
    client = HttpClient(server.url)
    for _ in range(2):
        response = post(client, b"{}")
        assert (response.status, len(response.body), response.is_retryable, response.retry_after) == (
            503,
            65_536,
            True,
            7.0,
        )


def test_a_trickling_response_times_out(serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.close_connection = True
        with suppress(ConnectionError):
            for _ in range(1000):
                handler.wfile.write(b"x")
                time.sleep(0.02)

    monkeypatch.setattr(http, "_TOTAL_TIMEOUT", 0.3)
    server = serve(RecordingServer(drip))
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        post(HttpClient(server.url), b"{}")
    assert 0.3 <= time.monotonic() - start < 10  # of the 20 s that the response takes


def test_tls_trusts_the_authority_in_ssl_cert_file(serve: Serve, post: Post, authority: trustme.CA) -> None:
    server = serve(tls_server(authority))
    client = HttpClient(f"https://127.0.0.1:{server.server_port}/v1/traces")
    assert [post(client, body).status for body in (b"1", b"2")] == [200, 200]
    assert [target for target, _, _ in server.requests] == ["/v1/traces"] * 2
    assert len(server.connections) == 1


@pytest.mark.usefixtures("authority")
def test_tls_rejects_any_other_authority(serve: Serve, post: Post) -> None:
    server = serve(tls_server(trustme.CA()))
    with pytest.raises(ssl.SSLCertVerificationError):
        post(HttpClient(f"https://127.0.0.1:{server.server_port}/"), b"{}")
    assert server.requests == []
