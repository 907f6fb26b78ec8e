from __future__ import annotations

import random
import string

from tests.local.request_guard.test_decision import FRONT_END, OWN_NAMES, PORTS, decide

CASES = 5_000


def test_random_requests_are_accepted_only_if_all_that_the_browser_says_is_the_servers_own() -> None:
    """The rule is stated a second time, in another way."""
    draw = random.Random(20)
    hosts = [
        *(name + port for name in OWN_NAMES for port in PORTS),
        "evil.test",
        "127.0.0.1.",
        "localhost.:80",
        "[::1]:",
        "x@localhost",
        "",
    ]
    accepted = 0
    for _ in range(CASES):
        host = mutated(draw, draw.choice(hosts))
        origins = [mutated(draw, draw.choice([f"http://{host}", FRONT_END, "null", "http://evil.test"]))] * draw.choice(
            (0, 0, 1, 1, 2)
        )
        sites = draw.choice(([], ["none"], ["same-origin"], ["same-site"], ["cross-site"]))
        preflight = draw.choice(([], [], ["POST"]))
        target = draw.choice(("/", "/a?b", f"http://{host}/", "*"))
        is_front_end = origins == [FRONT_END]
        is_own = (
            all(each == f"http://{host.lower()}" for each in origins)
            and sites in ([], ["none"], ["same-origin"])
            and not preflight
        )
        expected = target.startswith("/") and is_own_host(host) and (is_front_end or is_own)
        actual = decide(
            target, host=host, origin=origins, sec_fetch_site=sites, access_control_request_method=preflight
        )
        assert (actual is None) == expected, (target, host, origins, sites, preflight, actual)
        accepted += expected
    assert accepted > CASES / 50


def is_own_host(host: str) -> bool:
    name, colon, port = host.rpartition(":") if "]" not in host or host[-1] != "]" else (host, "", "")
    if not colon:
        name = host
    elif not (port.isascii() and port.isdecimal() and len(port) <= 5):
        return False
    if not name.isascii():
        return False
    label, dot, rest = name.lower().partition(".")
    letters = set(string.ascii_lowercase + string.digits + "-")
    is_label = bool(label) and set(label) <= letters and "-" not in (label[0], label[-1])
    return name.lower() in OWN_NAMES[:3] or (is_label and dot + rest == ".alb.localhost")


def mutated(draw: random.Random, text: str) -> str:
    """Return `text`, in every other case in another case, or with a character inserted, removed or replaced."""
    kind = draw.randrange(8)
    position = draw.randrange(len(text) + 1)
    character = draw.choice(string.printable + "\u0130\u212a\xe9")
    if kind == 0:
        return text.swapcase() if "http" not in text else text
    if kind == 1:
        return text[:position] + character + text[position:]
    if kind == 2:
        return text[:position] + text[position + 1 :]
    if kind == 3:
        return text[:position] + character + text[position + 1 :]
    return text
