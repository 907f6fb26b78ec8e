from __future__ import annotations

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


def test_a_refusal_names_the_header_its_value_and_the_remedy() -> None:
    assert Refusal("host", None).message == (
        "Refused, because Host is missing: use 127.0.0.1, localhost or the load balancer's name that make status prints"
    )
    assert Refusal("sec-fetch-site", "cross-site").message.startswith(
        "Refused, because Sec-Fetch-Site is 'cross-site': type the address into the browser, send it from"
    )
    assert Refusal("request target", "*").message.startswith("Refused, because request target is '*': request the path")
    assert len(Refusal("origin", "x" * 10_000).message) < 400


PAGES = Policy(LOOPBACK_NAMES, pages=r"/(?:traces/[0-9a-f]+)?(?:\?.*)?")
NAVIGATION = {"host": ["127.0.0.1"], "sec-fetch-site": ["cross-site"], "sec-fetch-mode": ["navigate"]} | {
    "sec-fetch-dest": ["document"]
}


def decide_link(target: str, headers: dict[str, list[str]]) -> Refusal | None:
    return refusal(PAGES, target, lambda name: headers.get(name, []))


@pytest.mark.parametrize("target", ["/", "/?filter=a", "/traces/ab12", "/traces/ab12?filter=a%20b"])
def test_a_link_of_another_page_may_lead_to_a_page(target: str) -> None:
    assert decide_link(target, NAVIGATION) is None
    assert refusal(POLICY, target, lambda name: NAVIGATION.get(name, [])) is not None


@pytest.mark.parametrize(
    ("target", "changed"),
    [
        ("/api/traces", {}),
        ("/traces/ab12/otlp", {}),
        ("/\n", {}),
        ("/", {"host": ["evil.test"]}),
        ("/", {"origin": ["https://evil.test"]}),  # as a form's POST has it
        ("/", {"origin": ["null"]}),
        ("/", {"sec-fetch-mode": ["no-cors"]}),
        ("/", {"sec-fetch-mode": []}),
        ("/", {"sec-fetch-dest": ["iframe"]}),
        ("/", {"sec-fetch-dest": ["document", "document"]}),
        ("/", {PREFLIGHT: ["POST"]}),
    ],
)
def test_nothing_else_of_another_page_is_accepted(target: str, changed: dict[str, list[str]]) -> None:
    assert decide_link(target, {**NAVIGATION, **changed}) is not None
