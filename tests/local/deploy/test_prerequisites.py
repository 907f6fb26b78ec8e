from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.deploy.prerequisites import check, check_cdk, check_node
from operations.errors import OperatorError


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
def package_file(tmp_path: Path) -> Path:
    path = tmp_path / "package.json"
    path.write_text(json.dumps({"devDependencies": {"aws-cdk": "2.1148.1"}}), encoding="utf-8")
    return path


def test_this_checkout_has_all_prerequisites() -> None:
    check()


def test_a_missing_node_is_an_error_with_the_remedy() -> None:
    with pytest.raises(OperatorError, match=r"node is not on PATH\. Install Node\.js 20 or newer"):
        check_node(None)


@pytest.mark.parametrize(
    ("script", "version"), [("echo v18.19.1", "v18.19.1"), ("echo hello", "hello"), ("exit 3", "unknown")]
)
def test_an_old_or_unknown_node_version_is_an_error_that_names_it(tmp_path: Path, script: str, version: str) -> None:
    with pytest.raises(OperatorError, match=f"is version {version}"):
        check_node(program(tmp_path / "node", script))


def test_a_recent_node_passes(tmp_path: Path) -> None:
    check_node(program(tmp_path / "node", "echo v22.1.0"))


def test_a_missing_cdk_is_an_error_with_the_remedy(tmp_path: Path, package_file: Path) -> None:
    with pytest.raises(OperatorError, match=r"not installed.*Run make setup"):
        check_cdk(tmp_path / "nowhere" / "cdk", package_file)


def test_another_cdk_version_is_an_error_that_names_both(tmp_path: Path, package_file: Path) -> None:
    with pytest.raises(OperatorError, match=r"version 3\.0\.0, package\.json pins 2\.1148\.1"):
        check_cdk(installed_cdk(tmp_path, "3.0.0"), package_file)


def test_the_pinned_cdk_passes(tmp_path: Path, package_file: Path) -> None:
    check_cdk(installed_cdk(tmp_path, "2.1148.1"), package_file)
