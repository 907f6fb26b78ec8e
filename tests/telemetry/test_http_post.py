"""Batches reach their sink by whatever way the environment names, over a kept connection, and never wait for ever."""

from __future__ import annotations

import ssl
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR, create_connection
from threading import Thread
from urllib.parse import urlsplit

import pytest
import trustme

from service.telemetry import http_post
from service.telemetry.http_post import Poster
from service.telemetry.http_proxy import Proxy, proxy_to
from service.telemetry.send_errors import PermanentError

pytestmark = pytest.mark.usefixtures("socket_enabled")

Reply = Callable[["Receiver"], None]


class Receiver(BaseHTTPRequestHandler):
    """Note what comes, and reply as the server's `reply` does."""

    protocol_version = "HTTP/1.1"
    server: Receiving

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((self.path, self.headers["host"], body))
        self.server.let_through_by.append(self.headers["proxy-authorization"])
        self.server.connections.add(self.client_address)
        self.server.reply(self)

    def do_CONNECT(self) -> None:
        """Be a tunnel, as a proxy is for TLS."""
        self.server.seen.append((self.path, self.headers["host"], b""))
        self.server.let_through_by.append(self.headers["proxy-authorization"])
        self.send_response(200)
        self.end_headers()
        host, _, port = self.path.rpartition(":")
        with create_connection((host, int(port))) as there:
            back = Thread(target=_pump, args=(there.recv, self.connection.sendall))
            back.start()
            _pump(self.connection.recv, there.sendall)
            with suppress(OSError):  # the server may have left first
                there.shutdown(SHUT_RDWR)
            back.join()
        self.close_connection = True

    def answer(self, body: bytes = b"{}", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _pump(receive: Callable[[int], bytes], send: Callable[[bytes], None]) -> None:
    with suppress(ConnectionError):
        while chunk := receive(65_536):
            send(chunk)


class Receiving(ThreadingHTTPServer):
    """A server on 127.0.0.1. `seen` has each request's target, `Host` and body; `connections` where they came from.

    `let_through_by` has what each said to a proxy, None for nothing.
    """

    def __init__(self, reply: Reply = Receiver.answer) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.reply = reply
        self.seen: list[tuple[str, str, bytes]] = []
        self.let_through_by: list[str | None] = []
        self.connections: set[tuple[str, int]] = set()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print what went wrong, unless a client that had enough has left, or did not like the certificate."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # the stub's socket or pair of them

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def _served(server: Receiving) -> Iterator[Receiving]:
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Receiving], Receiving]]:
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(_served(server))


Serve = Callable[[Receiving], Receiving]


@pytest.fixture
def post() -> Iterator[Callable[[Poster, bytes], http_post.Answer]]:
    """Post, and close the posters' connections at the end, which lets the servers' threads go."""
    posters: set[Poster] = set()

    def ask(poster: Poster, body: bytes) -> http_post.Answer:
        posters.add(poster)
        return poster.post(body)

    yield ask
    for poster in posters:
        assert poster._route is not None
        poster._route.connection.close()


Post = Callable[[Poster, bytes], http_post.Answer]


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """A certificate authority that the environment trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    http_post._trusted.cache_clear()
    yield made
    http_post._trusted.cache_clear()


def _encrypted(authority: trustme.CA) -> Receiving:
    server = Receiving()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


def test_posts_share_one_connection(serve: Serve, post: Post) -> None:
    server = serve(Receiving())
    poster = Poster(f"{server.url}/v1/traces?a=b")
    assert [post(poster, body).status for body in (b"1", b"2", b"3")] == [200, 200, 200]
    host = f"127.0.0.1:{server.server_port}"
    assert server.seen == [("/v1/traces?a=b", host, body) for body in (b"1", b"2", b"3")]
    assert len(server.connections) == 1


def test_a_kept_connection_that_the_sink_has_closed_is_opened_again(serve: Serve, post: Post) -> None:
    def answer_and_leave(receiver: Receiver) -> None:
        receiver.answer()
        receiver.close_connection = True

    server = serve(Receiving(answer_and_leave))
    poster = Poster(server.url)
    for body in (b"1", b"2"):
        assert post(poster, body).status == 200
        time.sleep(0.05)  # the closing's way back
    assert [body for _, _, body in server.seen] == [b"1", b"2"]
    assert len(server.connections) == 2


def test_the_rest_of_a_long_answer_is_not_taken_for_the_next_one(serve: Serve, post: Post) -> None:
    server = serve(Receiving(lambda receiver: receiver.answer(b"x" * 100_000, 503, retry_after="7")))
    poster = Poster(server.url)
    for _ in range(2):
        answer = post(poster, b"{}")
        assert (answer.status, len(answer.body), answer.is_busy, answer.retry_after) == (503, 65_536, True, 7.0)


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

    monkeypatch.setattr(http_post, "_TOTAL", 0.3)
    server = serve(Receiving(drip))
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        post(Poster(server.url), b"{}")
    assert 0.3 <= time.monotonic() - begun < 5


def test_tls_trusts_what_ssl_cert_file_names(serve: Serve, post: Post, authority: trustme.CA) -> None:
    server = serve(_encrypted(authority))
    poster = Poster(f"https://127.0.0.1:{server.server_port}/v1/traces")
    assert [post(poster, body).status for body in (b"1", b"2")] == [200, 200]
    assert [target for target, _, _ in server.seen] == ["/v1/traces"] * 2
    assert len(server.connections) == 1


@pytest.mark.usefixtures("authority")
def test_tls_trusts_nobody_else(serve: Serve, post: Post) -> None:
    server = serve(_encrypted(trustme.CA()))
    with pytest.raises(ssl.SSLCertVerificationError):
        post(Poster(f"https://127.0.0.1:{server.server_port}/"), b"{}")
    assert server.seen == []


def test_plain_http_goes_by_the_proxy_that_the_environment_names(
    serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(Receiving())
    monkeypatch.setenv("http_proxy", proxy.url)
    assert post(Poster("http://collector.example:4318/v1/traces"), b"{}").status == 200
    assert proxy.seen == [("http://collector.example:4318/v1/traces", "collector.example:4318", b"{}")]


def test_tls_goes_through_the_proxys_tunnel(
    serve: Serve, post: Post, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(_encrypted(authority)), serve(Receiving())
    monkeypatch.setenv("https_proxy", proxy.url)
    assert post(Poster(f"https://127.0.0.1:{server.server_port}/item/"), b"{}").status == 200
    host = f"127.0.0.1:{server.server_port}"
    assert [target for target, _, _ in proxy.seen] == [host]
    assert server.seen == [("/item/", host, b"{}")]


def test_a_host_that_no_proxy_names_is_reached_directly(
    serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(Receiving()), serve(Receiving())
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert post(Poster(f"{server.url}/v1/traces"), b"{}").status == 200
    assert (len(server.seen), proxy.seen) == (1, [])


@pytest.mark.parametrize("by", ["http_proxy", "https_proxy"])
def test_a_proxys_credentials_are_said_to_it_and_to_nobody_else(
    by: str, serve: Serve, post: Post, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(_encrypted(authority)), serve(Receiving())
    monkeypatch.setenv(by, f"http://ops:p%40ss@127.0.0.1:{proxy.server_port}")
    sink = "http://collector.example/" if by == "http_proxy" else f"https://127.0.0.1:{server.server_port}/"
    poster = Poster(sink)
    assert post(poster, b"{}").status == 200
    said = f"Basic {b64encode(b'ops:p@ss').decode()}"
    assert proxy.let_through_by == [said]
    assert server.let_through_by == ([] if by == "http_proxy" else [None])
    assert said not in repr(poster._route)


def test_a_proxy_without_a_scheme_is_reached_by_http(serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(Receiving())
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.server_port}")
    assert post(Poster("http://collector.example/"), b"{}").status == 200
    assert len(proxy.seen) == 1


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("https://ops:secret@proxy:3128", "HTTPS_PROXY names a proxy by https: only http://host:port can be used"),
        ("socks5h://ops:secret@proxy", "HTTPS_PROXY names a proxy by socks5h: only http://host:port can be used"),
        ("http://ops:secret@proxy:none", "HTTPS_PROXY is no URL of a proxy: write it as http://host:port"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_said_with_its_variable_and_not_its_password(
    proxy: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(PermanentError) as refused:
        Poster("https://collector.example/").post(b"{}")
    assert str(refused.value) == said


def test_a_proxy_that_names_no_port_is_reached_on_port_80(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    made = proxy_to(urlsplit("https://collector.example/"))
    assert made == Proxy("proxy.example", 80, {})
