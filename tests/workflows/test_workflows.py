"""The workflows call make targets only, with pinned actions, least permissions and no text of a pull request."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from infra.environments import ENVIRONMENTS, LOCAL
from tests.workflows.workflow import ROOT, TARGETS, WORKFLOWS, commands, jobs, steps

RUNS = sorted({command for _, job, step in steps() if "run" in step for command in commands(job, step)})
PERMISSIONS = {
    "ci.yml:make": {"contents": "read"},
    "diff.yml:cost": {"contents": "read"},
    "diff.yml:comment": {"contents": "read", "id-token": "write", "pull-requests": "write"},
    "deploy.yml:checks": {"contents": "read"},
    "deploy.yml:dev": {"contents": "read", "id-token": "write"},
    "deploy.yml:prod": {"contents": "read", "id-token": "write"},
    "deploy-environment.yml:deploy": {"contents": "read", "id-token": "write"},
}
# infra/xray_daemon/Dockerfile names no image: it is an argument, which `make pins` renews.
UNMANAGED = {"xray_daemon", "node_modules", "tests", ".venv", ".venv-image", ".venv-checkov", ".peers", "cdk.out"}
CREDENTIALS = "aws-actions/configure-aws-credentials"


@pytest.mark.parametrize("command", RUNS)
def test_each_command_is_a_make_target_that_make_accepts(command: str) -> None:
    make, *arguments = shlex.split(command)
    assert make == "make"
    assert {each for each in arguments if "=" not in each} <= TARGETS
    process = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/ready", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TO": "v1.0.0"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.strip()


def test_no_expression_is_expanded_into_a_shell_but_the_matrix_of_constants() -> None:
    expressions = [each for _, _, step in steps() for each in re.findall(r"\$\{\{.*?\}\}", step.get("run", ""))]
    assert expressions == ["${{ matrix.target }}"]
    assert all("${{" not in command for command in RUNS)


def test_no_workflow_runs_with_the_rights_of_the_base_for_somebody_elses_code() -> None:
    triggers = {name: set(workflow["on"]) for name, workflow in WORKFLOWS.items()}
    assert triggers == {
        "ci.yml": {"pull_request", "workflow_call"},
        "diff.yml": {"pull_request"},
        "deploy.yml": {"push"},
        "deploy-environment.yml": {"workflow_call"},
    }
    assert WORKFLOWS["deploy.yml"]["on"]["push"] == {"branches": ["main"]}


def test_each_job_has_exactly_the_permissions_that_it_needs() -> None:
    assert all(workflow["permissions"] == {} for workflow in WORKFLOWS.values())
    assert {name: job["permissions"] for name, job in jobs()} == PERMISSIONS


def test_every_checkout_leaves_no_token_behind() -> None:
    checkouts = [step for _, _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == 4
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_packages_are_installed_before_there_are_credentials() -> None:
    with_credentials = {name: job for name, job in jobs() if job["permissions"].get("id-token") and "steps" in job}
    assert len(with_credentials) == 2
    for job in with_credentials.values():
        names = [step.get("run") or step["uses"].partition("@")[0] for step in job["steps"]]
        assert names.index("make setup") < names.index(CREDENTIALS)
        assert not [each for each in names[names.index(CREDENTIALS) :] if "cost" in each]
        assert set(names[: names.index(CREDENTIALS)]) <= {
            "actions/checkout",
            "actions/setup-python",
            "actions/setup-node",
            "actions/cache",
            "make setup",
            "make cost-comment ENV=dev",
            "make cost-comment ENV=prod",
        }


def test_a_job_that_writes_to_aws_restores_no_cache() -> None:
    actions = [step["uses"] for name, _, step in steps() if name.startswith("deploy-") and "uses" in step]
    assert actions
    assert not [each for each in actions if each.startswith("actions/cache")]


def test_the_diff_runs_for_the_repositorys_own_branches_and_not_for_dependabot() -> None:
    condition = " ".join(WORKFLOWS["diff.yml"]["jobs"]["comment"]["if"].split())
    assert condition == (
        "github.event.pull_request.head.repo.full_name == github.repository "
        "&& github.event.pull_request.user.login != 'dependabot[bot]'"
    )


def test_what_gets_no_comment_has_its_cost_without_any_rights_and_with_the_same_steps() -> None:
    comment, cost = (WORKFLOWS["diff.yml"]["jobs"][each] for each in ("comment", "cost"))
    opposite = comment["if"].replace("==", "=x").replace("!=", "==").replace("=x", "!=").replace("&&", "||")
    assert cost["if"] == opposite
    assert cost["steps"] == comment["steps"][: len(cost["steps"])]
    assert cost["steps"][-1]["run"] == "make cost-comment ENV=prod"


def test_the_cost_is_compared_with_the_merge_commits_first_parent() -> None:
    checkouts = [job["steps"][0]["with"] for job in WORKFLOWS["diff.yml"]["jobs"].values()]
    assert [each["fetch-depth"] for each in checkouts] == [2, 2]


def test_the_diff_compares_each_environment_with_its_own_role() -> None:
    job = WORKFLOWS["diff.yml"]["jobs"]["comment"]
    pairs = [
        (step["with"]["role-to-assume"], following["run"])
        for step, following in zip(job["steps"], job["steps"][1:], strict=False)
        if step.get("uses", "").startswith(CREDENTIALS)
    ]
    assert pairs == [
        (f"${{{{ vars.{each.upper()}_DIFF_ROLE_ARN }}}}", f"make diff-comment ENV={each}")
        for each in ENVIRONMENTS
        if each != LOCAL.name
    ]


def test_main_is_checked_then_deployed_to_dev_and_then_to_prod() -> None:
    chain = WORKFLOWS["deploy.yml"]["jobs"]
    assert {name: job.get("needs") for name, job in chain.items()} == {"checks": None, "dev": "checks", "prod": "dev"}
    assert {job["with"]["environment"] for job in chain.values() if "with" in job} == {"dev", "prod"}
    # The approval, and the subject of the token that the deploy role trusts.
    assert WORKFLOWS["deploy-environment.yml"]["jobs"]["deploy"]["environment"] == "${{ inputs.environment }}"


def test_an_environment_has_one_deploy_at_a_time_and_none_is_cancelled() -> None:
    concurrency = WORKFLOWS["deploy-environment.yml"]["jobs"]["deploy"]["concurrency"]
    assert concurrency == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": False}
    assert WORKFLOWS["deploy.yml"]["concurrency"]["cancel-in-progress"] is False


def test_every_job_has_a_timeout_and_node_22() -> None:
    assert all("timeout-minutes" in job for _, job in jobs() if "steps" in job)
    nodes = [step["with"]["node-version"] for _, _, step in steps() if "setup-node@" in step.get("uses", "")]
    assert set(nodes) == {"22"}


def test_every_variable_is_described_with_where_it_is_set() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").iterdir())
    variables = set(re.findall(r"\bvars\.(\w+)", text))
    assert variables == set(re.findall(r"^ *\| `([A-Z_]+)` \|", page, re.MULTILINE))
    assert "secrets." not in text


def test_dependabot_updates_every_manifest() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    folders = {
        (each["package-ecosystem"], folder)
        for each in updates
        for folder in each.get("directories", [each.get("directory")])
    }
    ecosystems = {"*.in": "uv", "package.json": "npm", "Dockerfile": "docker"}
    manifests = {
        (ecosystem, "/" + str(path.parent.relative_to(ROOT)).removeprefix("."))
        for pattern, ecosystem in ecosystems.items()
        for path in manifest_files(pattern)
    }
    assert folders == manifests | {("github-actions", "/")}
    assert all(each["schedule"] == {"interval": "weekly"} and each["groups"] for each in updates)


def manifest_files(pattern: str) -> list[Path]:
    paths = [path for depth in ("", "*/", "*/*/", "*/*/*/") for path in ROOT.glob(depth + pattern)]
    return [path for path in paths if not UNMANAGED & set(path.relative_to(ROOT).parts)]
