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
from operations.roll_back import INSTALLED
from tests.operations.github_api import REPOSITORY, TOKEN, GitHubApi
from tests.sample import PLAIN_IMAGE
from tests.workflows.conftest import Tasks, commit, git
from tests.workflows.workflow import ROOT, WORKFLOWS, Run, run_make

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


@pytest.fixture
def pull_request(checkout: Path, tmp_path: Path) -> Path:
    """A checkout of a commit that gives dev a second task and two NAT gateways."""
    folder = tmp_path / "pull_request"
    git(tmp_path, "clone", "--quiet", str(checkout), str(folder))
    environments = folder / "infra" / "environments.py"
    text = environments.read_text(encoding="utf-8")
    changed = text.replace("minimum=1, maximum=2, desired=1", "minimum=2, maximum=2, desired=2")
    changed = changed.replace("network=Networking()", "network=Networking(nat_gateways=2)")
    environments.write_text(changed, encoding="utf-8")
    git(folder, "add", "--all")
    commit(folder, "v1.1.0")
    for name in INSTALLED:
        (folder / name).symlink_to((ROOT / name).resolve())
    return folder


Comment = Callable[..., tuple[Run, str]]


@pytest.fixture
def comment(variables: dict[str, str], pull_request: Path, tmp_path: Path) -> Comment:
    """Run the job on the pull request, with these of the roles, and return what it has commented."""

    def run(*roles: str) -> tuple[Run, str]:
        github = GitHubApi()
        arns = {f"vars.{each}_DIFF_ROLE_ARN": "arn" if each in roles else "" for each in ("DEV", "PROD")}
        regions = {f"vars.{each}_AWS_REGION": "us-east-1" if each in roles else "" for each in ("DEV", "PROD")}
        options = {
            "vars.PRICES": "",
            "vars.CDK_CONTEXT": f"-c image={PLAIN_IMAGE} -c plain_http=yes",
            "github.token": TOKEN,
        }
        with closing(LocalServer(github.app)) as server:
            job = Run(
                checkout=pull_request,
                variables=variables | github.environment(server.url, tmp_path),
                contexts=arns | regions | options,
                output_file=tmp_path / "outputs",
                after_step=lambda _: None,
            ).job(WORKFLOWS["diff.yml"]["jobs"]["comment"])
        assert not job.failed, job.log
        [written] = github.comments
        return job, written["body"]

    return run


COSTS = ["make cost-comment ENV=dev", "make cost-comment ENV=prod"]


def test_a_pull_request_gets_one_comment_of_both_environments(comment: Comment) -> None:
    run, body = comment("DEV", "PROD")
    assert run.ran == [*COSTS, "make diff-comment ENV=dev", "make diff-comment ENV=prod", "make pr-comment"]
    assert re.findall(r"^### (\S+ \S+ \S+)", body, re.MULTILINE) == [
        "Cost of dev:",
        "Cost of prod:",
        "`cdk diff` of",
        "`cdk diff` of",
    ]
    assert body.startswith(f"{MARKER}\n### Cost of dev: +$")
    assert "| NAT gateway hours | 0 → 1,460 hours | $0.00 | $" in body
    assert "[+] AWS::EC2::NatGateway " in body
    assert re.search(r"^### Cost of prod: unchanged, \$[\d,.]+ a month at 20 requests a second$", body, re.MULTILINE)
    assert "### `cdk diff` of prod: 2 stacks would change" in body
    assert "[+] AWS::ECS::Service Backend/Service/Service BackendService" in body
    assert "\x1b" not in body


def test_without_roles_the_comment_has_the_costs(comment: Comment) -> None:
    run, body = comment()
    assert run.ran == [*COSTS, "make pr-comment"]
    assert "cdk diff" not in body


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
