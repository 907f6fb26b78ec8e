"""The deploy roles trust one repository's jobs by environment, and allow what the workflows' make targets call."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import aws_cdk as cdk
import pytest

import deploy_roles
from infra.account import Account
from infra.context import ContextError, DeployRolesContext
from infra.environments import ENVIRONMENTS, PROD, Environment
from operations.synthesis import new_app
from tests.infra.assembly import Json, StackTemplate
from tests.infra.test_cfn_lint import lint
from tests.infra.test_least_privilege import as_list

CLASSIC = "octo-org/octo-repo"
IMMUTABLE = "octo-org@123456/octo-repo@456789"
ISSUER = "token.actions.githubusercontent.com"
SNAPSHOT = Path(__file__).parent / "snapshots" / "deploy_roles.json"


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., StackTemplate]:
    """Synthesize the stack, once for each set of environments and context values."""

    @cache
    def once(_environments: tuple[Environment, ...], context: frozenset[tuple[str, str]]) -> StackTemplate:
        folder = tmp_path_factory.mktemp("deploy-roles")
        app = new_app(folder, **dict(context))
        deploy_roles.build(app)
        app.synth()
        path = folder / "Cruddur-DeployRoles.template.json"
        return StackTemplate(path=path, content=json.loads(path.read_text(encoding="utf-8")))

    def synthesize(repository: str = IMMUTABLE, **context: str) -> StackTemplate:
        return once(tuple(ENVIRONMENTS.values()), frozenset({"repository": repository, **context}.items()))

    return synthesize


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give environments other accounts."""

    def put(**changed: Account) -> None:
        for name, account in changed.items():
            monkeypatch.setitem(ENVIRONMENTS, name, replace(ENVIRONMENTS[name], account=account))

    return put


def context(**values: str) -> DeployRolesContext:
    return DeployRolesContext.from_context(cdk.App(context=values).node)


def by_description(template: StackTemplate, word: str) -> Json:
    roles = [each["Properties"] for each in template.of_type("AWS::IAM::Role")]
    [role] = [each for each in roles if word in each["Description"]]
    properties: Json = role
    return properties


def claims(role: Json) -> dict[str, str]:
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    [(operator, conditions)] = statement["Condition"].items()
    assert operator == "StringEquals"
    return {key.removeprefix(f"{ISSUER}:"): value for key, value in conditions.items()}


def statements(role: Json, name: str = "Deploy") -> dict[str, list[str]]:
    """Return the resources of each action of a policy, with the pseudo parameters of account and region as words."""
    [policy] = [each for each in role["Policies"] if each["PolicyName"] == name]
    resources_of = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Effect"] == "Allow"
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for action in as_list(statement["Action"]):
            resources_of[str(action)] = [as_text(each) for each in resources]
    return resources_of


def as_text(value: str | Json) -> str:
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return f"<{value['Ref'].removeprefix('AWS::')}>"
    return "".join(as_text(each) for each in value["Fn::Join"][1])


@pytest.mark.parametrize("repository", [CLASSIC, IMMUTABLE])
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_deploy_role_trusts_one_environments_jobs_of_one_branch(
    roles: Callable[..., StackTemplate], repository: str, environment: str
) -> None:
    assert claims(by_description(roles(repository), f"Deploys {environment}")) == {
        "aud": "sts.amazonaws.com",
        "sub": f"repo:{repository}:environment:{environment}",
        "ref": "refs/heads/main",
    }


def test_the_diff_role_trusts_the_repositorys_pull_requests_and_may_assume_the_lookup_role_only(
    roles: Callable[..., StackTemplate],
) -> None:
    role = by_description(roles(), "Compares")
    assert claims(role) == {"aud": "sts.amazonaws.com", "sub": f"repo:{IMMUTABLE}:pull_request"}
    lookup = "arn:<Partition>:iam::<AccountId>:role/cdk-hnb659fds-lookup-role-<AccountId>-<Region>"
    assert statements(role, "Diff") == {"sts:AssumeRole": [lookup]}


def test_a_deploy_role_may_assume_the_bootstrap_roles_and_read_its_own_environment(
    roles: Callable[..., StackTemplate],
) -> None:
    allowed = statements(by_description(roles(), "Deploys prod"))
    kinds = ("deploy", "file-publishing", "image-publishing", "lookup")
    assert allowed.pop("sts:AssumeRole") == [
        f"arn:<Partition>:iam::<AccountId>:role/cdk-hnb659fds-{kind}-role-<AccountId>-<Region>" for kind in kinds
    ]
    for action in ("ecs:DescribeTaskDefinition", "ecs:ListServices", "ecs:ListTasks"):
        assert allowed.pop(action) == ["*"]
    assert [each for resources in allowed.values() for each in resources if "prod" not in each or "dev" in each] == []
    assert allowed["secretsmanager:GetSecretValue"] == [
        f"arn:<Partition>:secretsmanager:<Region>:<AccountId>:secret:prod/cruddur/{name}-??????"
        for name in ("honeycomb-configuration-key", "rollbar-access-token")
    ]
    assert allowed["ecs:DescribeServices"] == [
        "arn:<Partition>:ecs:<Region>:<AccountId>:service/Cruddur-prod-Service-*/Cruddur-prod-Service-*"
    ]


def test_the_role_that_verifies_trusts_the_same_jobs_and_reads_its_own_environment(
    roles: Callable[..., StackTemplate],
) -> None:
    deploys, verifies = by_description(roles(), "Deploys prod"), by_description(roles(), "Verifies prod")
    assert claims(verifies) == claims(deploys)
    allowed = statements(verifies, "Verify")
    assert allowed == statements(deploys, "Verify")
    for action, resources in allowed.items():
        assert re.match(r"\w+:(BatchGet|Describe|Filter|Get|List|Simulate)", action), action
        assert [each for each in resources if "dev" in each] == []
    assert allowed["iam:SimulatePrincipalPolicy"] == ["arn:<Partition>:iam::<AccountId>:role/Cruddur-prod-Service-*"]
    assert allowed["logs:FilterLogEvents"] == [
        f"arn:<Partition>:logs:<Region>:<AccountId>:log-group:{group}:*"
        for group in ("Cruddur-prod-Backend-Flask", "aws/spans")
    ]


def test_the_accounts_own_key_decrypts_those_secrets_only(
    roles: Callable[..., StackTemplate], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "kms:Decrypt" not in roles().text
    monkeypatch.setitem(ENVIRONMENTS, "prod", replace(PROD, customer_key=True))
    role = by_description(roles(), "Deploys prod")
    [statement] = [
        each for each in role["Policies"][0]["PolicyDocument"]["Statement"] if each["Action"] == "kms:Decrypt"
    ]
    condition = statement["Condition"]
    secrets = statements(role)["secretsmanager:GetSecretValue"]
    assert [as_text(each) for each in condition["StringLike"]["kms:EncryptionContext:SecretARN"]] == secrets
    assert as_text(condition["StringEquals"]["kms:ViaService"]) == "secretsmanager.<Region>.amazonaws.com"


def test_no_trust_has_a_wildcard_and_no_action_writes(roles: Callable[..., StackTemplate]) -> None:
    for each in roles().of_type("AWS::IAM::Role"):
        assert "*" not in json.dumps(each["Properties"]["AssumeRolePolicyDocument"])
        policies = [policy["PolicyName"] for policy in each["Properties"]["Policies"]]
        verbs = {action.partition(":")[2] for name in policies for action in statements(each["Properties"], name)}
        reads = ("BatchGet", "Describe", "Filter", "Get", "List", "Simulate")
        assert all(verb == "AssumeRole" or verb.startswith(reads) for verb in verbs)


def test_a_session_lasts_an_hour(roles: Callable[..., StackTemplate]) -> None:
    assert {each["Properties"]["MaxSessionDuration"] for each in roles().of_type("AWS::IAM::Role")} == {3600}


def test_the_accounts_boundary_is_set_on_every_role(
    roles: Callable[..., StackTemplate], accounts: Callable[..., None]
) -> None:
    assert "PermissionsBoundary" not in roles().text
    accounts(dev=Account(permissions_boundary="limits"), prod=Account(permissions_boundary="limits"))
    bounded = roles().of_type("AWS::IAM::Role")
    boundaries = [as_text(each["Properties"]["PermissionsBoundary"]) for each in bounded]
    assert boundaries == ["arn:<Partition>:iam::<AccountId>:policy/limits"] * 5


def test_environments_of_different_accounts_are_not_deployed_at_once(accounts: Callable[..., None]) -> None:
    accounts(prod=Account(permissions_boundary="limits"))
    with pytest.raises(ContextError, match=r"'dev,prod' have different .* -c deploy_environments=dev in its own"):
        context(repository=CLASSIC)
    assert context(repository=CLASSIC, deploy_environments="prod").account.permissions_boundary == "limits"


def test_an_account_that_has_the_provider_gets_no_second_one(roles: Callable[..., StackTemplate]) -> None:
    assert roles().only("AWS::IAM::OIDCProvider") == {
        "Url": f"https://{ISSUER}",
        "ClientIdList": ["sts.amazonaws.com"],
    }
    existing = roles(oidc_provider="existing")
    assert existing.of_type("AWS::IAM::OIDCProvider") == []
    for role in existing.of_type("AWS::IAM::Role"):
        principal = role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
        assert as_text(principal["Federated"]) == f"arn:<Partition>:iam::<AccountId>:oidc-provider/{ISSUER}"


def test_an_account_of_one_environment_has_its_roles_only(roles: Callable[..., StackTemplate]) -> None:
    template = roles(deploy_environments="prod", branch="release")
    assert set(template.content["Outputs"]) == {"ProdDeployRoleArn", "ProdVerifyRoleArn", "DiffRoleArn"}
    assert claims(by_description(template, "Deploys"))["ref"] == "refs/heads/release"


def test_a_role_assumes_the_bootstrap_roles_of_its_environments_qualifier_only(
    roles: Callable[..., StackTemplate], accounts: Callable[..., None]
) -> None:
    accounts(prod=Account(bootstrap_qualifier="team1"))
    template = roles()
    for environment, other in (("dev", "team1"), ("prod", "hnb659fds")):
        assumed = statements(by_description(template, f"Deploys {environment}"))["sts:AssumeRole"]
        assert len(assumed) == 4
        assert other not in str(assumed)
    lookups = statements(by_description(template, "Compares"), "Diff")["sts:AssumeRole"]
    assert [each.partition("role/cdk-")[2].partition("-")[0] for each in lookups] == ["hnb659fds", "team1"]


def test_the_stack_creates_nothing_but_the_provider_and_the_roles(roles: Callable[..., StackTemplate]) -> None:
    types = {each["Type"] for each in roles().content["Resources"].values()}
    assert types == {"AWS::IAM::OIDCProvider", "AWS::IAM::Role"}


def test_the_templates_pass_cfn_lint(roles: Callable[..., StackTemplate]) -> None:
    assert lint(roles().path, roles(oidc_provider="existing").path) == ""


def test_the_template_equals_its_snapshot(roles: Callable[..., StackTemplate]) -> None:
    current = json.dumps(roles().content, indent=2) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        SNAPSHOT.write_text(current, encoding="utf-8")
    assert current.splitlines() == SNAPSHOT.read_text(encoding="utf-8").splitlines()


def test_the_roles_of_another_application_are_its_own_and_may_see_whether_its_secrets_exist(tmp_path: Path) -> None:
    app = new_app(tmp_path, repository=CLASSIC, app=str(Path(__file__).parent / "bookings"))
    deploy_roles.build(app)
    app.synth()
    path = tmp_path / "Bookings-DeployRoles.template.json"
    text = path.read_text(encoding="utf-8")
    assert "ruddur" not in text
    roles = StackTemplate(path=path, content=json.loads(text)).of_type("AWS::IAM::Role")
    allowed = [
        json.dumps(statement["Resource"])
        for role in roles
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "secretsmanager:DescribeSecret" in as_list(statement["Action"])
    ]
    assert len(allowed) == 2
    assert all("/bookings/database-url-??????" in each for each in allowed)
