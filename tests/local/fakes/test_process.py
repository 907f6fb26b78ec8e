from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ROOT = Path(__file__).parents[3]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.fakes", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_one_process_serves_all_fakes_until_sigterm() -> None:
    with start("--endpoint", "http://127.0.0.1:9", "--daemon-port", "0") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        ports = [int(line.rpartition(":")[2]) for line in lines]
        for port in ports:
            socket.create_connection(("127.0.0.1", port), timeout=60).close()
        process.terminate()
        _, stderr = process.communicate(timeout=60)

    assert [line.partition(" http://127.0.0.1:")[0] for line in lines] == ["Honeycomb", "Rollbar", "X-Ray daemon"]
    assert (process.returncode, stderr) == (0, "")


def test_without_a_port_for_it_no_daemon_listens() -> None:
    with start("--endpoint", "http://127.0.0.1:9") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.terminate()
        rest, stderr = process.communicate(timeout=60)

    assert [line.partition(" ")[0] for line in lines] == ["Honeycomb", "Rollbar"]
    assert (process.returncode, rest, stderr) == (0, "", "")


@pytest.mark.parametrize("option", ["--honeycomb-port", "--honeycomb-eu-port", "--rollbar-port", "--daemon-port"])
def test_a_port_in_use_is_reported_on_one_line(option: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = str(listener.getsockname()[1])
        with start("--endpoint", "http://127.0.0.1:9", option, port) as process:
            _, stderr = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "A fake cannot listen" in stderr
    assert stderr.count("\n") == 1


def test_an_endpoint_is_required() -> None:
    with start() as process:
        _, stderr = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "AWS_ENDPOINT_URL must name the emulated X-Ray" in stderr
