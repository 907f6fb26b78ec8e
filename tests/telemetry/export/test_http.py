"""Batches reach their sink over a kept connection, by TLS to whom the environment trusts, and never wait for ever."""

from __future__ import annotations

import ssl
import time
from contextlib import suppress

import pytest
import trustme

from service.telemetry.export import http
from service.telemetry.export.http import HttpClient
from tests.telemetry.export.http_server import Post, Receiver, Receiving, Serve, encrypted

pytestmark = pytest.mark.usefixtures("socket_enabled")


def test_posts_share_one_connection(serve: Serve, post: Post) -> None:
    server = serve(Receiving())
    client = HttpClient(f"{server.url}/v1/traces?a=b")
    assert [post(client, body).status for body in (b"1", b"2", b"3")] == [200, 200, 200]
    host = f"127.0.0.1:{server.server_port}"
    assert server.seen == [("/v1/traces?a=b", host, body) for body in (b"1", b"2", b"3")]
    assert len(server.connections) == 1


def test_a_kept_connection_that_the_sink_has_closed_is_opened_again(serve: Serve, post: Post) -> None:
    def answer_and_leave(receiver: Receiver) -> None:
        receiver.answer()
        receiver.close_connection = True

    server = serve(Receiving(answer_and_leave))
    client = HttpClient(server.url)
    for body in (b"1", b"2"):
        assert post(client, body).status == 200
        time.sleep(0.05)  # the closing's way back
    assert [body for _, _, body in server.seen] == [b"1", b"2"]
    assert len(server.connections) == 2


def test_the_rest_of_a_long_answer_is_not_taken_for_the_next_one(serve: Serve, post: Post) -> None:
    server = serve(Receiving(lambda receiver: receiver.answer(b"x" * 100_000, 503, retry_after="7")))
    client = HttpClient(server.url)
    for _ in range(2):
        answer = post(client, b"{}")
        assert (answer.status, len(answer.body), answer.is_retryable, answer.retry_after) == (503, 65_536, True, 7.0)


def test_an_answer_a_byte_at_a_time_is_given_up_at_the_limit(
    serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(receiver: Receiver) -> None:
        receiver.send_response(200)
        receiver.send_header("content-length", "1000")
        receiver.end_headers()
        receiver.close_connection = True
        with suppress(ConnectionError):
            for _ in range(1000):
                receiver.wfile.write(b"x")
                time.sleep(0.02)

    monkeypatch.setattr(http, "_TOTAL_TIMEOUT", 0.3)
    server = serve(Receiving(drip))
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        post(HttpClient(server.url), b"{}")
    assert 0.3 <= time.monotonic() - begun < 5


def test_tls_trusts_what_ssl_cert_file_names(serve: Serve, post: Post, authority: trustme.CA) -> None:
    server = serve(encrypted(authority))
    client = HttpClient(f"https://127.0.0.1:{server.server_port}/v1/traces")
    assert [post(client, body).status for body in (b"1", b"2")] == [200, 200]
    assert [target for target, _, _ in server.seen] == ["/v1/traces"] * 2
    assert len(server.connections) == 1


@pytest.mark.usefixtures("authority")
def test_tls_trusts_nobody_else(serve: Serve, post: Post) -> None:
    server = serve(encrypted(trustme.CA()))
    with pytest.raises(ssl.SSLCertVerificationError):
        post(HttpClient(f"https://127.0.0.1:{server.server_port}/"), b"{}")
    assert server.seen == []
