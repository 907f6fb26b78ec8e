"""docs/aws.md lists every action and resource of every role in the templates.

Update it after an intended change, and review the diff: `UPDATE_SNAPSHOTS=1 pytest tests/infra/test_iam_table.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.infra.assembly import Assembly, Json, StackTemplate
from tests.infra.test_least_privilege import as_list

PAGE: Final = Path("docs/aws.md")
BEGIN: Final = "<!-- The table is written by tests/infra/test_iam_table.py. -->\n"
END: Final = "<!-- The end of the table. -->\n"
HASH: Final = re.compile(r"[0-9A-F]{8}$")


def rows(stack: StackTemplate) -> Iterator[str]:
    resources: dict[str, Json] = stack.content["Resources"]
    roles = {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::IAM::Role"}
    for name, role in roles.items():
        trusted = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
        yield from _statements(name, f"assumed by {trusted}", role.get("Policies", []))
        attached = [
            each["Properties"]
            for each in resources.values()
            if each["Type"] == "AWS::IAM::Policy" and {"Ref": name} in each["Properties"]["Roles"]
        ]
        yield from _statements(name, f"assumed by {trusted}", attached)


def _statements(role: str, trusted: str, policies: list[Json]) -> Iterator[str]:
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            actions = ", ".join(f"`{each}`" for each in as_list(statement["Action"]))
            resources = ", ".join(f"`{readable(each)}`" for each in as_list(statement["Resource"]))
            yield f"| {HASH.sub('', role)}, {trusted} | {actions} | {resources} |"


def readable(value: object) -> str:
    """Return a resource of a statement without CloudFormation's functions and the CDK's hashes."""
    if isinstance(value, str):
        return value
    assert isinstance(value, dict)
    [(function, argument)] = value.items()
    match function:
        case "Ref":
            return f"<{argument.removeprefix('AWS::').lower()}>" if "::" in argument else HASH.sub("", argument)
        case "Fn::GetAtt":
            return HASH.sub("", argument[0])
        case "Fn::GetStackOutput":
            return re.sub(r"^PublishOutput(?:FnGetAtt|Ref)|[0-9A-F]{8}(?:Arn)?[0-9A-F]{8}$", "", argument["OutputName"])
        case "Fn::Sub":
            return re.sub(r"\$\{AWS::(\w+)\}", lambda match: f"<{match[1].lower()}>", str(argument))
        case "Fn::Join":
            return "".join(readable(each) for each in argument[1] if each)
    raise AssertionError(f"no readable form of {function}")


def test_docs_aws_lists_what_each_role_may_do(prod: Assembly, with_asset: Assembly) -> None:
    stacks = (prod.observability, with_asset.service)
    table = "\n".join(
        ["| Role | Actions | Resources |", "|---|---|---|", *(row for each in stacks for row in rows(each))]
    )
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    expected = f"{head}{BEGIN}\n{table}\n\n{END}{tail}"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        PAGE.write_text(expected, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8").splitlines() == expected.splitlines()
