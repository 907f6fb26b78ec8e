"""Run the real CDK command line against the emulator, and read what it deployed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from local.aws import REGION, EmulatedAws
from local.desk import Desk
from local.errors import LocalError
from local.folders import CHECKOUT
from local.image import Image
from local.report import Step
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
ENGINE_VARIABLES: Final = ("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "CDK_DOCKER")
BOOTSTRAP_SECONDS: Final = 180.0
DEPLOY_SECONDS: Final = 900.0
POLL_SECONDS: Final = 0.2
EVENT: Final = re.compile(r"\|\s*(?P<progress>\d+/\d+|\d+)\s*\|.*?\|\s*(?P<status>[A-Z_]+)\s*\|\s*(?P<type>AWS::\S+)")


def bootstrap(desk: Desk, aws: EmulatedAws) -> None:
    """Run `cdk bootstrap`, once per emulator."""
    if desk.state.bootstrapped:
        return
    with desk.report.step("cdk bootstrap") as step:
        # Outside the app's folder the CLI finds no cdk.json, so it need not synthesize the app.
        command = ["bootstrap", f"aws://{ACCOUNT}/{REGION}"]
        _run(desk, aws, command, cwd=desk.folders.cdk_home, seconds=BOOTSTRAP_SECONDS, step=step)
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
        _run(desk, aws, command, cwd=CHECKOUT, seconds=DEPLOY_SECONDS, step=step)
        desk.state.outputs = read_outputs(folders.outputs)
    desk.save()
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


def _run(desk: Desk, aws: EmulatedAws, command: Sequence[str], *, cwd: Path, seconds: float, step: Step) -> None:
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
        raise desk.supervisor.failure(record, f"cdk {verb} failed ({ended})", "Mend what its last lines say")


def _environment(desk: Desk, aws: EmulatedAws) -> dict[str, str]:
    engine = {name: desk.environ[name] for name in ENGINE_VARIABLES if name in desk.environ}
    return {**QUIET, **engine, **aws.variables, "CDK_HOME": str(desk.folders.cdk_home)}


def progress(log: Path) -> str:
    """Return what the newest CloudFormation event in the log says, empty when there is none yet."""
    events = EVENT.findall(log.read_text(encoding="utf-8", errors="replace"))
    return " ".join(events[-1]) if events else ""
