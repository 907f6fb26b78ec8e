"""`make lint-infra` finds what is not acknowledged, with each of its tools, and fails then."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from unittest.mock import patch

import pytest

from infra import logs
from operations import lint_infra
from operations.errors import OperatorError

CHECKOV_FINDING = {
    "results": {
        "failed_checks": [
            {
                "check_id": "CKV_AWS_158",
                "check_name": "Ensure that the log group is encrypted",
                "file_path": "/a.template.json",
                "resource": "AWS::Logs::LogGroup.Group",
            }
        ]
    }
}


def stub_of_checkov(folder: Path, printed: str, status: int) -> Path:
    command = folder / "checkov"
    command.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}\nEND\nexit {status}\n", encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return command


def test_without_an_acknowledgement_both_policy_checkers_name_the_construct_and_the_rule(tmp_path: Path) -> None:
    with patch.object(logs, "acknowledge"), patch("infra.secrets.acknowledge"):
        found = "\n".join(lint_infra.policy_findings("dev", tmp_path))
    assert "Cruddur-dev-Observability/Logs/Group/Resource: " in found
    assert "[cdk-validator-cfnguard::cloudwatch_log_group_encrypted_check]" in found
    assert "[AwsSolutions::AwsSolutions-SMG4]" in found


def test_cfn_lint_and_checkov_name_the_resource_and_the_check(tmp_path: Path) -> None:
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 8}}
    template = {"Resources": {"Group": group}}
    (tmp_path / "a.template.json").write_text(json.dumps(template), encoding="utf-8")
    checkov = stub_of_checkov(tmp_path, json.dumps(CHECKOV_FINDING), 1)
    broken, unencrypted = lint_infra.template_findings(tmp_path, checkov)
    assert "E3030" in broken
    assert unencrypted == (
        "/a.template.json AWS::Logs::LogGroup.Group: Ensure that the log group is encrypted [checkov::CKV_AWS_158]"
    )


def test_a_tool_that_fails_by_itself_is_no_clean_result(tmp_path: Path) -> None:
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    (tmp_path / "a.template.json").write_text(json.dumps(template), encoding="utf-8")
    with pytest.raises(OperatorError, match="checkov failed"):
        list(lint_infra.template_findings(tmp_path, stub_of_checkov(tmp_path, "", 2)))


def test_a_missing_checkov_is_an_error_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint_infra.main(["--checkov", str(tmp_path / "none")]) == 1
    assert "Run `make lint-infra`, which installs it." in capsys.readouterr().err


def test_each_finding_is_printed_and_fails_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkov = stub_of_checkov(tmp_path, json.dumps(CHECKOV_FINDING), 1)
    with (
        patch.object(lint_infra, "policy_findings", return_value=["a finding"]),
        patch.object(lint_infra, "STACKS", {"dev": lint_infra.STACKS["dev"]}),
        patch.object(lint_infra, "template_findings", return_value=[]),
    ):
        assert lint_infra.main(["--checkov", str(checkov)]) == 1
    assert capsys.readouterr().out == "dev: a finding\ndev: 1 findings of cdk-nag, cfn-guard, cfn-lint and checkov\n"
