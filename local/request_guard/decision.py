"""Decide whether a request to a local server may be handled; ASGI and WSGI servers share the decision.

A page that is open in this machine's browser can send requests to 127.0.0.1, with any of its scripts, forms and images,
and can read the responses once its own host name resolves to 127.0.0.1 (DNS rebinding). The browser names the page's
origin in `Origin` and `Sec-Fetch-Site`, and the name that it resolved in `Host`; no page can change these three.
Source: Fetch standard, "Origin header" and "CORS-preflight fetch"; W3C, "Fetch Metadata Request Headers".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

Values = Callable[[str], Sequence[str]]
"""All values of a header, by its name in lower case; empty if the request has none."""

LOOPBACK_NAMES: Final = r"127\.0\.0\.1|localhost|\[::1\]"
LOAD_BALANCER_NAMES: Final = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.alb\.localhost"
"""The emulated load balancers. Browsers resolve names below `localhost` to this machine (RFC 6761, section 6.3)."""

STATUS: Final = 403
CONTENT_TYPE: Final = "application/json"
HARMLESS_SITES: Final = frozenset({"none", "same-origin"})
"""`Sec-Fetch-Site` of an address that was typed, and of a server's own page. Another port is `same-site`."""
PREFLIGHT: Final = "access-control-request-method"
CORS_PREFIX: Final = "access-control-"
SHOWN_CHARACTERS: Final = 200
_PORT: Final = r"(?::[0-9]{1,5})?"

FROM_A_PROGRAM: Final = "send it from this server's own page, or from a program that is not a browser"
REMEDIES: Final = {
    "request target": "request the path alone, which starts with /",
    "host": "use 127.0.0.1, localhost or the load balancer's name that make status prints",
    "origin": FROM_A_PROGRAM,
    "sec-fetch-site": f"type the address into the browser, {FROM_A_PROGRAM}",
    PREFLIGHT: f"preflights are not answered: {FROM_A_PROGRAM}",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The host names of a server, as a regular expression, and the other origins that it accepts.

    `pages` matches the request targets that a link of any page may lead to: documents without data of their own.
    """

    names: str
    origins: frozenset[str] = frozenset()
    pages: str = ""
    authority: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Compile the pattern of an accepted `Host`."""
        object.__setattr__(self, "authority", re.compile(f"(?:{self.names}){_PORT}", re.ASCII | re.IGNORECASE))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused. `value` is None for a missing header."""

    part: str
    value: str | None

    @property
    def message(self) -> str:
        """Return the part of the request, its value and the remedy."""
        name = self.part if " " in self.part else self.part.title()
        value = "missing" if self.value is None else repr(self.value[:SHOWN_CHARACTERS])
        return f"Refused, because {name} is {value}: {REMEDIES[self.part]}"


def refusal(policy: Policy, target: str, values: Values) -> Refusal | None:
    """Return why the request must not be handled, None if it may be. `target` is the request target as received."""
    if not target.startswith("/"):
        return Refusal("request target", target)
    hosts = values("host")
    if len(hosts) != 1 or not policy.authority.fullmatch(hosts[0]):
        return Refusal("host", ", ".join(hosts) if hosts else None)
    origins = values("origin")
    if len(origins) == 1 and origins[0] in policy.origins:
        return None
    linked = bool(policy.pages and re.fullmatch(policy.pages, target, re.ASCII) and _is_navigation(values))
    return _foreign_origin(f"http://{hosts[0].lower()}", values, linked=linked)


def allows_cors(policy: Policy, values: Values) -> bool:
    """Return whether the response may have CORS headers."""
    origins = values("origin")
    return len(origins) == 1 and origins[0] in policy.origins


def _is_navigation(values: Values) -> bool:
    """Return whether the browser shows the response as a document of its own: no script of the other page reads it."""
    return list(values("sec-fetch-mode")) == ["navigate"] and list(values("sec-fetch-dest")) == ["document"]


def _foreign_origin(own: str, values: Values, *, linked: bool) -> Refusal | None:
    origins, sites, preflights = values("origin"), values("sec-fetch-site"), values(PREFLIGHT)
    if any(origin != own for origin in origins):
        return Refusal("origin", ", ".join(origins))
    if not linked and not HARMLESS_SITES.issuperset(sites):
        return Refusal("sec-fetch-site", ", ".join(sites))
    return Refusal(PREFLIGHT, ", ".join(preflights)) if preflights else None
