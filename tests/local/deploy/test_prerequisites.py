from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.deploy.prerequisites import check, check_cdk, check_node
from local.workspace.errors import LocalError


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def installed_cdk(root: Path, version: str) -> Path:
    (root / "aws-cdk" / "bin").mkdir(parents=True)
    (root / "aws-cdk" / "bin" / "cdk").touch()
    (root / "aws-cdk" / "package.json").write_text(json.dumps({"version": version}), encoding="utf-8")
    return root / "aws-cdk" / "bin" / "cdk"


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    path = tmp_path / "package.json"
    path.write_text(json.dumps({"devDependencies": {"aws-cdk": "2.1148.1"}}), encoding="utf-8")
    return path


def test_this_checkout_passes() -> None:
    check()


def test_a_missing_node_is_told_with_the_remedy() -> None:
    with pytest.raises(LocalError, match=r"node is not on PATH\. Install Node\.js 20 or newer"):
        check_node(None)


@pytest.mark.parametrize(
    ("script", "said"), [("echo v18.19.1", "v18.19.1"), ("echo hello", "hello"), ("exit 3", "unknown")]
)
def test_an_old_or_strange_node_is_told_with_its_version(tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(LocalError, match=f"is version {said}"):
        check_node(program(tmp_path / "node", script))


def test_a_recent_node_passes(tmp_path: Path) -> None:
    check_node(program(tmp_path / "node", "echo v22.1.0"))


def test_an_absent_cdk_is_told_with_the_remedy(tmp_path: Path, pinned: Path) -> None:
    with pytest.raises(LocalError, match=r"not installed.*Run make setup"):
        check_cdk(tmp_path / "nowhere" / "cdk", pinned)


def test_another_version_of_the_cdk_is_told_with_both_versions(tmp_path: Path, pinned: Path) -> None:
    with pytest.raises(LocalError, match=r"version 3\.0\.0, package\.json wants 2\.1148\.1"):
        check_cdk(installed_cdk(tmp_path, "3.0.0"), pinned)


def test_the_pinned_cdk_passes(tmp_path: Path, pinned: Path) -> None:
    check_cdk(installed_cdk(tmp_path, "2.1148.1"), pinned)
