"""Send header values that parsers trip over, on every route."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from itertools import product
from typing import Any

from bench.attacks import raw_http
from bench.attacks.lab import Lab
from bench.attacks.promise import Promise, Row, listed
from bench.attacks.raw_http import Response
from bench.paths import HEALTH_CHECK, HOME, NOTIFICATIONS
from flask_onetrace.contract import RELAY_PATH

HEADERS = (
    *(("Origin", value) for value in ("http://[", "http://[::1", "null", "http://\xff", "https://a:99999999")),
    *(("Host", value) for value in ("[", "a:b:c", "a:99999999999999999999", "a@b", "x" * 4_000, "\xe9.test")),
    *(("Content-Length", value) for value in ("-1", "1e3", "+5", "9" * 40, "1, 2")),
    *(("X-Forwarded-For", value) for value in (",", "[::", "1.2.3.4, \xff", "," * 4_000)),
    *(("X-Forwarded-Proto", value) for value in ("https", "javascript", "http, https")),
    *(("X-Forwarded-Port", value) for value in ("x", "-1")),
    ("X-Forwarded-Host", "["),
    ("X-Forwarded-Prefix", "/x"),
    *(("SCRIPT_NAME", value) for value in ("/nowhere", "\xff")),
    ("PATH_INFO", "/etc/passwd"),
    *(("Cookie", value) for value in ("=", "a=\xff; ;;;=", "a=" + "x" * 7_000)),
    *(("Accept", value) for value in (";q=", "*/*;q=1e999", "a/b;q=\xff")),
    *(("If-None-Match", value) for value in ('"', "W/", "*")),
    *(("If-Modified-Since", value) for value in ("Thu, 99 Foo 99999 99:99:99 GMT", "0")),
    ("If-Range", "Thu, 01 Jan 99999999 00:00:00 GMT"),
    *(("Range", value) for value in ("bytes=-", "bytes=0-0," * 300, "bytes=9999999999999999999999-", "x=1")),
    *(("Expect", value) for value in ("100-continue", "200-maybe")),
    *(("Content-Type", value) for value in ("a/b; charset=\xff", "multipart/form-data", "application/json; x")),
    *(("traceparent", value) for value in ("00-" + "f" * 32 + "-" + "f" * 16 + "-zz", "\xff", "00-0-0-0")),
    *(("baggage", value) for value in ("=", "a=%", "%ff=%ff;;;," * 100)),
    *(("X-Amzn-Trace-Id", value) for value in ("Root=", "Root=1-zzzzzzzz-0;Sampled=9;" * 50)),
)
ROUTES = (
    *(("GET", path) for path in ("/", HOME, NOTIFICATIONS, "/api/activities/search?term=a", "/api/activities/@andrew")),
    *(("GET", path) for path in (HEALTH_CHECK, "/rollbar/test", "/assets/nothing.js", "/nowhere")),
    ("POST", RELAY_PATH),
    ("POST", HOME),
    ("OPTIONS", HOME),
)
_ATTACK = f"{len(HEADERS)} hostile values of {len({name for name, _ in HEADERS})} headers, each on {len(ROUTES)} routes"
NO_ERRORS = Promise(_ATTACK, "every request is answered, none with a 5xx")
NO_ITEMS = Promise(_ATTACK, "no error item reaches Rollbar")
LINES = Promise(_ATTACK, "every response with a trace id has its access line, successful health checks apart")
PROMISES = (NO_ERRORS, NO_ITEMS, LINES)


def run(lab: Lab) -> Iterator[Row]:
    """Send each header on each route; every fifth of them in short, so that each route has its turn."""
    combinations = [*product(HEADERS, ROUTES)][:: 5 if lab.short else 1]
    with lab.target() as target:
        responses = [(_name(*each), _send(target.port, *each)) for each in combinations]
        failed = [f"{name}: {_status(each)}" for name, each in responses if not 0 < each.status < 500]
        # The relay's requests are not traced, and the response says so.
        traced = {
            each.trace_id: name
            for (_, (_, path)), (name, each) in zip(combinations, responses, strict=True)
            if each.trace_id is not None and not (path == HEALTH_CHECK and each.status < HTTPStatus.BAD_REQUEST)
        }
        target.received.wait_for(lambda received: len(_traced(received.lines(), traced)) == len(traced))
        lines = _traced(target.received.lines(), traced)
        items = [_title(item) for item in target.received.items() if "Hello World!" not in str(item)]
    yield NO_ERRORS.row(f"{len(failed)} of {len(responses)} {_examples(failed)}", holds=not failed)
    yield NO_ITEMS.row(f"{len(items)} items {_examples(items)}", holds=not items)
    missing = [name for trace_id, name in traced.items() if trace_id not in lines]
    yield LINES.row(f"{len(missing)} of {len(traced)} missing {_examples(missing)}", holds=not missing and bool(traced))


def _send(port: int, header: tuple[str, str], route: tuple[str, str]) -> Response:
    name, value = header
    method, path = route
    body = b"a=b" if method == "POST" else None
    fields = {"Connection": "close", "Origin": "http://service.test", name: value}
    return raw_http.send(port, raw_http.request(path, fields, method=method, body=body), timeout=3.0)


def _traced(lines: list[dict[str, object]], traced: dict[str, str]) -> set[object]:
    return {line.get("trace_id") for line in lines if "status" in line} & {*traced}


def _title(item: dict[str, Any]) -> str:
    trace = item["body"].get("trace") or item["body"].get("trace_chain", [{}])[0]
    return str(trace.get("exception", {}).get("class", "no exception"))


def _name(header: tuple[str, str], route: tuple[str, str]) -> str:
    value = header[1].encode("ascii", "backslashreplace").decode()
    return f"`{header[0]}: {value[:24].replace('|', '')}` on {route[0]} {route[1].partition('?')[0]}"


def _status(response: Response) -> str:
    return str(response.status) if response.status else "no response"


def _examples(findings: list[str]) -> str:
    return f"({listed(findings, limit=2)})" if findings else ""
