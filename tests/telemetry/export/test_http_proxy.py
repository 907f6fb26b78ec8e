"""Batches go by the proxy that the environment names, which alone is told its credentials."""

from __future__ import annotations

import traceback
from base64 import b64encode
from urllib.parse import urlsplit

import pytest
import trustme

from service.telemetry.export.errors import RejectedError
from service.telemetry.export.http import HttpClient
from service.telemetry.export.http_proxy import Proxy, proxy_to
from tests.telemetry.export.http_server import Post, Receiving, Serve, encrypted

pytestmark = pytest.mark.usefixtures("socket_enabled")


def test_plain_http_goes_by_the_proxy_that_the_environment_names(
    serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(Receiving())
    monkeypatch.setenv("http_proxy", proxy.url)
    assert post(HttpClient("http://collector.example:4318/v1/traces"), b"{}").status == 200
    assert proxy.seen == [("http://collector.example:4318/v1/traces", "collector.example:4318", b"{}")]


def test_tls_goes_through_the_proxys_tunnel(
    serve: Serve, post: Post, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(encrypted(authority)), serve(Receiving())
    monkeypatch.setenv("https_proxy", proxy.url)
    assert post(HttpClient(f"https://127.0.0.1:{server.server_port}/item/"), b"{}").status == 200
    host = f"127.0.0.1:{server.server_port}"
    assert [target for target, _, _ in proxy.seen] == [host]
    assert server.seen == [("/item/", host, b"{}")]


def test_a_host_that_no_proxy_names_is_reached_directly(
    serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(Receiving()), serve(Receiving())
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert post(HttpClient(f"{server.url}/v1/traces"), b"{}").status == 200
    assert (len(server.seen), proxy.seen) == (1, [])


@pytest.mark.parametrize("by", ["http_proxy", "https_proxy"])
def test_a_proxys_credentials_are_said_to_it_and_to_nobody_else(
    by: str, serve: Serve, post: Post, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(encrypted(authority)), serve(Receiving())
    monkeypatch.setenv(by, f"http://ops:p%40ss@127.0.0.1:{proxy.server_port}")
    sink = "http://collector.example/" if by == "http_proxy" else f"https://127.0.0.1:{server.server_port}/"
    client = HttpClient(sink)
    assert post(client, b"{}").status == 200
    said = f"Basic {b64encode(b'ops:p@ss').decode()}"
    assert proxy.let_through_by == [said]
    assert server.let_through_by == ([] if by == "http_proxy" else [None])
    assert said not in repr(client._route)


def test_a_proxy_without_a_scheme_is_reached_by_http(serve: Serve, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(Receiving())
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.server_port}")
    assert post(HttpClient("http://collector.example/"), b"{}").status == 200
    assert len(proxy.seen) == 1


@pytest.mark.parametrize(
    ("proxy", "said"),
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
def test_a_proxy_that_cannot_be_used_is_said_with_its_variable_and_not_its_password(
    proxy: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(RejectedError) as refused:
        HttpClient("https://collector.example/").post(b"{}")
    assert str(refused.value) == said
    assert "secret" not in "".join(traceback.format_exception(refused.value))


def test_a_proxy_that_names_no_port_is_reached_on_port_80(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    made = proxy_to(urlsplit("https://collector.example/"))
    assert made == Proxy("proxy.example", 80, {})
