"""The service as a gunicorn process: startup, shutdown on SIGTERM, configuration errors and the health check."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from tests.telemetry.backends import KEYS, FakeBackends, eventually
from tests.telemetry.gunicorn_server import ROOT, command, environment, exit_limit, serve


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["lazy", "preload"])
def test_the_last_request_before_sigterm_is_delivered_to_every_sink(
    backends: FakeBackends, options: tuple[str, ...]
) -> None:
    variables = {**backends.environment, **backends.aws, "FAULT_ROUTES": "true", "WEB_CONCURRENCY": "2"}
    with serve(variables, *options) as server:
        ids = [server.get("/api/fault").headers["X-Trace-Id"] for _ in range(8)]
        code, seconds, _ = server.stop()
    assert code == 0
    assert seconds < exit_limit(10, server.start_seconds)
    assert len(set(ids)) == 8
    for trace_id in ids:
        assert len(backends.spans(trace_id)) == 1
        assert len(backends.lines_of(trace_id)) == 2
        assert len(backends.items(trace_id)) == 1
        assert len(eventually(lambda trace_id=trace_id: backends.segments_of(trace_id), 1)) == 1  # type: ignore[misc]  # mypy infers no lambda default


def test_behind_a_load_balancer_the_url_has_the_clients_scheme(backends: FakeBackends) -> None:
    with serve({**backends.environment, **backends.aws}) as server:
        response = server.get("/api/health-check", **{"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"})
        [segment] = eventually(lambda: backends.segments_of(response.headers["X-Trace-Id"]), 1)
    assert segment["http"]["request"]["url"].startswith("https://127.0.0.1:")
    assert segment["http"]["request"]["client_ip"] == "203.0.113.7"
    assert segment["http"]["request"]["x_forwarded_for"] is True


@pytest.mark.usefixtures("socket_enabled")
def test_unreachable_sinks_affect_neither_startup_nor_responses() -> None:
    unreachable = "127.0.0.1:9"  # the discard port: nothing listens there
    variables = {
        **KEYS,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{unreachable}",
        "ROLLBAR_ENDPOINT": f"http://{unreachable}/api/1/",
        "AWS_XRAY_DAEMON_ADDRESS": unreachable,
        "CLOUDWATCH_LOG_GROUP": "group",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{unreachable}",
        "AWS_ACCESS_KEY_ID": "fake",
        "AWS_SECRET_ACCESS_KEY": "fake",
        "FAULT_ROUTES": "true",
        "TELEMETRY_SHUTDOWN_DEADLINE": "2",
    }
    with serve(variables) as server:
        paths = ("/api/activities/home", "/api/activities/notifications", "/api/fault", "/nope")
        assert [server.get(path).status_code for path in paths] == [200, 200, 500, 404]
        code, seconds, _ = server.stop()
    assert code == 0
    assert seconds < exit_limit(2, server.start_seconds)


def test_no_secret_leaves_the_process(backends: FakeBackends) -> None:
    variables = {**backends.environment, **backends.aws, "FAULT_ROUTES": "true", "LOG_CONSOLE": "true"}
    with serve({**variables, "LOG_LEVEL": "DEBUG"}) as server:
        health = server.get("/api/health-check").text
        trace_id = server.get("/api/fault", Authorization="Bearer sentinel-bearer", Cookie="s=sentinel-cookie").headers[
            "X-Trace-Id"
        ]
        _, _, output = server.stop()
    exports = [backends.spans(trace_id), backends.items(trace_id), backends.segments, backends.logs.lines]
    assert all(exports)
    everything = health + output + repr(exports)
    for secret in (*KEYS.values(), "sentinel-bearer", "sentinel-cookie"):
        assert secret not in everything


def test_log_lines_dropped_for_cloudwatch_are_reported_in_the_containers_output(backends: FakeBackends) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed_port = f"http://127.0.0.1:{free.getsockname()[1]}"
    variables = {**backends.environment, **backends.aws, "LOG_CONSOLE": "false", "AWS_ENDPOINT_URL": closed_port}
    with serve(variables) as server:
        assert server.get("/api/activities/home").status_code == 200
        _, _, output = server.stop()
    [metric] = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    assert metric["sink"] == "cloudwatch"
    assert metric["Dropped"] >= 1
    assert metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["sink"], []]


def test_invalid_settings_end_the_process_with_one_clear_message() -> None:
    result = subprocess.run(
        command(),
        cwd=ROOT,
        env=environment({"PORT": "eighty", "AWS_XRAY_DAEMON_ADDRESS": "nowhere", "HONEYCOMB_API_KEY": "a b"}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode != 0
    assert "PORT: 'eighty' is not a port: set a number from 1 to 65535" in result.stderr
    assert "AWS_XRAY_DAEMON_ADDRESS: 'nowhere' is not an address" in result.stderr
    assert "HONEYCOMB_API_KEY: the value (not shown)" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("socket_enabled")
def test_a_port_in_use_is_named() -> None:
    with serve({}) as server:
        port = server.url.rpartition(":")[2]
        result = subprocess.run(
            command(),
            cwd=ROOT,
            env=environment({"PORT": port}),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert result.returncode != 0
    assert port in result.stderr
    assert "in use" in result.stderr.lower()


def health_check(port: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask_onetrace.healthcheck"],
        cwd=ROOT,
        env=environment({"PORT": port}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.usefixtures("socket_enabled")
def test_the_health_check_passes_while_the_service_runs_and_fails_after() -> None:
    with serve({}) as server:
        port = server.url.rpartition(":")[2]
        assert health_check(port).returncode == 0
        server.stop()
    result = health_check(port)
    assert result.returncode == 1
    assert result.stderr.startswith("not healthy: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ("302 Found\r\nLocation: /login", "302 to /login"),
        ("308 Permanent Redirect\r\nLocation: https://login.test/", "308 to https://login.test/"),
        ("503 Service Unavailable", "503"),
    ],
)
def test_what_the_load_balancer_takes_for_no_health_is_none(response: str, outcome: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        subprocess.Popen(
            [sys.executable, "-m", "flask_onetrace.healthcheck"],
            cwd=ROOT,
            env=environment({"PORT": str(server.getsockname()[1]), "HEALTH_CHECK_PATH": "/healthz"}),
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(f"HTTP/1.1 {response}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, f"not healthy: GET /healthz returned {outcome}, expected a 2xx\n")


@pytest.mark.usefixtures("socket_enabled")
def test_the_health_check_fails_on_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = health_check(str(silent.getsockname()[1]))
    assert result.returncode == 1
    assert result.stderr == "not healthy: timed out\n"


@pytest.mark.usefixtures("socket_enabled")
def test_startup_does_not_wait_for_credentials() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts connections and never responds
        variables = {
            "CLOUDWATCH_LOG_GROUP": "group",
            "AWS_REGION": "us-east-1",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{silent.getsockname()[1]}/",
            "TELEMETRY_SHUTDOWN_DEADLINE": "1",
        }
        with serve({}) as usual:
            pass
        with serve(variables) as server:
            # boto3 gives up after 8 s: three attempts of 2 s, a second apart.
            assert server.start_seconds < 2 * usual.start_seconds + 3
            assert server.get("/api/activities/home").status_code == 200
            code, seconds, _ = server.stop()
    assert code == 0
    assert seconds < exit_limit(1, server.start_seconds)
