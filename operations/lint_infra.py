"""Check the synthesized stacks with cdk-nag, cfn-guard, cfn-lint and checkov: `python -m operations.lint_infra`.

What is meant to be as it is found is acknowledged in infra/, beside its construct. Everything runs on this machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from cdklabs.cdk_validator_cfnguard import CfnGuardValidator

import app
import deploy_roles
from operations.errors import OperatorError
from operations.synthesis import CHECKOUT, new_app

STACKS: Final[Mapping[str, tuple[Callable[[cdk.App], object], Mapping[str, str]]]] = {
    "dev": (app.build, {"environment": "dev"}),
    "prod": (app.build, {"environment": "prod"}),
    "deploy roles": (deploy_roles.build, {"repository": "octo-org/octo-repo"}),
}
"""What adds the stacks to an app, and the app's context."""
CHECKOV: Final = CHECKOUT / ".venv-checkov" / "bin" / "checkov"
SECONDS: Final = 300


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the findings of each tool in the stacks of each environment and of the deploy roles; return 1 for any."""
    parser = argparse.ArgumentParser(prog="python -m operations.lint_infra", description=__doc__)
    parser.add_argument("--checkov", type=Path, default=CHECKOV, help="the command, of a venv of its own")
    checkov: Path = parser.parse_args(arguments).checkov
    if not checkov.exists():
        sys.stderr.write(f"{checkov} does not exist. Run `make lint-infra`, which installs it.\n")
        return 1
    findings = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in STACKS:
            assembly = Path(folder, name)
            found = [*policy_findings(name, assembly), *template_findings(assembly, checkov)]
            findings += len(found)
            sys.stdout.writelines(f"{name}: {each}\n" for each in found)
            sys.stdout.write(f"{name}: {len(found)} findings of cdk-nag, cfn-guard, cfn-lint and checkov\n")
    return min(findings, 1)


def policy_findings(name: str, folder: Path) -> Iterator[str]:
    """Synthesize the stacks `name` of `STACKS` into `folder` and yield what cdk-nag and cfn-guard find in them."""
    build, context = STACKS[name]
    stacks = new_app(folder, **context)
    build(stacks)
    cdk.Validations.of(stacks).add_plugins(AwsSolutionsChecks(stacks))
    guard = CfnGuardValidator(control_tower_rules_enabled=True)
    cdk.Validations.of(stacks).add_plugins(guard)  # type: ignore[arg-type] # made for an older release of the interface
    try:
        stacks.synth()
    except RuntimeError:  # raised for findings, which are in the report
        yield from _reported(folder / "validation-report.json")


def _reported(report: Path) -> Iterator[str]:
    try:
        plugins: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["pluginReports"]
    except FileNotFoundError as error:
        raise OperatorError("The stacks cannot be synthesized", "See the error above") from error
    for plugin in plugins:
        for violation in plugin["violations"]:
            rule = f"{plugin['pluginName']}::{violation['ruleName']}"
            for construct in violation["violatingConstructs"]:
                yield f"{construct['constructPath']}: {violation['description']} [{rule}]"


def template_findings(folder: Path, checkov: Path) -> Iterator[str]:
    """Yield what cfn-lint and checkov find in the templates of `folder`."""
    templates = sorted(map(str, folder.glob("*.template.json")))
    cfn_lint = str(Path(sys.executable).parent / "cfn-lint")
    yield from _lines([cfn_lint, "--format", "parseable", "--regions", "us-east-1", "--template", *templates])
    command = [str(checkov), "--framework", "cloudformation", "--output", "json", "--quiet", "--compact"]
    command += ["--skip-download", "--file"]
    results = json.loads("\n".join(_lines([*command, *templates])))
    for check in results.get("results", {}).get("failed_checks", []):
        yield f"{check['file_path']} {check['resource']}: {check['check_name']} [checkov::{check['check_id']}]"


def _lines(command: Sequence[str]) -> list[str]:
    """Return what `command` prints. Raises `OperatorError` if it fails for another reason than findings."""
    process = subprocess.run(  # noqa: S603 - the tools of this module
        command, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if process.returncode != 0 and not process.stdout.strip():
        raise OperatorError(f"{Path(command[0]).name} failed", process.stderr.strip() or "It printed nothing")
    return process.stdout.splitlines()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OperatorError as error:
        sys.exit(f"error: {error}")
