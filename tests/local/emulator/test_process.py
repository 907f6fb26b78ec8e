from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from socket import create_server

import psutil
import pytest

from local.workspace.folders import Folders
from tests.local.emulator.conftest import CHECKOUT, SECONDS, free_port, start, wait_until_ready

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_it_listens_only_on_127_0_0_1_and_exits_cleanly_on_sigterm() -> None:
    port = free_port()
    with start(port) as process:
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}")
            listening = {
                (connection.laddr.ip, connection.laddr.port)
                for connection in psutil.Process(process.pid).net_connections()
                if connection.status == psutil.CONN_LISTEN
            }
        finally:
            process.terminate()
        _, stderr = process.communicate(timeout=SECONDS)

    assert listening == {("127.0.0.1", port)}
    assert (process.returncode, stderr) == (0, "")


def test_a_port_in_use_is_reported_on_one_line() -> None:
    with closing(create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        with start(port) as process:
            _, stderr = process.communicate(timeout=SECONDS)

    assert process.returncode == 1
    assert stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in stderr


def test_an_unsupported_ministack_version_is_reported_with_both_versions(tmp_path: Path) -> None:
    metadata = tmp_path / "ministack-1.5.34.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ministack\nVersion: 1.5.34\n")

    with start(free_port(), PYTHONPATH=str(tmp_path)) as process:
        _, stderr = process.communicate(timeout=SECONDS)

    assert process.returncode == 1
    assert stderr.count("\n") == 1
    assert "needs ministack 1.5.33 and found 1.5.34" in stderr


def test_an_engine_without_the_agents_settings_is_an_error_of_usage() -> None:
    with start(free_port(), "--engine", "/nonexistent") as process:
        _, stderr = process.communicate(timeout=SECONDS)

    assert process.returncode == 2
    assert stderr.endswith("error: --engine needs --agent-settings\n")


def test_an_engine_that_does_not_respond_is_reported_on_one_line(tmp_path: Path) -> None:
    options = ("--engine", str(tmp_path / "none.sock"), "--agent-settings", str(tmp_path / "agent.json"))
    with start(free_port(), *options) as process:
        _, stderr = process.communicate(timeout=SECONDS)

    assert process.returncode == 1
    [line] = stderr.splitlines()
    assert line.startswith(f"local.emulator: the Docker engine at {tmp_path / 'none.sock'} cannot be used: ")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "minute", ""])
def test_a_minute_of_metrics_that_is_no_time_is_an_error_of_usage(value: str) -> None:
    with start(free_port(), "--metric-minute", value) as process:
        _, stderr = process.communicate(timeout=SECONDS)

    assert process.returncode == 2
    assert stderr.endswith(f"argument --metric-minute: {value!r} is not a number of seconds above 0\n")


def test_without_an_engine_its_client_is_not_imported() -> None:
    assert run("import sys, local.emulator.__main__; print('docker' in sys.modules)") == "False"


def run(program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.run(
        command,
        cwd=CHECKOUT,
        # On import, ministack writes into its state folder, by default one in /tmp.
        env={"PATH": os.environ["PATH"], "STATE_DIR": str(Folders.from_env().emulator)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return process.stdout.strip()


def test_importing_the_package_does_not_import_ministack() -> None:
    program = "import sys, local.emulator; print([name for name in sys.modules if name.startswith('ministack')])"

    assert run(program) == "[]"


def test_install_is_idempotent() -> None:
    program = """
from local.emulator import install
install()
from ministack import app
before = (app.detect_service, dict(app.SERVICE_HANDLERS))
install()
print(before == (app.detect_service, dict(app.SERVICE_HANDLERS)))
"""

    assert run(program) == "True"
