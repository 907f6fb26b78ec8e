"""The container's health check asks what the settings name, imports little, and never raises."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread

import pytest

from flask_onetrace import healthcheck
from flask_onetrace.parsing import SettingsError
from flask_onetrace.settings import Settings

PORTS = ["", " ", "1", "80", " 8080 ", "65535", "0", "65536", "99999999999999999999", "http", "8_0", "٨٠", "-1", "8 0"]
PATHS = [
    "",
    " ",
    "/",
    "/healthz",
    " /healthz ",
    "/a/b;c",
    "/é",
    "/\u2603",
    "healthz",
    "/a b",
    "/a?b",
    "/\r\nX: y",
    "/\x7f",
]

Respond = Callable[[bytes], int]


@pytest.fixture
def respond(monkeypatch: pytest.MonkeyPatch, socket_enabled: None) -> Iterator[Respond]:  # noqa: ARG001 - it listens on 127.0.0.1
    """Answer one request with these bytes, and return the health check's exit code."""
    threads: list[Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PORT", str(server.getsockname()[1]))

        def answer(response: bytes) -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(65_536)
                connection.sendall(response)

        def exit_code(response: bytes) -> int:
            threads.append(Thread(target=answer, args=(response,)))
            threads[-1].start()
            return healthcheck.main()

        yield exit_code
        for thread in threads:
            thread.join(5)


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("path", PATHS)
def test_it_asks_for_what_valid_settings_name(port: str, path: str) -> None:
    environ = {"PORT": port, "HEALTH_CHECK_PATH": path}
    with suppress(SettingsError):
        settings = Settings.from_env(environ)
        assert healthcheck.target(environ) == (settings.port, settings.health_check_path)


def test_whatever_the_variables_hold_it_returns_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for port in PORTS:
        for path in PATHS:
            monkeypatch.setenv("PORT", port)
            monkeypatch.setenv("HEALTH_CHECK_PATH", path)
            monkeypatch.setattr(healthcheck, "_head", lambda *_: "")
            assert healthcheck.main() == 1
            assert capsys.readouterr().err.startswith("not healthy: ")


def test_invalid_settings_are_the_reason_before_what_they_lead_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEALTH_CHECK_PATH", "healthz")
    monkeypatch.setattr(healthcheck, "_head", lambda *_: "")
    assert healthcheck.main() == 1
    assert "invalid settings" in capsys.readouterr().err


@pytest.mark.parametrize("status", ["HTTP/1.1 200 OK", "HTTP/1.0 204 No Content", "HTTP/1.1 299"])
def test_every_2xx_is_health(status: str, respond: Respond) -> None:
    assert respond(f"{status}\r\nServer: x\r\n\r\n".encode()) == 0


@pytest.mark.parametrize(
    "response", [b"", b"\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"\xff" * 70_000]
)
def test_what_is_no_http_response_is_no_health(
    response: bytes, respond: Respond, capsys: pytest.CaptureFixture[str]
) -> None:
    assert respond(response) == 1
    assert capsys.readouterr().err == "not healthy: GET /_onetrace/health returned no HTTP response\n"


def test_random_bytes_never_raise(respond: Respond, capsys: pytest.CaptureFixture[str]) -> None:
    draw = random.Random(7)
    for _ in range(50):
        head = draw.choice([b"", b"HTTP/1.1 ", b"HTTP/1.1 302 \r\nLocation:"])
        assert respond(head + draw.randbytes(draw.randrange(40))) == 1
        assert capsys.readouterr().err.startswith("not healthy: ")


def test_a_success_imports_none_of_what_makes_a_start_slow() -> None:
    program = """
import flask_onetrace.healthcheck, sys
print(*sys.modules)
"""
    process = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    slow = {"ssl", "urllib.request", "http.client", "email", "typing", "re", "dataclasses", "inspect", "logging", "ast"}
    assert slow & set(process.stdout.split()) == set()
