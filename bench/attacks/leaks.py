"""Plant secrets in requests and handlers, and search everything that leaves the process for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from urllib.parse import quote, urlencode

import orjson

from bench.attacks import planted, raw_http
from bench.attacks.lab import Lab, StartError, Target
from bench.attacks.promise import Promise, Row, listed
from bench.attacks.target_app import OWN_KEYS
from bench.paths import HEALTH_CHECK
from bench.testbed.fake_servers import FakeSink
from flask_onetrace.contract import Variable

_OWN = "own keys"
_URL = "setting"
_URL_FORMS = (
    "https://deploy:{}@collector.test",
    "https://deploy:{}@collector.test:99999",
    "https://deploy:{}@[collector.test",
    "ftp://deploy:{}@collector.test",
    "deploy:{}@collector.test",
)
_URL_SETTINGS = (
    *(Variable.OTEL_EXPORTER_OTLP_ENDPOINT, Variable.ROLLBAR_ENDPOINT, Variable.FRONTEND_URL, Variable.BACKEND_URL),
    Variable.AWS_XRAY_DAEMON_ADDRESS,
)
PLANTED = Promise(
    f"{planted.count()} secrets in: {', '.join(planted.PLACES)}", "none of them reaches a sink or standard error"
)
OWN_KEYS_ROW = Promise("the service's own keys in log lines and attributes", "neither reaches a sink or standard error")
BAGGAGE = Promise(
    "a caller's `baggage`, while a handler calls a host that is not in `BAGGAGE_HOSTS`", "it is not sent on"
)
DETAIL = Promise("`/api/health-check?detail` through a load balancer", "no detail is in the response")
START = Promise(
    f"a password in {len(_URL_SETTINGS)} settings that are URLs, in {len(_URL_FORMS)} forms",
    "it is not in the error that ends the start",
)
PROMISES = (PLANTED, OWN_KEYS_ROW, BAGGAGE, DETAIL, START)


def run(lab: Lab) -> Iterator[Row]:
    """Plant secrets, search for them, and look at what else could leak."""
    own = {name: planted.secret(_OWN, name) for name in OWN_KEYS}
    with (
        ExitStack() as stack,
        lab.target({"LOG_CONSOLE": "true", "HEALTH_CHECK_DETAIL": "false", **own}) as target,
    ):
        other_host = stack.enter_context(closing(FakeSink(keeps_bodies=True)))
        _plant(target, other_host.port)
        target.received.settle()
        received = target.received.everything() + target.stderr().encode("utf-8", "surrogateescape")
        yield _planted(received, items=len(target.received.items()))
        found = [name for name, key in own.items() if key.encode() in received]
        yield OWN_KEYS_ROW.row(listed(found) or "0 found", holds=not found)
        yield _baggage(target, other_host)
        detail = raw_http.get(target.port, f"{HEALTH_CHECK}?detail", {"X-Forwarded-For": "203.0.113.7"})
        has_detail = b"queued" in detail.body or b"delivered" in detail.body
        text = "detail" if has_detail else "no detail"
        yield DETAIL.row(f"HTTP {detail.status}, {text}", holds=not has_detail and 0 < detail.status < 500)
    yield _start(lab)


def _plant(target: Target, other_port: int) -> None:
    query = urlencode(planted.planted("query"), quote_via=quote)
    cookies = "; ".join(f"{name}={value}" for name, value in planted.planted("cookies").items())
    headers = {name: planted.credential(name, value) for name, value in planted.planted("credential headers").items()}
    form = urlencode(planted.planted("form")).encode()
    body = orjson.dumps({"user": "andrew", "nested": [planted.planted("JSON body")]})
    raw_http.get(target.port, f"/attack/leak?{query}")
    raw_http.get(target.port, "/attack/leak", headers)
    raw_http.get(target.port, "/attack/leak", {"Cookie": cookies})
    for content_type, data in (("application/x-www-form-urlencoded", form), ("application/json", body)):
        fields = {"Content-Type": content_type, "Connection": "close"}
        raw_http.send(target.port, raw_http.request("/attack/leak", fields, method="POST", body=data))
    raw_http.get(target.port, f"/attack/careless/{other_port}")


def _planted(received: bytes, *, items: int) -> Row:
    leaked = planted.leaked(received)
    found = sum(map(len, leaked.values()))
    places = [f"{place} {len(names)} ({listed(names, limit=2)})" for place, names in leaked.items()]
    text = f"{found} found" + (f": {'; '.join(places)}" if places else "")
    # Six failing requests: without their items the search would prove nothing.
    return PLANTED.row(f"{text}; {items} error items searched", holds=not found and items >= 6)


def _baggage(target: Target, other_host: FakeSink) -> Row:
    url = quote(f"http://127.0.0.1:{other_host.port}/call", safe="")
    headers = {"baggage": "user.secret=planted,tenant=7", "traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
    raw_http.get(target.port, f"/attack/call?url={url}", headers)
    calls = [fields for path, fields, _ in other_host.exchanges or () if path == "/call"]
    sent = [fields["baggage"] for fields in calls if "baggage" in fields]
    text = f"{len(sent)} of {len(calls)} calls have it"
    return BAGGAGE.row(text, holds=not sent and bool(calls))


def _start(lab: Lab) -> Row:
    secret = planted.secret(_URL, "password")
    shown = []
    for form in _URL_FORMS[:: 2 if lab.short else 1]:
        try:
            with lab.target(dict.fromkeys(map(str, _URL_SETTINGS), form.format(secret))):
                shown.append(f"{form.format('…')} starts")
        except StartError as error:
            lines = [line.strip() for line in str(error).splitlines() if secret in line]
            shown += [f"{form.format('…')}: {line.partition(':')[0]}" for line in lines]
    return START.row(listed(shown) or "0 found", holds=not shown)
