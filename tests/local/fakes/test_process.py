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


def test_one_process_serves_all_three_until_it_is_told_to_stop() -> None:
    with start("--endpoint", "http://127.0.0.1:9", "--daemon-port", "0") as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(3)]
        ports = [int(line.rpartition(":")[2]) for line in told]
        for port in ports:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        process.terminate()
        _, err = process.communicate(timeout=20)

    assert [line.partition(" http://127.0.0.1:")[0] for line in told] == ["Honeycomb", "Rollbar", "X-Ray daemon"]
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("option", ["--honeycomb-port", "--rollbar-port", "--daemon-port"])
def test_a_taken_port_ends_it_with_one_line(option: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        others = [] if option == "--daemon-port" else ["--daemon-port", "0"]
        port = str(taken.getsockname()[1])
        with start("--endpoint", "http://127.0.0.1:9", option, port, *others) as process:
            _, err = process.communicate(timeout=20)

    assert process.returncode == 1
    assert "A stand-in cannot listen" in err
    assert err.count("\n") == 1


def test_without_an_endpoint_it_does_not_start() -> None:
    with start("--daemon-port", "0") as process:
        _, err = process.communicate(timeout=20)

    assert process.returncode == 2
    assert "AWS_ENDPOINT_URL must name the emulated X-Ray" in err
