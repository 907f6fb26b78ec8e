"""Run the real CDK command line against the emulator, and read what it deployed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from local.backing_services.emulated_aws import REGION, EmulatedAws
from local.deploy import docker_engine
from local.deploy.image import Image
from local.workspace.errors import MEND, LocalError
from local.workspace.folders import CHECKOUT
from local.workspace.report import Step
from local.workspace.session import Desk
from service.contract import Output, observability_stack_name, service_stack_name

ENVIRONMENT: Final = "local"
CDK: Final = CHECKOUT / "node_modules" / ".bin" / "cdk"
ACCOUNT: Final = "000000000000"
QUIET: Final = {
    "CDK_VALIDATION": "false",  # the same templates are validated by make test and make synth
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "true",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_COLOR": "1",
}
BOOTSTRAP_SECONDS: Final = 180.0
DEPLOY_SECONDS: Final = 900.0
POLL_SECONDS: Final = 0.2
EVENT: Final = re.compile(
    # What CloudFormation does: 23/51 | time | CREATE_COMPLETE | AWS::ECS::Cluster | path
    r"\|\s*(?P<progress>\d+/\d+|\d+)\s*\|.*?\|\s*(?P<status>[A-Z_]+)\s*\|\s*(?P<type>AWS::\S+)"
    # What the image's build is at: "#7 [build 3/5] RUN ..." of BuildKit, "Step 3/5 : RUN ..." of its forerunner.
    r"|^(?:#\d+ )?(?P<step>(?:\[[^\]]+\]|Step \d+/\d+ :) .+)",
    re.MULTILINE,
)
BUILD_FAILURE: Final = re.compile(
    r"(?:^------\n(?P<said>.*?)^------\n.*?)?^(?P<verdict>ERROR: failed to solve.*?)$", re.MULTILINE | re.DOTALL
)
"""BuildKit's summary: between two rules the end of what the failed step said, if anything; then its verdict."""
BUILD_LINES: Final = 12


def bootstrap(desk: Desk, aws: EmulatedAws) -> None:
    """Run `cdk bootstrap`, once per emulator."""
    if desk.state.bootstrapped:
        return
    with desk.report.step("cdk bootstrap") as step:
        # Outside the app's folder the CLI finds no cdk.json, so it need not synthesize the app.
        command = ["bootstrap", f"aws://{ACCOUNT}/{REGION}"]
        _run(desk, aws, command, cwd=desk.folders.cdk_home, seconds=BOOTSTRAP_SECONDS, step=step, remedy=MEND)
    desk.state.bootstrapped = True
    desk.save()


def deploy(desk: Desk, aws: EmulatedAws, image: Image) -> dict[str, str]:
    """Run `cdk deploy` and return the outputs of both stacks by the contract's names."""
    folders = desk.folders
    context = [part for each in (f"environment={ENVIRONMENT}", *image.context) for part in ("-c", each)]
    command = ["deploy", "--all", "--require-approval", "never", "--progress", "events", *context]
    command += ["--output", str(folders.assembly), "--outputs-file", str(folders.outputs)]
    with desk.report.step("cdk deploy, both stacks") as step:
        folders.outputs.unlink(missing_ok=True)
        try:
            _run(desk, aws, command, cwd=CHECKOUT, seconds=DEPLOY_SECONDS, step=step, remedy=image.remedy)
        finally:
            if image.built:
                docker_engine.log_out(desk.environ, aws.registry)
        desk.state.outputs = read_outputs(folders.outputs)
    desk.save()
    log = folders.log("cdk-deploy").read_text(encoding="utf-8", errors="replace")
    desk.report.line(f"    image: {image.told(log)}")
    return desk.state.outputs


def read_outputs(path: Path) -> dict[str, str]:
    """Return the outputs that `cdk deploy` wrote; raises `LocalError` when one of the contract's is not there."""
    stacks = json.loads(path.read_text(encoding="utf-8"))
    names = (observability_stack_name(ENVIRONMENT), service_stack_name(ENVIRONMENT))
    outputs = {name: value for stack in names for name, value in stacks.get(stack, {}).items()}
    missing = [name for name in Output if name not in outputs]
    if missing:
        raise LocalError(f"The deployed stacks have no output {', '.join(missing)}", "Add it in infra/outputs.py")
    return {name: outputs[name] for name in Output}


def _run(
    desk: Desk, aws: EmulatedAws, command: Sequence[str], *, cwd: Path, seconds: float, step: Step, remedy: str
) -> None:
    verb, role = command[0], f"cdk-{command[0]}"
    record = desk.start(role, [str(CDK), *command], _environment(desk, aws), cwd=cwd)
    deadline = time.monotonic() + seconds
    while desk.supervisor.exit_code(record) is None and time.monotonic() < deadline:
        step.detail(progress(desk.folders.log(role)))
        time.sleep(POLL_SECONDS)
    code = desk.supervisor.exit_code(record)
    desk.stop([record])
    if code != 0:
        ended = f"exit {code}" if code is not None else f"no end after {seconds:g} s"
        failure = desk.supervisor.failure(record, f"cdk {verb} failed ({ended})", remedy)
        # The other stack is deployed meanwhile, and its events may come after the build's complaint.
        failure.lines = build_failure(desk.folders.log(role)) or failure.lines
        raise failure


def _environment(desk: Desk, aws: EmulatedAws) -> dict[str, str]:
    return {**QUIET, **docker_engine.variables(desk.environ), **aws.variables, "CDK_HOME": str(desk.folders.cdk_home)}


def build_failure(log: Path) -> list[str]:
    """Return what the image's failed build said last, empty when no build failed."""
    found = BUILD_FAILURE.search(log.read_text(encoding="utf-8", errors="replace"))
    if found is None:
        return []
    return [*(found["said"] or "").splitlines()[-BUILD_LINES:], found["verdict"]]


def progress(log: Path) -> str:
    """Return what the newest event in the log says, empty when there is none yet."""
    events = EVENT.findall(log.read_text(encoding="utf-8", errors="replace"))
    return " ".join(filter(None, events[-1])) if events else ""
