"""Check, before anything starts, that what `up` needs is installed."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from local.deploy.cdk import CDK
from local.workspace.errors import LocalError
from local.workspace.folders import CHECKOUT

OLDEST_NODE: Final = 20
NODE_SECONDS: Final = 10
PACKAGES: Final = ("aws_cdk", "ministack", "flask", "gunicorn", "opentelemetry", "psutil", "rollbar", "watchtower")
SETUP: Final = "Run make setup"


def check() -> None:
    """Raise `LocalError` for the first thing that is missing."""
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        raise LocalError(f"Python packages are missing: {', '.join(absent)}", SETUP)
    check_node(shutil.which("node"))
    check_cdk(CDK, CHECKOUT / "package.json")


def check_node(node: str | None) -> None:
    """Raise `LocalError` unless a node of a recent version runs."""
    if node is None:
        raise LocalError(
            "node is not on PATH", f"Install Node.js {OLDEST_NODE} or newer: the CDK command line needs it"
        )
    try:
        asked = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=NODE_SECONDS, check=False)  # noqa: S603 - a fixed question to the program found on PATH
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalError(
            f"{node} --version does not work: {error}", f"Install Node.js {OLDEST_NODE} or newer"
        ) from error
    version = asked.stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < OLDEST_NODE:
        raise LocalError(f"{node} is version {version or 'unknown'}", f"Install Node.js {OLDEST_NODE} or newer")


def check_cdk(cdk: Path, package_file: Path) -> None:
    """Raise `LocalError` unless the pinned CDK command line is installed: another version refuses the app."""
    pinned = json.loads(package_file.read_text(encoding="utf-8"))["devDependencies"]["aws-cdk"]
    if not cdk.exists():
        raise LocalError(f"The CDK command line is not installed: there is no {cdk}", SETUP)
    installed = json.loads((cdk.resolve().parents[1] / "package.json").read_text(encoding="utf-8"))["version"]
    if installed != pinned:
        raise LocalError(f"The CDK command line is version {installed}, package.json wants {pinned}", SETUP)
