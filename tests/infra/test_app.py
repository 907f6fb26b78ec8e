"""`app.py` as a command: no credentials, no home, no network, no git."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.assembly import ROOT, read

OFFLINE = Path(__file__).parent / "offline"


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment that holds node and nothing of AWS, git or this user."""
    tools = tmp_path / "bin"
    tools.mkdir()
    node = shutil.which("node")
    assert node, "node is not on PATH: install node 20 or newer"
    (tools / "node").symlink_to(node)
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": str(tools),
        "HOME": str(home),
        "PYTHONPATH": str(OFFLINE),
        "NODE_OPTIONS": f"--require {OFFLINE / 'offline.cjs'}",
        # jsii's package cache is a folder of the user's; unpacked again into the empty home it costs seconds.
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ.get(
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(Path.home() / ".cache/aws/jsii/package-cache")
        ),
        # Node 20, which the project supports, makes jsii print a banner.
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "CDK_VALIDATION": "false",
    }


def run(command: list[str], environment: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=environment | more, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_synth_without_credentials_home_or_network_writes_both_templates(
    bare: dict[str, str], tmp_path: Path
) -> None:
    finished = run([sys.executable, "app.py"], bare, CDK_OUTDIR=str(tmp_path / "out"))
    assert (finished.returncode, finished.stderr) == (0, "")
    assembly = read(tmp_path / "out", "dev")
    assert all(each.content["Resources"] for each in assembly.stacks)


def test_an_unknown_environment_is_one_line_that_lists_the_known_ones(bare: dict[str, str], tmp_path: Path) -> None:
    finished = run(
        [sys.executable, "app.py"],
        bare,
        CDK_CONTEXT_JSON='{"environment": "staging"}',
        CDK_OUTDIR=str(tmp_path / "out"),
    )
    assert finished.returncode == 1
    assert finished.stderr == ("error: environment 'staging' is not known: pass -c environment=<local|dev|prod>\n")
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-c", "import socket; socket.create_connection(('127.0.0.1', 9))"],
        ["node", "-e", "require('node:net').connect(9, '127.0.0.1')"],
        ["node", "-e", "fetch('http://127.0.0.1:59999').catch((e) => { console.error(e.cause); process.exit(1) })"],
    ],
    ids=["python", "node", "node's fetch"],
)
def test_the_network_is_really_off_in_these_tests(command: list[str], bare: dict[str, str]) -> None:
    finished = run(command, bare)
    assert finished.returncode != 0
    assert "offline: this process may not" in finished.stderr
