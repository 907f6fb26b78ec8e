"""scripts/setup reports a missing or outdated tool in one line with the remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NODE_22 = "case $1 in -e) case $2 in *22*) exit 1;; esac;; *) echo v22.1.0;; esac"
NODE_20 = "case $1 in -e) exit 0;; *) echo v20.1.0;; esac"
NODE_18 = "case $1 in -e) exit 1;; *) echo v18.0.0;; esac"
PYTHON_39 = "case $1 in -c) exit 1;; *) echo Python 3.9.2;; esac"
SUCCESS = "exit 0"


def run_setup(tmp_path: Path, **commands: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of scripts/setup with only `commands`, each a shell script, on the PATH."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir(parents=True)
    for name, script in commands.items():
        (bin_dir / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (bin_dir / name).chmod(0o755)
    for name in ("bash", "dirname", "sh"):
        (bin_dir / name).symlink_to(shutil.which(name) or name)
    scripts = tmp_path / "checkout" / "scripts"
    scripts.mkdir(parents=True)
    shutil.copy("scripts/setup", scripts)
    return subprocess.run(
        [str(bin_dir / "bash"), str(scripts / "setup")],
        env={"PATH": str(bin_dir), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        ({}, "no python3 found: install Python 3.11 or newer, or name one with PYTHON=/path/to/python"),
        ({"python3": PYTHON_39}, "Python 3.9.2 is too old: install Python 3.11 or newer"),
        ({"python3": SUCCESS}, "no node found: install Node.js 22 or newer"),
        ({"python3": SUCCESS, "node": NODE_18}, "node v18.0.0 is too old: install Node.js 22 or newer"),
        ({"python3": SUCCESS, "node": NODE_20}, "no npm found: it comes with Node.js"),
    ],
)
def test_a_missing_or_outdated_tool_is_reported_with_its_remedy(
    tmp_path: Path, commands: dict[str, str], message: str
) -> None:
    result = run_setup(tmp_path, **commands)
    assert result.returncode == 1
    assert result.stderr.startswith(f"setup: {message}")
    assert len(result.stderr.splitlines()) == 1


def test_a_node_that_is_about_to_be_too_old_is_said_once(tmp_path: Path) -> None:
    assert "setup: node v20.1.0 works today" in run_setup(tmp_path, python3=SUCCESS, node=NODE_20).stdout
    assert run_setup(tmp_path / "newer", python3=SUCCESS, node=NODE_22).stdout == ""


def test_without_the_images_python_its_tests_are_skipped_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "service").mkdir()
    shutil.copy("scripts/test-image-python", tmp_path / "scripts")
    (tmp_path / "service" / "Dockerfile").write_text(
        "FROM public.ecr.aws/docker/library/python:3.99-slim-trixie@sha256:0 AS base\n"
        "FROM public.ecr.aws/docker/library/node:22.21-slim@sha256:0 AS page\n",
        encoding="utf-8",
    )
    result = subprocess.run(
        [tmp_path / "scripts" / "test-image-python"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("test-image-python: skipped: this machine has no Python 3.99")
    assert len(result.stdout.splitlines()) == 1
