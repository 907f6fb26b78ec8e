"""A wildcard in the application's own statements is a finding, which nothing of the runtime's covers."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.lint_infra import policy_findings

STATEMENT = '[[task_role]]\nactions = ["{action}"]\nresources = ["{resource}"]\n'
REASON = 'reason = "it lists what tenants create"\n'


def findings(folder: Path, monkeypatch: pytest.MonkeyPatch, description: str) -> list[str]:
    (folder / "onetrace.toml").write_text(description, encoding="utf-8")
    monkeypatch.setenv("APP", str(folder))
    return list(policy_findings("dev", folder / "out"))


@pytest.mark.parametrize(
    ("action", "resource", "finding"),
    [
        ("dynamodb:ListTables", "*", "IAM5[Resource::*]"),
        ("s3:GetObject", "arn:aws:s3:::invoices/*", "IAM5[Resource::arn:<AWS::Partition>:s3:::invoices/*]"),
        ("s3:*", "arn:aws:s3:::invoices", "IAM5[Action::s3:*]"),
    ],
)
def test_a_wildcard_is_found_with_its_statement_until_it_has_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, resource: str, finding: str
) -> None:
    statement = STATEMENT.format(action=action, resource=resource)
    found = findings(tmp_path, monkeypatch, statement)
    assert [each for each in found if "ApplicationPermissions/Statement1" in each and finding in each]
    assert findings(tmp_path, monkeypatch, statement + REASON) == []


def test_the_reason_of_one_statement_covers_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = STATEMENT.format(action="dynamodb:ListTables", resource="*") + REASON
    second = STATEMENT.format(action="sqs:ListQueues", resource="*")
    found = findings(tmp_path, monkeypatch, first + second)
    assert found
    assert all("ApplicationPermissions/Statement2" in each for each in found)
