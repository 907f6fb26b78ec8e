"""The steps of the workflows, run in order against the embedded AWS by the real make and the real CDK."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import boto3
import pytest

from local.backing_services.emulated_aws import FAKE_KEY, FAKE_KEY_ID, REGION, EmulatedAws
from local.fakes.server import LocalServer
from operations.pull_request_comment import MARKER
from tests.operations.github_api import REPOSITORY, TOKEN, GitHubApi
from tests.sample import PLAIN_IMAGE
from tests.workflows.conftest import Tasks, commit
from tests.workflows.workflow import WORKFLOWS, Run, run_make

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300), pytest.mark.usefixtures("bootstrapped")]

JOB = WORKFLOWS["deploy-environment.yml"]["jobs"]["deploy"]
STEPS = ["make deployed-version DOWNGRADE=no", "make deploy APPROVAL=never", "make verify SERVING=1"]


@pytest.fixture
def deploy(tasks: Tasks, checkout: Path, variables: dict[str, str], tmp_path: Path) -> Callable[[], Run]:
    """Run the job on what is checked out."""
    contexts = {"inputs.environment": "dev", "vars.CDK_CONTEXT": f"-c image={PLAIN_IMAGE}"}

    def run() -> Run:
        return Run(
            checkout=checkout,
            variables=variables | {"VERIFY": "--deadline 1 --pause 0.2 --wait 1"},
            contexts=contexts,
            output_file=tmp_path / "outputs",
            after_step=tasks.register,
        ).job(JOB)

    return run


def test_a_good_version_is_deployed_and_a_broken_one_is_rolled_back(
    deploy: Callable[[], Run], tasks: Tasks, checkout: Path
) -> None:
    first = deploy()
    assert first.ran == [*STEPS, "make verify"], first.log
    assert not first.failed, first.log
    assert first.outputs == {}
    assert "dev is not deployed: there is no version to roll back to" in first.log
    assert "serves v1.0.0 of dev, and traces requests" in first.log

    commit(checkout, "v2.0.0")
    tasks.broken.add("v2.0.0")
    second = deploy()
    assert second.ran == [*STEPS, "make roll-back", "make verify SERVING=1"], second.log
    assert second.failed
    assert second.conclusions["verify"] == "failure"
    assert second.conclusions["roll-back"] == "success", second.log
    assert second.outputs == {"before.version": "v1.0.0"}
    assert "After 1 s: http://" in second.log
    assert "answered 503: 'out of order'" in second.log
    assert "Roll dev back to v1.0.0, the commit " in second.log
    assert second.log.rpartition("$ make verify SERVING=1")[2].count("serves v1.0.0 of dev, and traces requests.") == 1


def test_a_pull_request_gets_one_comment_of_both_environments(
    variables: dict[str, str], checkout: Path, tmp_path: Path
) -> None:
    github = GitHubApi()
    with closing(LocalServer(github.app)) as server:
        run = Run(
            checkout=checkout,
            variables=variables | github.environment(server.url, tmp_path),
            contexts={"vars.CDK_CONTEXT": f"-c image={PLAIN_IMAGE} -c plain_http=yes", "github.token": TOKEN},
            output_file=tmp_path / "outputs",
            after_step=lambda _: None,
        ).job(WORKFLOWS["diff.yml"]["jobs"]["comment"])
    assert run.ran == ["make diff-comment ENV=dev", "make diff-comment ENV=prod", "make pr-comment"]
    assert not run.failed, run.log
    [comment] = github.comments
    assert comment["body"].startswith(f"{MARKER}\n### `cdk diff` of dev: ")
    assert "### `cdk diff` of prod: 2 stacks would change" in comment["body"]
    assert "[+] AWS::ECS::Service Backend/Service/Service BackendService" in comment["body"]
    assert "\x1b" not in comment["body"]


def test_the_deploy_roles_are_deployed_apart_from_the_environments(
    emulated_aws: EmulatedAws, variables: dict[str, str], checkout: Path
) -> None:
    # The embedded AWS has no identity providers to create.
    options = {"CDK_CONTEXT": "-c oidc_provider=existing"}
    command = f"make deploy-roles REPOSITORY={REPOSITORY} APPROVAL=never"
    process = run_make(command, checkout, variables | options)
    assert process.returncode == 0, process.stderr
    outputs = re.findall(r"Cruddur-DeployRoles\.(\w+)Arn = (arn:\S+)", process.stdout + process.stderr)
    assert [name for name, _ in outputs] == [
        "DevDeployRole",
        "DevVerifyRole",
        "DiffRole",
        "ProdDeployRole",
        "ProdVerifyRole",
    ]
    iam = boto3.Session(FAKE_KEY_ID, FAKE_KEY, region_name=REGION).client("iam", endpoint_url=emulated_aws.endpoint)
    trusts = {name: iam.get_role(RoleName=arn.partition("/")[2])["Role"] for name, arn in outputs}
    assert f"repo:{REPOSITORY}:environment:prod" in str(trusts["ProdDeployRole"]["AssumeRolePolicyDocument"])
