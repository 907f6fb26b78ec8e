"""Everything that `make up` starts refuses the requests of a foreign page, over real sockets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.application import DEFAULT_FOLDER
from local.application.selection import load_application
from local.service.runner import command
from tests.local.emulator.conftest import CHECKOUT, SECONDS, free_port, start, wait_until_ready
from tests.local.request_guard.raw_http import send

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

FRONT_END = "http://localhost:3000"
LOAD_BALANCER = "cruddur.alb.localhost:4566"
_ATTEMPTS = 3
"""Another process may take a port after it was found free."""
PATHS = {
    "emulator": "/_ministack/health",
    "Honeycomb": "/traces",
    "Rollbar": "/items",
    "X-Ray daemon": "/daemon",
    "service": "/api/health-check",
}


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Start all of them and return their ports."""
    with ExitStack() as stack:
        for remaining in range(_ATTEMPTS - 1, -1, -1):
            try:
                ports = _start_all(stack)
                break
            except AssertionError:
                if not remaining:
                    raise
                stack.close()
        yield ports


def _start_all(stack: ExitStack) -> dict[str, int]:
    """Start all of them on free ports. Raises `AssertionError` if one does not start."""
    ports = {name: free_port() for name in PATHS}
    processes = [start(ports["emulator"]), _start_fakes(ports), _start_service(ports["service"])]
    for process in processes:
        stack.enter_context(process)
        stack.callback(process.wait, SECONDS)
        stack.callback(process.terminate)
    for process, name in zip(processes, ("emulator", "Rollbar", "service"), strict=True):
        wait_until_ready(process, f"http://127.0.0.1:{ports[name]}", PATHS[name])
    return ports


def _start_fakes(ports: dict[str, int]) -> subprocess.Popen[str]:
    options = ["--endpoint", f"http://127.0.0.1:{ports['emulator']}", "--daemon-port", str(ports["X-Ray daemon"])]
    options += ["--honeycomb-port", str(ports["Honeycomb"]), "--rollbar-port", str(ports["Rollbar"])]
    return _start([sys.executable, "-m", "local.fakes", *options])


def _start_service(port: int) -> subprocess.Popen[str]:
    application = load_application(DEFAULT_FOLDER, None)
    environment = {"FLASK_APP": application.flask_app or "", "HEALTH_CHECK_PATH": application.health_check_path}
    served = command(Path(sys.executable), application, LOAD_BALANCER.partition(":")[0])
    return _start(list(served), PORT=str(port), FRONTEND_URL=FRONT_END, **environment)


def _start(command: list[str], **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.fixture(params=PATHS)
def listener(request: pytest.FixtureRequest, ports: dict[str, int]) -> tuple[int, str]:
    return ports[request.param], PATHS[request.param]


@pytest.mark.parametrize("name", ["127.0.0.1", "LOCALHOST", "[::1]"])
def test_a_program_and_the_servers_own_page_are_answered_without_a_cors_header(
    listener: tuple[int, str], name: str
) -> None:
    port, path = listener
    host = f"{name}:{port}"
    own_page = (f"Origin: http://{host.lower()}", "Sec-Fetch-Site: same-origin")
    for headers in ((), own_page, ("Sec-Fetch-Site: none",)):
        answer = send(port, f"GET {path} HTTP/1.1", f"Host: {host}", *headers)
        assert answer.status == 200
        assert [each for each in answer.headers if each.startswith("access-control-")] == []


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ((), "Refused, because Host is missing: use 127.0.0.1"),
        (("Host: evil.test",), "Refused, because Host is 'evil.test': use 127.0.0.1"),
        (("Host: evil.test:{port}",), "Refused, because Host is 'evil.test:{port}': use 127.0.0.1"),
        (("Host: user@127.0.0.1",), "Refused, because Host is 'user@127.0.0.1': use"),
        (("Host: 127.0.0.1", "Origin: null"), "Refused, because Origin is 'null': send it from this server's own page"),
        (("Host: 127.0.0.1:{port}", "Origin: http://127.0.0.1:1"), "Refused, because Origin is 'http://127.0.0.1:1'"),
        (("Host: 127.0.0.1:{port}", "Origin: http://localhost:{port}"), "Refused, because Origin is 'http://localhost"),
        (("Host: 127.0.0.1", "Sec-Fetch-Site: cross-site"), "Refused, because Sec-Fetch-Site is 'cross-site': type"),
        (("Host: 127.0.0.1", "Sec-Fetch-Site: same-site"), "Refused, because Sec-Fetch-Site is 'same-site': type"),
        (
            ("Host: 127.0.0.1", "Access-Control-Request-Method: PUT"),
            "Refused, because Access-Control-Request-Method is 'PUT': preflights are not answered",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT", "DELETE", "HEAD"])
def test_a_foreign_request_is_refused_with_the_header_its_value_and_the_remedy(
    listener: tuple[int, str], method: str, headers: tuple[str, ...], message: str
) -> None:
    port, path = listener
    # Without a Host only HTTP/1.0 is a valid request, which a server may refuse by itself.
    version = "1.1" if headers else "1.0"
    answer = send(port, f"{method} {path} HTTP/{version}", *(each.format(port=port) for each in headers))

    assert answer.status == 403
    assert [each for each in answer.headers if each.startswith("access-control-")] == []
    if method == "HEAD":
        assert answer.body == ""
    else:
        assert json.loads(answer.body)["error"].startswith(message.format(port=port))


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("http://evil.test{path}", ("Host: 127.0.0.1",)),
        ("http://127.0.0.1{path}", ("Host: evil.test",)),
        ("{path}", ("Host: 127.0.0.1", "Host: evil.test")),
        ("{path}", ("Host: evil.test", "Host: 127.0.0.1")),
        ("{path}", ("Host: 127.0.0.1", "Origin: http://127.0.0.1", "Origin: http://evil.test")),
        ("*", ("Host: 127.0.0.1",)),
    ],
)
def test_an_ambiguous_request_is_refused(listener: tuple[int, str], target: str, headers: tuple[str, ...]) -> None:
    port, path = listener
    answer = send(port, f"GET {target.format(path=path)} HTTP/1.1", *headers)

    assert answer.status in {400, 403}, "the guard's status, or that of a server that reads no such request"


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.test"])
def test_no_websocket_is_opened(listener: tuple[int, str], host: str) -> None:
    port, _ = listener
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: bm9uY2U=")
    answer = send(port, "GET /_aws/execute-api/1234/stage HTTP/1.1", f"Host: {host}", *upgrade)

    assert answer.status in {403, 404}


def test_the_service_accepts_the_pages_of_its_load_balancer_and_of_the_front_end(ports: dict[str, int]) -> None:
    own = send(
        ports["service"],
        "GET /api/activities/home HTTP/1.1",
        f"Host: {LOAD_BALANCER}",
        f"Origin: http://{LOAD_BALANCER}",
        "Sec-Fetch-Site: same-origin",
    )
    assert (own.status, own.headers.get("access-control-allow-origin")) == (200, None)
    foreign = (f"Host: 127.0.0.1:{ports['service']}", f"Origin: {FRONT_END}", "Sec-Fetch-Site: cross-site")
    answer = send(ports["service"], "GET /api/activities/home HTTP/1.1", *foreign)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, FRONT_END)
    preflight = "Access-Control-Request-Method: POST"
    answer = send(ports["service"], "OPTIONS /api/activities/home HTTP/1.1", *foreign, preflight)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, FRONT_END)


def test_only_the_services_own_load_balancer_is_accepted_by_the_service(ports: dict[str, int]) -> None:
    answer = send(ports["service"], "GET /api/health-check HTTP/1.1", "Host: other.alb.localhost")

    assert answer.status == 403
