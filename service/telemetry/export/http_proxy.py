"""Find the proxy that the environment names for a URL: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in either case."""

from __future__ import annotations

import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTP_PORT
from urllib.parse import SplitResult, unquote, urlsplit

from service.telemetry.export.errors import PermanentError


@dataclass(frozen=True)
class Proxy:
    """Where the proxy listens, and the headers that let one through. They may hold a password."""

    host: str
    port: int
    headers: Mapping[str, str] = field(repr=False)


def proxy_to(url: SplitResult) -> Proxy | None:
    """Return the proxy to `url`, None where there is none. Raises `PermanentError` for one that cannot be used."""
    named = urllib.request.getproxies().get(url.scheme)
    if not named or urllib.request.proxy_bypass(url.netloc.rpartition("@")[2]):
        return None
    variable = f"{url.scheme.upper()}_PROXY"
    try:
        # As curl has it: what names no scheme is reached by HTTP.
        parts = urlsplit(named if "://" in named else f"http://{named}")
        port = parts.port or HTTP_PORT
    except ValueError:
        # Not from the error, which quotes what it took for the port: a part of the password, where that holds a `/`.
        raise PermanentError(f"{variable} is no URL of a proxy: write it as http://host:port") from None
    if parts.scheme != "http" or not parts.hostname:
        raise PermanentError(f"{variable} names a proxy by {parts.scheme}: only http://host:port can be used")
    return Proxy(parts.hostname, port, _authorization(parts))


def _authorization(proxy: SplitResult) -> Mapping[str, str]:
    if proxy.username is None:
        return {}
    said = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"proxy-authorization": f"Basic {b64encode(said.encode()).decode()}"}
