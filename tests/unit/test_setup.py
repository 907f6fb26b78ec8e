"""The set-up says what is missing on a machine, in one line that names the remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NODE_20 = "case $1 in -e) exit 0;; *) echo v20.1.0;; esac"
NODE_18 = "case $1 in -e) exit 1;; *) echo v18.0.0;; esac"
PYTHON_39 = "case $1 in -c) exit 1;; *) echo Python 3.9.2;; esac"
FINE = "exit 0"


def set_up(tmp_path: Path, **commands: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/setup in a copy of the tree's outline, with just these commands to be found."""
    bins = tmp_path / "bin"
    bins.mkdir()
    for name, script in commands.items():
        (bins / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (bins / name).chmod(0o755)
    for name in ("bash", "dirname", "sh"):
        (bins / name).symlink_to(shutil.which(name) or name)
    scripts = tmp_path / "tree" / "scripts"
    scripts.mkdir(parents=True)
    shutil.copy("scripts/setup", scripts)
    return subprocess.run(
        [str(bins / "bash"), str(scripts / "setup")],
        env={"PATH": str(bins), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        ({}, "no python3 found: install Python 3.11 or newer, or name one with PYTHON=/path/to/python"),
        ({"python3": PYTHON_39}, "Python 3.9.2 is too old: install Python 3.11 or newer"),
        ({"python3": FINE}, "no node found: install Node.js 20 or newer"),
        ({"python3": FINE, "node": NODE_18}, "node v18.0.0 is too old: install Node.js 20 or newer"),
        ({"python3": FINE, "node": NODE_20}, "no npm found: it comes with Node.js 20"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(tmp_path: Path, commands: dict[str, str], message: str) -> None:
    result = set_up(tmp_path, **commands)
    assert result.returncode == 1
    assert result.stderr.startswith(f"setup: {message}")
    assert len(result.stderr.splitlines()) == 1
