"""`app.py` as a command: no credentials, no home, no network, no git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.environments import DEFAULT, ENVIRONMENTS
from tests.infra.assembly import ROOT, load
from tests.infra.conftest import UNKNOWN_ENVIRONMENT
from tests.sample import names_of

OFFLINE = Path(__file__).parent / "offline"


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment that holds node and nothing of AWS, git or this user."""
    tools = tmp_path / "bin"
    tools.mkdir()
    node = shutil.which("node")
    assert node, "node is not on PATH: install node 22 or newer"
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
        # Node 20, which still works, makes jsii print a banner.
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
    process = run([sys.executable, "app.py"], bare, CDK_OUTDIR=str(tmp_path / "out"))
    assert (process.returncode, process.stderr) == (0, "")
    assembly = load(tmp_path / "out", names_of(DEFAULT.name))
    assert all(each.content["Resources"] for each in assembly.stacks)


def test_an_unknown_environment_is_one_error_line_that_lists_the_environments(
    bare: dict[str, str], tmp_path: Path
) -> None:
    process = run(
        [sys.executable, "app.py"],
        bare,
        CDK_CONTEXT_JSON=json.dumps({"environment": UNKNOWN_ENVIRONMENT}),
        CDK_OUTDIR=str(tmp_path / "out"),
    )
    assert process.returncode == 1
    assert process.stderr == (
        f"error: environment {UNKNOWN_ENVIRONMENT!r} is not known: "
        f"pass -c environment=<{'|'.join(ENVIRONMENTS)}>, or ENV= to make\n"
    )
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
def test_these_tests_have_no_network(command: list[str], bare: dict[str, str]) -> None:
    process = run(command, bare)
    assert process.returncode != 0
    assert "offline: this process may not" in process.stderr
