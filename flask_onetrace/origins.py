"""Check web origins ("Serialization of an origin", HTML, WHATWG)."""

from __future__ import annotations

import re
from ipaddress import ip_address

_MAX_PORT = 65535
_PORTS = {"http": "80", "https": "443"}


def is_origin(text: str) -> bool:
    """Return whether `text` is a scheme, a host and, unless it is the scheme's own, a port, as browsers send them."""
    match = re.fullmatch(r"(https?)://(\[[0-9a-f:]+\]|[a-z0-9_.\-]{1,253})(?::([1-9][0-9]{0,4}))?", text)
    if match is None:
        return False
    scheme, host, port = match.groups()
    if port is not None and (int(port) > _MAX_PORT or port == _PORTS[scheme]):
        return False
    if host.startswith("[") or re.fullmatch(r"0x[0-9a-f]*|[0-9]+", host.rpartition(".")[2]):
        return _is_canonical_address(host)
    return all(re.fullmatch(r"[a-z0-9_]([a-z0-9_\-]{0,61}[a-z0-9_])?", label) for label in host.split("."))


def _is_canonical_address(host: str) -> bool:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return host == (f"[{address}]" if address.version == 6 else str(address))  # noqa: PLR2004 - IPv6
