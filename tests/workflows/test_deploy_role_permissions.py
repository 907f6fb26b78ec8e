"""The deploy roles allow exactly the calls that the workflows' make targets make themselves, outside the CDK."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import aws_cdk as cdk
import boto3
from botocore import xform_name

import deploy_roles
from tests.infra.test_least_privilege import as_list
from tests.workflows.workflow import ROOT, TARGETS, WORKFLOWS

PREFIXES = {"elbv2": "elasticloadbalancing"}
"""The services whose IAM prefix is not boto3's name."""

NAMED = {"cloudformation", "cloudwatch", "ecs", "elbv2", "iam", "logs", "xray"}
"""Parameters and attributes of these names are clients of the service."""


def test_the_deploy_role_allows_what_the_modules_call() -> None:
    called = {call for module in modules_of_the_deploy_workflow() for call in calls(module)}
    assert called == granted() - {"sts:AssumeRole"}


def test_the_scan_finds_calls_in_every_form() -> None:
    source = """
        client = session.client("ecs")
        client.update_service(cluster="c")
        session.client("logs").get_paginator("describe_log_groups")
        other.describe_stacks()
        self._ecs.describe_tasks(cluster="c")
        logs.get_log_events()
        logs.append("no call of AWS")
    """
    tree = ast.parse("def f(session, other):" + source)
    assert set(calls_in(tree)) == {
        "ecs:UpdateService",
        "ecs:DescribeTasks",
        "logs:DescribeLogGroups",
        "logs:GetLogEvents",
    }


def granted() -> set[str]:
    app = cdk.App(context={"repository": "octo-org/octo-repo"}, analytics_reporting=False)
    template = cdk.assertions.Template.from_stack(deploy_roles.build(app)).to_json()
    [role] = [
        each["Properties"]
        for each in template["Resources"].values()
        if each["Properties"].get("Description", "").startswith("Deploys prod")
    ]
    statements = [each for policy in role["Policies"] for each in policy["PolicyDocument"]["Statement"]]
    return {str(action) for each in statements for action in as_list(each["Action"])}


def modules_of_the_deploy_workflow() -> set[str]:
    """Return the modules that the workflow's targets run, with all of `operations` that those import."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    steps = WORKFLOWS["deploy-environment.yml"]["jobs"]["deploy"]["steps"]
    targets = {word for step in steps for word in step.get("run", "").split()} & TARGETS
    recipes = [re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE) for target in targets]
    pending = {name for recipe in recipes if recipe for name in re.findall(r"-m (operations\.[\w.]+)", recipe[1])}
    assert {"operations.verify", "operations.roll_back", "operations.deployed_version"} <= pending
    seen: set[str] = set()
    while pending:
        seen |= pending
        pending = {name for module in pending for name in imported(module)} - seen
    return seen


def tree_of(module: str) -> ast.Module:
    path = ROOT / Path(*module.split("."))
    if path.is_dir():
        main = path / "__main__.py"
        path = main if main.exists() else path / "__init__.py"
    else:
        path = path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(module: str) -> Iterator[str]:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.ImportFrom) and node.module == "operations":
            yield from (f"operations.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("operations."):
            yield str(node.module)
            if ROOT.joinpath(*str(node.module).split(".")).is_dir():
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from (name for name in names if is_module(name))


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def calls(module: str) -> Iterator[str]:
    return calls_in(tree_of(module))


def calls_in(tree: ast.Module) -> Iterator[str]:
    """Yield the IAM action of each call of a boto3 client that the function itself creates."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            clients = dict(named_clients(function))
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    service = client_of(node.func.value, clients)
                    if service is not None and method(node) in operations_of(service):
                        yield action(service, method(node))


def named_clients(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            service = client_of(node.value, {})
            if service is not None:
                yield node.targets[0].id, service


def client_of(node: ast.expr, clients: dict[str, str]) -> str | None:
    """Return the service of `….client("ecs")`, of a name that it is assigned to, or of a name that is the service's."""
    if isinstance(node, ast.Name):
        return clients.get(node.id, node.id if node.id in NAMED else None)
    if isinstance(node, ast.Attribute) and node.attr.strip("_") in NAMED:
        return node.attr.strip("_")
    is_client = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client"
    if is_client and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value)
    return None


def method(node: ast.Call) -> str:
    assert isinstance(node.func, ast.Attribute)
    indirect = node.func.attr in {"get_paginator", "get_waiter"}
    if indirect and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value)
    return node.func.attr


def action(service: str, name: str) -> str:
    return f"{PREFIXES.get(service, service)}:{operations_of(service)[name]}"


@cache
def operations_of(service: str) -> dict[str, str]:
    client = boto3.Session("key", "key", region_name="us-east-1").client(service)  # type: ignore[call-overload]
    return {xform_name(each): each for each in client.meta.service_model.operation_names}
