"""Identify what the stacks are synthesized from, so that an edit of the application alone needs no `cdk deploy`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Final

from infra.application import Application, Local, Request
from infra.fingerprint import fingerprint
from local.workspace.folders import CHECKOUT

FOLDERS: Final = ("infra", "aws", "honeycomb")
FILES: Final = (
    "app.py",
    "cdk.json",
    "flask_onetrace/contract.py",
    "package-lock.json",
    "pyproject.toml",
    "requirements/dev.txt",
)
OPTIONAL_FILES: Final = (CHECKOUT / "cdk.context.json", Path.home() / ".cdk.json")
"""Further context of the CDK's command line."""


def digest(application: Application, built_code: str) -> str:
    """Return a digest of the CDK app and its input. `built_code` is the fingerprint of what an image is built from."""
    files = [CHECKOUT / name for name in (*FOLDERS, *FILES)]
    code = fingerprint(*files, *(each for each in OPTIONAL_FILES if each.is_file()))
    # The rest of it is of the process and the smoke test alone.
    description = replace(application, local=Local(), smoke_test=Request(path="/"))
    return hashlib.sha256(repr((code, description, built_code)).encode()).hexdigest()
