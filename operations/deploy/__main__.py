"""Deploy an environment: run the CDK, show what ECS does meanwhile, and say why if it fails.

The exit status is the CDK's, or 1 where another version than the deployed one serves when the CDK has succeeded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from botocore.exceptions import BotoCoreError

from infra.environments import ENVIRONMENTS
from infra.names import Names
from operations.deploy import cdk_process, stacks
from operations.deploy.cdk_process import Finished
from operations.deploy.clients import Clients, connect
from operations.deploy.observations import Observer
from operations.deploy.reader import Reader
from operations.deploy.report import Report
from operations.deploy.rollback_notes import rollback_notes
from operations.deploy.rollout import WaitLimits, await_rollout
from operations.deploy.stacks import Snapshot
from operations.deploy.watcher import Watcher, live_printer, write_line
from operations.deployment import aws_session
from operations.errors import OperatorError, without_credentials
from operations.keys import missing
from operations.selection import make_variables, selected_names


class Options(NamedTuple):
    """The command line. `poll` is in seconds, `rollout` in minutes."""

    environment: str
    command: Sequence[str]
    poll: float
    rollout: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy and return the exit status."""
    options = _options(arguments)
    try:
        return _deploy(options, selected_names(options.environment))
    except OperatorError as error:
        sys.stderr.write(f"error: {error.problem}.\n{error.remedy}\n")
        return 1


def _deploy(options: Options, names: Names) -> int:
    """Return the exit status. Raises `OperatorError` for what a deploy cannot succeed with."""
    try:
        clients = connect(aws_session())
    except BotoCoreError as error:  # without a region, for one: the CDK says so too
        write_line("AWS", f"this deploy cannot be monitored: {without_credentials(error)}")
        return cdk_process.run(options.command).status
    reader = Reader()
    before = reader.read(
        "the stacks",
        lambda: stacks.snapshot(clients.cloudformation, names),
        Snapshot([], datetime.now(UTC)),
    )
    _check_stack_states(options.environment, before, reader)
    _check_secrets(names, clients, reader)
    # A stack that cannot be read may well exist, with protection that must not be taken from it.
    is_first = "the stacks" not in reader.problems and stacks.is_first_deploy(before, names)
    notes = reader.read("the alarms", lambda: rollback_notes(clients, names, is_first=is_first), list[str]())
    sys.stderr.writelines(f"{note}\n" for note in notes)
    observer = Observer(clients, reader, names, since=before.at, callbacks=live_printer())
    finished = _run(_commands(options, is_first=is_first), Watcher(observer, reader, seconds=options.poll))
    report = Report(clients, reader, observer, names)
    if finished.status != 0:
        return report.failed(finished)
    limits = WaitLimits(rollout=options.rollout * 60, pause=options.poll, unknown=6 * options.poll)
    try:
        return report.succeeded(await_rollout(clients, reader, observer, names, limits))
    except KeyboardInterrupt:
        return report.not_awaited()


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m operations.deploy", description=__doc__)
    parser.add_argument("--environment", required=True, help="the environment of infra/environments.py to deploy")
    parser.add_argument("--poll", type=float, default=5.0, help="seconds between two looks at ECS")
    parser.add_argument("--rollout", type=float, default=15.0, help="minutes to wait for ECS after the CDK is done")
    parser.add_argument("command", nargs="+", metavar="-- command", help="the CDK's command line")
    parsed = parser.parse_args(arguments)
    return Options(parsed.environment, parsed.command, parsed.poll, parsed.rollout)


def _check_stack_states(environment: str, before: Snapshot, reader: Reader) -> None:
    """Print what becomes of stacks that were never created; raise `OperatorError` where a deploy must fail."""
    if reader.credentials_expired:
        raise OperatorError(
            f"AWS rejects the credentials: {reader.problems['the stacks']}",
            f"Renew them (aws sso login, or new keys in the environment), then run make deploy ENV={environment}.",
        )
    for stack in before.stacks:
        if recovery := stacks.recovery(stack, environment):
            raise OperatorError(f"The stack {stack.name} cannot be deployed: it is in {stack.status}", f"{recovery}.")
        if note := stacks.note_on(stack):
            sys.stderr.write(f"note: {note}\n")


def _check_secrets(names: Names, clients: Clients, reader: Reader) -> None:
    """Raise `OperatorError` where one of the application's secrets is missing: no task would start, for minutes."""
    secrets = reader.read("the secrets", lambda: missing(clients.secrets, names.own_secrets), dict[str, str]())
    if problem := reader.problems.get("the secrets"):
        sys.stderr.write(f"note: whether the application's secrets exist cannot be read: {problem}\n")
    if secrets:
        entries = ", ".join(f"{name} ({variable})" for variable, name in secrets.items())
        raise OperatorError(
            f"The task definition reads secrets that do not exist, or have no value: {entries}",
            f"Create them: make secrets {make_variables(names)}. It asks for each; then run make deploy again",
        )


def _run(commands: Sequence[Sequence[str]], watcher: Watcher) -> Finished:
    """Run the commands in turn as far as they succeed, watched, and return how the last one ended."""
    watcher.start()
    try:
        for command in commands:
            finished = cdk_process.run(command)
            if finished.status != 0:
                break
        return finished
    finally:
        watcher.stop()


def _commands(options: Options, *, is_first: bool) -> Sequence[Sequence[str]]:
    """Return the CDK's command lines: for a protected environment's first deploy two, the first without protection.

    CloudFormation cannot roll back a stack whose load balancer must not be deleted, and the CDK cannot create a stack
    anew that must not be deleted either.
    """
    environment = ENVIRONMENTS.get(options.environment)
    is_chosen = any(each.startswith("protected=") for each in options.command)
    if not is_first or environment is None or not environment.protected or is_chosen:
        return [options.command]
    sys.stderr.write(
        f"note: this is the first deploy of {options.environment}: its protection from deletion follows in a second"
        " one, so that a failed one can be rolled back\n"
    )
    return [[*options.command, "-c", "protected=no"], options.command]


if __name__ == "__main__":
    sys.exit(main())
