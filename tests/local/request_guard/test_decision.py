from __future__ import annotations

import random
import string
from collections.abc import Sequence

import pytest

from local.request_guard.decision import (
    LOAD_BALANCER_NAMES,
    LOOPBACK_NAMES,
    PREFLIGHT,
    Policy,
    Refusal,
    allows_cors,
    refusal,
)

FRONT_END = "http://localhost:3000"
POLICY = Policy(f"{LOOPBACK_NAMES}|{LOAD_BALANCER_NAMES}", frozenset({FRONT_END}))
OWN_NAMES = ("127.0.0.1", "localhost", "[::1]", "cruddur-1.alb.localhost")
PORTS = ("", ":80", ":4566", ":65535")
CASES = 5_000


def decide(target: str = "/", **headers: str | Sequence[str]) -> Refusal | None:
    values = {name.replace("_", "-"): [each] if isinstance(each, str) else each for name, each in headers.items()}
    return refusal(POLICY, target, lambda name: values.get(name, []))


@pytest.mark.parametrize("name", OWN_NAMES)
@pytest.mark.parametrize("port", PORTS)
def test_the_servers_own_names_are_accepted_with_and_without_a_port_in_any_case(name: str, port: str) -> None:
    assert decide(host=name + port) is None
    assert decide(host=name.upper() + port) is None
    assert decide(host=name.upper() + port, origin=f"http://{name}{port}", sec_fetch_site="same-origin") is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "evil.test",
        "127.0.0.1.evil.test",
        "evil.test:4566",
        "localhost.",
        "127.0.0.1.",
        "localhost.evil.test",
        "notlocalhost",
        "127.0.0.2",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",  # noqa: S104 - a Host header
        "::1",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::1",
        "[::1]evil.test",
        "user@127.0.0.1",
        "127.0.0.1@evil.test",
        "127.0.0.1:",
        "127.0.0.1:port",
        "127.0.0.1:4566:80",
        "127.0.0.1:4566@evil.test",
        "127.0.0.1:-1",
        "127.0.0.1:123456",
        "127.0.0.1:\u0661",
        "127.0.0.1 ",
        " 127.0.0.1",
        "127.0.0.1\n",
        "127.0.0.1\tevil.test",
        "127.0.0.1,evil.test",
        "127.0.0.1, 127.0.0.1",
        "127.0.0.1/",
        "127.0.0.1#",
        "127.0.0.1?",
        "127.0.0.1\\",
        "127%2e0.0.1",
        "http://127.0.0.1",
        ".alb.localhost",
        "a.b.alb.localhost",
        "-.alb.localhost",
        "evil.test.alb.localhost",
        "alb.localhost",
        "x.alb.localhost.",
        "x.alb.localhost.evil.test",
        "x.albalocalhost",
        "bucket.localhost",
        "lambda.us-east-1.amazonaws.com",
    ],
)
def test_every_other_host_is_refused_whatever_else_the_request_says(host: str) -> None:
    for headers in ({}, {"origin": f"http://{host}"}, {"origin": FRONT_END}, {"sec_fetch_site": "none"}):
        assert decide(host=host, **headers) == Refusal("host", host)


def test_a_missing_or_repeated_host_is_refused() -> None:
    assert decide() == Refusal("host", None)
    assert decide(host=["127.0.0.1", "127.0.0.1"]) == Refusal("host", "127.0.0.1, 127.0.0.1")
    assert decide(host=["127.0.0.1", "evil.test"]) == Refusal("host", "127.0.0.1, evil.test")


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.test/",
        "http://127.0.0.1/",
        "HTTP://127.0.0.1:80/",
        "127.0.0.1:80",
        "*",
        "",
        "evil.test",
        "?a",
        " /",
    ],
)
def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    assert decide(target, host="127.0.0.1") == Refusal("request target", target)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://evil.test",
        "http://127.0.0.1",
        "http://127.0.0.1:4567",
        "http://127.0.0.1:45660",
        "http://localhost:4566",
        "https://127.0.0.1:4566",
        "HTTP://127.0.0.1:4566",
        "http://127.0.0.1:4566/",
        "http://127.0.0.1:4566.evil.test",
        "http://user@127.0.0.1:4566",
        "http://127.0.0.1:4566 http://evil.test",
        "http://127.0.0.1:4566,http://evil.test",
        "127.0.0.1:4566",
        "//127.0.0.1:4566",
        "file://",
        "chrome-extension://abcdefghijklmnop",
        "data:",
        "about:blank",
        f"{FRONT_END}0",
        f"{FRONT_END}/",
    ],
)
def test_every_other_origin_is_refused(origin: str) -> None:
    assert decide(host="127.0.0.1:4566", origin=origin) == Refusal("origin", origin)
    assert decide(host="127.0.0.1:4566", origin=origin, sec_fetch_site="same-origin") == Refusal("origin", origin)
    both = ["http://127.0.0.1:4566", origin]
    assert decide(host="127.0.0.1:4566", origin=both) == Refusal("origin", ", ".join(both))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "NONE", "none, cross-site", "none,none", "other"])
def test_a_fetch_from_another_site_or_another_port_is_refused(site: str) -> None:
    assert decide(host="127.0.0.1", sec_fetch_site=site) == Refusal("sec-fetch-site", site)
    assert decide(host="127.0.0.1", origin="http://127.0.0.1", sec_fetch_site=site) == Refusal("sec-fetch-site", site)


def test_a_preflight_is_refused_also_from_the_servers_own_origin() -> None:
    headers = {"access_control_request_method": "PUT"}
    assert decide(host="127.0.0.1", **headers) == Refusal(PREFLIGHT, "PUT")
    assert decide(host="127.0.0.1", origin="http://127.0.0.1", **headers) == Refusal(PREFLIGHT, "PUT")


def test_a_named_front_end_may_send_requests_and_preflights_and_alone_gets_cors_headers() -> None:
    for site in ("same-site", "cross-site"):
        headers = {"origin": FRONT_END, "sec_fetch_site": site, "access_control_request_method": "PUT"}
        assert decide(host="127.0.0.1:4566", **headers) is None
    cases = {(FRONT_END,): True, (FRONT_END, FRONT_END): False, (): False, ("null",): False}
    for origins, expected in cases.items():
        assert allows_cors(POLICY, {"origin": origins}.__getitem__) is expected


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


def test_a_refusal_names_the_header_its_value_and_the_remedy() -> None:
    assert Refusal("host", None).message == (
        "Refused, because Host is missing: use 127.0.0.1, localhost or the load balancer's name that make up printed"
    )
    assert Refusal("sec-fetch-site", "cross-site").message.startswith(
        "Refused, because Sec-Fetch-Site is 'cross-site': type the address into the browser, send it from"
    )
    assert Refusal("request target", "*").message.startswith("Refused, because request target is '*': request the path")
    assert len(Refusal("origin", "x" * 10_000).message) < 400
