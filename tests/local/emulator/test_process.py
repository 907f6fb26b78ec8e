from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from socket import create_server

import psutil
import pytest

from tests.local.emulator.conftest import CHECKOUT, SECONDS, free_port, start, wait_until_ready

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_it_listens_on_127_0_0_1_alone_and_ends_cleanly_when_asked() -> None:
    port = free_port()
    with start(port) as process:
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}")
            listening = {
                (found.laddr.ip, found.laddr.port)
                for found in psutil.Process(process.pid).net_connections()
                if found.status == psutil.CONN_LISTEN
            }
        finally:
            process.terminate()
        _, said = process.communicate(timeout=SECONDS)

    assert listening == {("127.0.0.1", port)}
    assert (process.returncode, said) == (0, "")


def test_a_port_in_use_is_named_on_one_line() -> None:
    with closing(create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with start(port) as process:
            _, said = process.communicate(timeout=SECONDS)

    assert process.returncode == 1
    assert said.count("\n") == 1
    assert f"127.0.0.1:{port}" in said


def test_another_version_of_ministack_is_refused_and_both_versions_are_named(tmp_path: Path) -> None:
    metadata = tmp_path / "ministack-1.5.34.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ministack\nVersion: 1.5.34\n")

    with start(free_port(), PYTHONPATH=str(tmp_path)) as process:
        _, said = process.communicate(timeout=SECONDS)

    assert process.returncode == 1
    assert said.count("\n") == 1
    assert "needs ministack 1.5.33 and found 1.5.34" in said


def run(program: str) -> str:
    command = [sys.executable, "-c", program]
    ended = subprocess.run(
        command,
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return ended.stdout.strip()


def test_importing_the_package_loads_nothing_of_ministack() -> None:
    program = "import sys, local.emulator; print([name for name in sys.modules if name.startswith('ministack')])"

    assert run(program) == "[]"


def test_installing_twice_changes_nothing_more() -> None:
    program = """
from local.emulator import install
install()
from ministack import app
before = (app.detect_service, dict(app.SERVICE_HANDLERS))
install()
print(before == (app.detect_service, dict(app.SERVICE_HANDLERS)))
"""

    assert run(program) == "True"
