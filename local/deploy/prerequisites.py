"""Check that what `make up` needs is installed, before anything starts."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from local.deploy.cdk import CDK
from local.workspace.folders import CHECKOUT
from local.workspace.session import Session
from operations.errors import OperatorError

OLDEST_NODE: Final = 20
NODE_SECONDS: Final = 10
PACKAGES: Final = (
    "aws_cdk",
    "docker",
    "ministack",
    "flask",
    "gunicorn",
    "opentelemetry",
    "psutil",
    "rollbar",
    "watchtower",
)
SETUP: Final = "Run make setup"
INSTALL_NODE: Final = f"Install Node.js {OLDEST_NODE} or newer"


def check_once(session: Session) -> None:
    """Check before the first deploy: what it needs was there then, and an edit of the application needs less."""
    if not session.state.stacks:
        check()


def check() -> None:
    """Raise `OperatorError` for the first missing prerequisite."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise OperatorError(f"Python packages are missing: {', '.join(missing)}", SETUP)
    check_node(shutil.which("node"))
    check_cdk(CDK, CHECKOUT / "package.json")


def check_node(node: str | None) -> None:
    """Raise `OperatorError` unless `node` is a program of version 20 or newer."""
    if node is None:
        raise OperatorError("node is not on PATH", f"{INSTALL_NODE}: the CDK command line needs it")
    try:
        result = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=NODE_SECONDS, check=False)  # noqa: S603 - fixed arguments, to the node on PATH
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OperatorError(f"{node} --version failed: {error}", INSTALL_NODE) from error
    version = result.stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < OLDEST_NODE:
        raise OperatorError(f"{node} is version {version or 'unknown'}", INSTALL_NODE)


def check_cdk(cdk: Path, package_file: Path) -> None:
    """Raise `OperatorError` unless the CDK command line is installed in the version that `package_file` pins."""
    pinned = json.loads(package_file.read_text(encoding="utf-8"))["devDependencies"]["aws-cdk"]
    if not cdk.exists():
        raise OperatorError(f"The CDK command line is not installed: {cdk} does not exist", SETUP)
    installed = json.loads((cdk.resolve().parents[1] / "package.json").read_text(encoding="utf-8"))["version"]
    if installed != pinned:
        raise OperatorError(f"The CDK command line is version {installed}, package.json pins {pinned}", SETUP)
