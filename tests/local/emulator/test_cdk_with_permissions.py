"""With IAM enforced, the CDK's command line deploys and destroys with the roles of its bootstrap and their policies."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.deploy.cdk import CDK, QUIET
from tests.infra.assembly import synthesize
from tests.local.emulator.conftest import CHECKOUT, DEFAULT_ACCOUNT
from tests.local.emulator.enforcing import REGION, Enforcing, enforcing_emulator
from tests.sample import PLAIN_IMAGE, names_of

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

SECONDS = 200
ROLE = f"cdk-hnb659fds-%s-role-{DEFAULT_ACCOUNT}-{REGION}"
Cdk = Callable[..., str]


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Enforcing]:
    with enforcing_emulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def cdk(enforcing: Enforcing, tmp_path_factory: pytest.TempPathFactory) -> Cdk:
    """Run the command line, after `cdk bootstrap`; return what it prints."""
    folder = tmp_path_factory.mktemp("cdk")
    environ = QUIET | enforcing.variables | {"CDK_HOME": str(folder / "home"), "PATH": os.environ["PATH"]}

    def run(*arguments: str, cwd: Path = CHECKOUT) -> str:
        process = subprocess.run(
            [str(CDK), *arguments], cwd=cwd, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        output = process.stdout + process.stderr
        assert process.returncode == 0, output
        # The CLI goes on with the caller's own credentials when it cannot assume a role.
        assert "could not be used to assume" not in output, output
        return output

    def stacks(verb: str, *arguments: str) -> str:
        return run(verb, "--all", "--app", str(folder / "assembly"), *arguments)

    synthesize(folder / "assembly", "dev", image=PLAIN_IMAGE)
    (folder / "home").mkdir()
    run("bootstrap", f"aws://{DEFAULT_ACCOUNT}/{REGION}", cwd=folder)
    return stacks


def test_the_stacks_are_deployed_compared_and_destroyed(cdk: Cdk, enforcing: Enforcing) -> None:
    cloudformation = enforcing.client("cloudformation")

    cdk("deploy", "--require-approval", "never")
    [stack] = cloudformation.describe_stacks(StackName=names_of("dev").service_stack)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert "Number of stacks with differences: 0" in cdk("diff")
    cdk("destroy", "--force")
    left = {each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]}
    assert left == {"CDKToolkit"}


REASONS = {
    "deploy": rf"{ROLE % 'deploy'}/\S+ is not authorized to perform: ssm:GetParameter on resource: \S+/cdk-bootstrap/",
    "file-publishing": "exists, but we dont have access to it",
}
"""What the CLI prints when the policies of a role are missing."""


@pytest.mark.parametrize("role", REASONS)
def test_a_role_without_its_policies_stops_the_deployment(cdk: Cdk, enforcing: Enforcing, role: str) -> None:
    iam = enforcing.client("iam")
    name = ROLE % role
    documents = {
        policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    assert documents
    for policy in documents:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    try:
        with pytest.raises(AssertionError, match=REASONS[role]):
            cdk("deploy", "--require-approval", "never")
    finally:
        for policy, document in documents.items():
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
