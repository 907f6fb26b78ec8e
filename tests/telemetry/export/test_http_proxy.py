"""Proxies from the environment: selection, tunnels, credentials and errors."""

from __future__ import annotations

import traceback
from base64 import b64encode
from urllib.parse import urlsplit

import pytest
import trustme

from flask_onetrace.telemetry.export.errors import RejectedError
from flask_onetrace.telemetry.export.http import HttpClient
from flask_onetrace.telemetry.export.http_proxy import Proxy, proxy_to
from tests.telemetry.export.http_server import Post, RecordingServer, Serve, tls_server

pytestmark = pytest.mark.usefixtures("socket_enabled")


def test_http_requests_use_the_proxy_from_the_environment(
    serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(RecordingServer())
    monkeypatch.setenv("http_proxy", proxy.url)
    assert post(HttpClient("http://collector.example:4318/v1/traces"), b"{}").status == 200
    assert proxy.requests == [("http://collector.example:4318/v1/traces", "collector.example:4318", b"{}")]


def test_https_requests_use_a_connect_tunnel(
    serve: Serve, post: Post, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(tls_server(authority)), serve(RecordingServer())
    monkeypatch.setenv("https_proxy", proxy.url)
    assert post(HttpClient(f"https://127.0.0.1:{server.server_port}/item/"), b"{}").status == 200
    host = f"127.0.0.1:{server.server_port}"
    assert [target for target, _, _ in proxy.requests] == [host]
    assert server.requests == [("/item/", host, b"{}")]


def test_a_host_in_no_proxy_is_reached_directly(serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    server, proxy = serve(RecordingServer()), serve(RecordingServer())
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert post(HttpClient(f"{server.url}/v1/traces"), b"{}").status == 200
    assert (len(server.requests), proxy.requests) == (1, [])


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy"])
def test_proxy_credentials_are_sent_to_the_proxy_alone(
    variable: str, serve: Serve, post: Post, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(tls_server(authority)), serve(RecordingServer())
    monkeypatch.setenv(variable, f"http://ops:p%40ss@127.0.0.1:{proxy.server_port}")
    url = "http://collector.example/" if variable == "http_proxy" else f"https://127.0.0.1:{server.server_port}/"
    client = HttpClient(url)
    assert post(client, b"{}").status == 200
    credentials = f"Basic {b64encode(b'ops:p@ss').decode()}"
    assert proxy.proxy_credentials == [credentials]
    assert server.proxy_credentials == ([] if variable == "http_proxy" else [None])
    assert credentials not in repr(client._route)


def test_a_proxy_url_without_a_scheme_means_http(serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(RecordingServer())
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.server_port}")
    assert post(HttpClient("http://collector.example/"), b"{}").status == 200
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        (
            "https://ops:secret@proxy:3128",
            "HTTPS_PROXY names a proxy of the scheme https: only http://host:port is supported",
        ),
        (
            "socks5h://ops:secret@proxy",
            "HTTPS_PROXY names a proxy of the scheme socks5h: only http://host:port is supported",
        ),
        ("http://ops:secret@proxy:none", "HTTPS_PROXY is not the URL of a proxy: set http://host:port"),
        ("http://ops:secret/1@proxy:3128", "HTTPS_PROXY is not the URL of a proxy: set http://host:port"),
    ],
)
def test_an_unusable_proxy_is_reported_with_its_variable_and_without_its_password(
    proxy: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(RejectedError) as caught:
        HttpClient("https://collector.example/").post(b"{}")
    assert str(caught.value) == message
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_a_proxy_url_without_a_port_means_port_80(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    proxy = proxy_to(urlsplit("https://collector.example/"))
    assert proxy == Proxy("proxy.example", 80, {})
