"""Run the CDK command line against the emulator and read the stack outputs."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flask_onetrace.contract import Output
from infra.application import selected_folder
from local.backing_services.emulated_aws import REGION, EmulatedAws
from local.deploy import docker_engine
from local.deploy.cdk_log import build_failure, progress
from local.deploy.image import Image
from local.workspace.errors import FIX_LAST_LINES
from local.workspace.folders import CHECKOUT
from local.workspace.report import Step
from local.workspace.session import Session
from operations.errors import OperatorError
from operations.selection import selected_names

ENVIRONMENT: Final = "local"
CDK: Final = CHECKOUT / "node_modules" / ".bin" / "cdk"
ACCOUNT: Final = "000000000000"
QUIET: Final = {
    "CDK_VALIDATION": "false",  # make test and make synth validate the same templates
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "true",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_COLOR": "1",
}
BOOTSTRAP_SECONDS: Final = 180.0
DEPLOY_SECONDS: Final = 900.0
POLL_SECONDS: Final = 0.2


def bootstrap(session: Session, aws: EmulatedAws) -> None:
    """Run `cdk bootstrap`, once per emulator."""
    if session.state.bootstrapped:
        return
    command = ["bootstrap", f"aws://{ACCOUNT}/{REGION}"]
    # Outside the app's folder the CLI finds no cdk.json and does not synthesize the app.
    cwd = session.folders.cdk_home
    with session.report.step("cdk bootstrap") as step:
        _run(session, aws, command, cwd=cwd, seconds=BOOTSTRAP_SECONDS, step=step, remedy=FIX_LAST_LINES)
    session.state.bootstrapped = True
    session.save()


def deploy(session: Session, aws: EmulatedAws, image: Image) -> None:
    """Run `cdk deploy` and save the outputs of both stacks in the state, by the contract's names."""
    folders = session.folders
    context = [
        argument
        for each in (f"environment={ENVIRONMENT}", f"app={selected_folder()}", *image.context)
        for argument in ("-c", each)
    ]
    command = ["deploy", "--all", "--require-approval", "never", "--progress", "events", *context]
    command += ["--output", str(folders.assembly), "--outputs-file", str(folders.outputs)]
    with session.report.step("cdk deploy, both stacks") as step:
        folders.outputs.unlink(missing_ok=True)
        # The CLI would reuse the staged files, of which the image takes its modes.
        shutil.rmtree(folders.assembly, ignore_errors=True)
        try:
            _run(session, aws, command, cwd=CHECKOUT, seconds=DEPLOY_SECONDS, step=step, remedy=image.remedy)
        finally:
            folders.restrict()
            if image.is_built:
                docker_engine.log_out(session.environ, aws.registry)
        session.state.outputs = read_outputs(folders.outputs)
    session.save()
    log = folders.log("cdk-deploy").read_text(encoding="utf-8", errors="replace")
    session.report.line(f"    image: {image.outcome(log)}")


def read_outputs(path: Path) -> dict[str, str]:
    """Return the stack outputs that `cdk deploy` wrote. Raises `OperatorError` if one of the contract is missing."""
    stacks = json.loads(path.read_text(encoding="utf-8"))
    names = selected_names(ENVIRONMENT)
    stack_names = (names.observability_stack, names.service_stack)
    outputs = {name: value for stack in stack_names for name, value in stacks.get(stack, {}).items()}
    missing = [name for name in Output if name not in outputs]
    if missing:
        raise OperatorError(f"The deployed stacks have no output {', '.join(missing)}", "Add it in infra/outputs.py")
    return {name: outputs[name] for name in Output}


def _run(
    session: Session, aws: EmulatedAws, command: Sequence[str], *, cwd: Path, seconds: float, step: Step, remedy: str
) -> None:
    verb, role = command[0], f"cdk-{command[0]}"
    record = session.start(role, [str(CDK), *command], _environment(session, aws), cwd=cwd)
    deadline = time.monotonic() + seconds
    while session.supervisor.exit_code(record) is None and time.monotonic() < deadline:
        step.detail(progress(session.folders.log(role)))
        time.sleep(POLL_SECONDS)
    code = session.supervisor.exit_code(record)
    session.stop([record])
    if code != 0:
        reason = f"exit {code}" if code is not None else f"timeout after {seconds:g} s"
        failure = session.supervisor.failure(record, f"cdk {verb} failed ({reason})", remedy)
        # The other stack is deployed in parallel: its events may follow the build's error.
        failure.lines = build_failure(session.folders.log(role)) or failure.lines
        raise failure


def _environment(session: Session, aws: EmulatedAws) -> dict[str, str]:
    engine = docker_engine.variables(session.environ)
    return {**QUIET, **engine, **aws.variables, "CDK_HOME": str(session.folders.cdk_home)}
