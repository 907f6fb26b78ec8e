"""Run the CDK command line against the emulator and read the stack outputs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from flask_onetrace.contract import Output, Variable
from infra.application import FOLDER_VARIABLE
from infra.names import Names
from local.backing_services.emulated_aws import REGION, EmulatedAws
from local.deploy import docker_command
from local.deploy.cdk_log import build_failure, progress
from local.deploy.image import Image
from local.workspace.errors import FailedStepError
from local.workspace.folders import CHECKOUT
from local.workspace.report import Step
from local.workspace.session import ENVIRONMENT, Session
from local.workspace.steps import Program, run
from operations.errors import OperatorError

CDK: Final = CHECKOUT / "node_modules" / ".bin" / "cdk"
ACCOUNT: Final = "000000000000"
QUIET: Final = {
    "CDK_VALIDATION": "false",  # make test and make synth validate the same templates
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "true",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_COLOR": "1",
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",  # eleven lines before those of an error
}
DEPLOY: Final = ("deploy", "--require-approval", "never", "--progress", "events")
BOOTSTRAP_SECONDS: Final = 180.0
DEPLOY_SECONDS: Final = 900.0


def bootstrap(session: Session, aws: EmulatedAws) -> None:
    """Run `cdk bootstrap`, once per emulator."""
    if session.state.bootstrapped:
        return
    command = ["bootstrap", f"aws://{ACCOUNT}/{REGION}"]
    # Outside the app's folder the CLI finds no cdk.json and does not synthesize the app.
    cwd = session.folders.cdk_home
    with session.report.step("cdk bootstrap") as step:
        _run(session, aws, command, cwd=cwd, seconds=BOOTSTRAP_SECONDS, step=step)
    session.state.bootstrapped = True
    session.save()


def deploy(
    session: Session,
    aws: EmulatedAws,
    image: Image,
    source: str,
    *,
    between: Callable[[], None] | None = None,
) -> None:
    """Run `cdk deploy` and save the outputs of both stacks in the state, by the contract's names.

    Stacks that were deployed from the same `source`, a digest of all that they are synthesized from, are left alone.
    The first time, `between` is called when the first stack, with the secrets, is deployed and the second is not.
    """
    if session.state.stacks == source:
        session.report.line("  cdk deploy is not needed: the stacks are up to date")
        return
    folders = session.folders
    synthesized = [*_context(session, image), "--output", str(folders.assembly)]
    # The CLI would reuse the staged files, of which the image takes its modes.
    shutil.rmtree(folders.assembly, ignore_errors=True)
    session.state.stacks = ""
    if between is not None and not session.state.outputs:
        with session.report.step("cdk deploy, the stack with the secrets") as step:
            command = [*DEPLOY, session.names.observability_stack, "--exclusively", *synthesized]
            _run(session, aws, command, cwd=CHECKOUT, seconds=DEPLOY_SECONDS, step=step)
        between()
        synthesized = ["--app", str(folders.assembly)]
    with session.report.step("cdk deploy, both stacks") as step:
        folders.outputs.unlink(missing_ok=True)
        command = [*DEPLOY, "--all", *synthesized, "--outputs-file", str(folders.outputs)]
        try:
            _run(session, aws, command, cwd=CHECKOUT, seconds=DEPLOY_SECONDS, step=step)
        except FailedStepError as error:
            # The other stack is deployed in parallel: its events may follow the build's error.
            build = build_failure(folders.log("cdk-deploy"))
            raise error.with_remedy(image.remedy, build or error.lines) from None
        finally:
            folders.restrict()
            if image.is_built:
                docker_command.log_out(session.environ, aws.registry)
        session.state.outputs, session.state.stacks = read_outputs(folders.outputs, session.names), source
    session.save()
    log = folders.log("cdk-deploy").read_text(encoding="utf-8", errors="replace")
    session.report.line(f"    image: {image.outcome(log)}")


def _context(session: Session, image: Image) -> list[str]:
    """Return the options with the context of `app.py`."""
    application = session.application
    values = [f"environment={ENVIRONMENT}", f"app={application.folder}", *image.context]
    if application.flask_app is not None:
        values.append(f"flask_app={application.flask_app}")
    return [option for each in values for option in ("-c", each)]


def read_outputs(path: Path, names: Names) -> dict[str, str]:
    """Return the stack outputs that `cdk deploy` wrote. Raises `OperatorError` if one of the contract is missing."""
    stacks = json.loads(path.read_text(encoding="utf-8"))
    stack_names = (names.observability_stack, names.service_stack)
    outputs = {name: value for stack in stack_names for name, value in stacks.get(stack, {}).items()}
    missing = [name for name in Output if name not in outputs]
    if missing:
        raise OperatorError(f"The deployed stacks have no output {', '.join(missing)}", "Add it in infra/outputs.py")
    return {name: outputs[name] for name in Output}


def _run(session: Session, aws: EmulatedAws, command: Sequence[str], *, cwd: Path, seconds: float, step: Step) -> None:
    verb = command[0]
    program = Program(
        role=f"cdk-{verb}",
        title=f"cdk {verb}",
        command=[str(CDK), *command],
        environment=_environment(session, aws),
        cwd=cwd,
        seconds=seconds,
    )
    run(session, program, step, progress)


def _environment(session: Session, aws: EmulatedAws) -> dict[str, str]:
    """Return the command's variables; `APP` and `FLASK_APP` select the application as they did for this command."""
    engine, application = docker_command.variables(session.environ), session.application
    selection = {FOLDER_VARIABLE: str(application.folder), Variable.FLASK_APP: application.flask_app or ""}
    return {**QUIET, **engine, **aws.variables, **selection, "CDK_HOME": str(session.folders.cdk_home)}
