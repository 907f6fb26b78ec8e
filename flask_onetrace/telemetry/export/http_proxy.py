"""Find the proxy that the environment names for a URL: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, in either case."""

from __future__ import annotations

import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTP_PORT
from urllib.parse import SplitResult, unquote, urlsplit

from flask_onetrace.telemetry.export.errors import RejectedError

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


@dataclass(frozen=True)
class Proxy:
    """Where the proxy listens, and the headers that it wants. They may hold a password."""

    host: str
    port: int
    headers: Mapping[str, str] = field(repr=False)


def proxy_to(url: SplitResult) -> Proxy | None:
    """Return the proxy for `url`, None where there is none. Raises `RejectedError` for one that is not supported."""
    value = urllib.request.getproxies().get(url.scheme)
    if not value or urllib.request.proxy_bypass(url.netloc.rpartition("@")[2]):
        return None
    variable = f"{url.scheme.upper()}_PROXY"
    try:
        # As in curl, a proxy without a scheme is an HTTP proxy.
        parts = urlsplit(value if "://" in value else f"http://{value}")
        port = parts.port or HTTP_PORT
    except ValueError:
        # Without the cause, which quotes what it took for the port: a part of the password, where that holds a `/`.
        raise RejectedError(f"{variable} is not the URL of a proxy: set http://host:port") from None
    if parts.scheme != "http" or not parts.hostname:
        # Any other may be a password, of a malformed URL.
        scheme = parts.scheme if parts.scheme in _SCHEMES else "?"
        raise RejectedError(f"{variable} names a proxy of the scheme {scheme}: only http://host:port is supported")
    return Proxy(parts.hostname, port, _authorization(parts))


def _authorization(proxy: SplitResult) -> Mapping[str, str]:
    if proxy.username is None:
        return {}
    credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"proxy-authorization": f"Basic {b64encode(credentials.encode()).decode()}"}
