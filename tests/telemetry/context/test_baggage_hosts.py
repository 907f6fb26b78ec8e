"""The caller's baggage goes to the listed hosts and to no other, and no sink's request carries a header of a trace."""

from __future__ import annotations

import http.client
import os
import random
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import quote

import pytest
import requests
from flask import Flask, request
from opentelemetry import propagate

from flask_onetrace.parsing import SettingsError
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry.context.hosts import is_listed
from tests.telemetry.backends import FakeBackends
from tests.telemetry.conftest import AppFactory
from tests.telemetry.context.conftest import NAMES, Upstream
from tests.telemetry.tracing import get

ALWAYS = '{"RuleName":"always","FixedRate":1,"ReservoirSize":0}'
NEVER = '{"RuleName":"never","FixedRate":0,"ReservoirSize":0}'


def calling_app(make_app: AppFactory, environment: dict[str, str]) -> Flask:
    """An app whose `/call` requests the URL that the query gives."""
    app = make_app({"LOG_CONSOLE": "false", **environment})

    @app.get("/call")
    def call() -> str:
        return requests.get(request.args["url"], timeout=60).text

    return app


def call(app: Flask, url: str) -> None:
    assert get(app, f"/call?url={quote(url, safe='')}", baggage="user=42").status == 200


@pytest.mark.parametrize("sampling", [{}, {"XRAY_SAMPLING_RULE": ALWAYS}, {"XRAY_SAMPLING_RULE": NEVER}])
@pytest.mark.parametrize("sinks", [True, False], ids=["sinks on", "sinks off"])
def test_only_the_listed_host_gets_the_baggage(
    make_app: AppFactory,
    backends: FakeBackends,
    upstream: tuple[Upstream, str],
    sampling: dict[str, str],
    *,
    sinks: bool,
) -> None:
    service, port = upstream
    environment = {
        **(backends.honeycomb if sinks else {}),
        **sampling,
        "BAGGAGE_HOSTS": "Orders.Internal., .svc.internal",
    }
    app = calling_app(make_app, environment)
    for host in (*NAMES, "ORDERS.internal", "orders.internal."):
        call(app, f"http://{host}:{port}/")
    call(app, f"http://orders.internal@evil.example:{port}/")
    call(app, f"http://orders.internal%2F@evil.example:{port}/")
    call(app, f"http://127.0.0.1:{port}/?orders.internal")
    assert service.received == [
        ("orders.internal", "user=42"),
        ("deep.svc.internal", "user=42"),
        ("svc.internal", None),
        ("evil.example", None),
        ("orders.internal.evil.example", None),
        ("orders.internal", "user=42"),
        ("orders.internal", "user=42"),
        ("evil.example", None),
        ("evil.example", None),
        ("127.0.0.1", None),
    ]


def test_no_host_gets_it_by_default(make_app: AppFactory, upstream: tuple[Upstream, str]) -> None:
    service, port = upstream
    call(calling_app(make_app, {}), f"http://orders.internal:{port}/")
    assert service.received == [("orders.internal", None)]


def test_a_redirect_does_not_take_it_to_another_host(make_app: AppFactory, upstream: tuple[Upstream, str]) -> None:
    service, port = upstream
    app = calling_app(make_app, {"BAGGAGE_HOSTS": "orders.internal"})
    call(app, f"http://orders.internal:{port}/to?http://evil.example:{port}/")
    assert service.received == [("orders.internal", "user=42"), ("evil.example", None)]
    service.received.clear()
    call(app, f"http://orders.internal:{port}/to?http://orders.internal:{port}/")
    assert service.received == [("orders.internal", "user=42")] * 2


def test_a_handler_that_forwards_all_headers_of_its_caller_does_not_forward_the_baggage(
    make_app: AppFactory, upstream: tuple[Upstream, str]
) -> None:
    service, port = upstream
    app = calling_app(make_app, {"BAGGAGE_HOSTS": "orders.internal"})

    @app.get("/proxy")
    def proxy() -> str:
        headers = {"BAGGAGE": request.headers["baggage"]}
        propagate.inject(headers)
        with requests.Session() as session:
            session.headers.update(headers)
            return session.get(f"http://evil.example:{port}/", timeout=60).text

    assert get(app, "/proxy", baggage="user=42").status == 200
    assert service.received == [("evil.example", None)]


def test_headers_injected_by_hand_carry_the_trace_and_no_baggage(make_app: AppFactory) -> None:
    app = calling_app(make_app, {"BAGGAGE_HOSTS": "orders.internal"})
    carriers: list[dict[str, str]] = []

    @app.get("/inject")
    def inject() -> str:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        carriers.append(carrier)
        return "ok"

    assert get(app, "/inject", baggage="user=42").status == 200
    [carrier] = carriers
    assert set(carrier) == {"traceparent", "X-Amzn-Trace-Id"}


def test_hosts_are_compared_by_the_name_that_is_connected_to() -> None:
    hosts = Settings.from_env({"BAGGAGE_HOSTS": "[0:0::1], 10.0.0.7, orders.internal,.svc.internal"}).baggage_hosts
    for url in ("http://[::1]:80/", "http://[0:0:0:0:0:0:0:1]", "https://10.0.0.7", "http://a.SVC.internal.:1/x"):
        assert is_listed(url, hosts), url
    tail = random.Random(7)
    for _ in range(300):
        noise = "".join(tail.choices("abz019.-@:/\\?#[]%_ ", k=tail.randint(1, 6)))
        for url in (f"http://orders.internal{noise}evil/", f"http://evil{noise}orders.internal/", f"http://{noise}"):
            try:
                connected = requests.Request("GET", url).prepare().url or ""
                host = requests.adapters.urlparse(connected).hostname  # type: ignore[attr-defined]  # what the adapter calls
            except (requests.RequestException, ValueError):
                continue
            expected = (host or "").removesuffix(".") == "orders.internal" or (host or "").endswith(".svc.internal")
            assert is_listed(connected, hosts) == expected, url


@pytest.mark.parametrize(
    "text", ["http://orders.internal", "orders.internal:80", ".", ".0.0.7", "a b", "*.internal", "é.x"]
)
def test_what_is_no_host_name_is_rejected(text: str) -> None:
    with pytest.raises(SettingsError, match=r"BAGGAGE_HOSTS: .* is not a host name"):
        Settings.from_env({"BAGGAGE_HOSTS": text})


SINKS_UNDER_THE_SDK = """
import os
from aws_xray_sdk.core import patch
from service.factory import create_app
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION
app = create_app(Settings.from_env())
patch(("httplib", "requests"))
client = app.test_client()
for path in ("/api/activities/home", "/api/fault", "/rollbar/test"):
    client.get(path, headers={"baggage": "user=42", "tracestate": "a=1", "X-Cruddur-User": "worf"}, buffered=True)
app.extensions[EXTENSION].shutdown()
"""


class RecordingHandler(BaseHTTPRequestHandler):
    """Accept every POST as each back end would, and keep its headers."""

    received: list[tuple[str, dict[str, str]]] = []  # noqa: RUF012 - one list for all requests

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(http.client.OK)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


def test_the_requests_of_the_sinks_carry_no_header_of_a_trace(socket_enabled: None) -> None:  # noqa: ARG001 - the back end listens on 127.0.0.1
    RecordingHandler.received.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), RecordingHandler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "ROLLBAR_ENDPOINT": f"{url}/api/1/",
            "ROLLBAR_ACCESS_TOKEN": "sentinel-rollbar-token",
            "CLOUDWATCH_LOG_GROUP": "Cruddur-Backend-Flask",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "fake",
            "AWS_SECRET_ACCESS_KEY": "fake",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{server.server_port}",
            "BAGGAGE_HOSTS": "127.0.0.1",
            "FAULT_ROUTES": "true",
            "TRUST_USER_HEADER": "true",
        }
        process = subprocess.run(
            [sys.executable, "-c", SINKS_UNDER_THE_SDK],
            env={"PATH": os.environ["PATH"], **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        server.shutdown()
        thread.join()
    assert process.returncode == 0, process.stderr
    paths = {path for path, _ in RecordingHandler.received}
    assert {"/v1/traces", "/api/1/item/", "/", "/GetSamplingRules"} <= paths
    forbidden = {"baggage", "traceparent", "tracestate", "x-amzn-trace-id", "x-cruddur-user"}
    assert [
        (path, set(headers) & forbidden) for path, headers in RecordingHandler.received if set(headers) & forbidden
    ] == []
