"""Compare the host of a URL with a list of hosts."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def canonical_host(host: str) -> str:
    """Return `host` in the form that two names of it share: lower-case, without a final dot, an IPv6 address short."""
    name = host.strip("[]").lower().removesuffix(".")
    if ":" not in name:
        return name
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def is_listed(url: str, hosts: frozenset[str]) -> bool:
    """Return whether the host of `url` is one of `hosts`, or ends with one of those that begin with a dot.

    `hosts` are canonical. Neither the port nor user information counts, and a URL that cannot be parsed has no host.
    """
    try:
        # The function by which `requests` finds the host that it connects to.
        host = canonical_host(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return host in hosts or any(each.startswith(".") and host.endswith(each) for each in hosts)
