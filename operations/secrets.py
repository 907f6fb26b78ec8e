"""Fill in the keys of one environment, in Secrets Manager: Honeycomb's, Rollbar's, and the application's own secrets.

The entries of its own are created here, before the first deploy, whose tasks read them. Each key is read from the
environment variable of its name, else from the terminal (not echoed), or line by line from standard input. A key is
never an argument: every process of the machine can read those. One that the service would reject at its start is
rejected here, and then none is stored. What the environment had is named, and confirmed on a terminal or by
`--approval never`: a shell may have the value of another environment. A value of several lines, as a PEM file's, is
read from the environment only.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TextIO

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import SECRET_OF, SECRET_SOURCES
from infra.names import Names
from operations.deployment import NO_SUCH_STACK, aws_session
from operations.errors import OperatorError, without_credentials
from operations.keys import check, fill
from operations.rollout import roll_out
from operations.selection import selected_names


def main() -> int:
    """Store the keys and start a deployment whose tasks read them; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m operations.secrets", description=__doc__)
    parser.add_argument("--environment", required=True, help="the keys' environment of infra/environments.py")
    parser.add_argument(
        "--approval", choices=["never"], help="store what the environment has without asking, as where no terminal is"
    )
    options = parser.parse_args()
    environment: str = options.environment
    try:
        names = selected_names(environment)
        ask = prompt if sys.stdin.isatty() else lambda variable: read_line(variable, sys.stdin)
        keys = read_keys(os.environ, ask, names.secrets)
        if not keys:
            return _fail(f"No key to store. Set {' or '.join(names.secrets)}, or type one at the prompt.")
        check(keys)
        exported = [variable for variable in keys if os.environ.get(variable, "").strip()]
        if not _confirmed(environment, exported, is_approved=options.approval == "never"):
            return _fail("Not confirmed: nothing was stored. Unset the variables to be asked for their values.")
        return _store(aws_session(), names, keys)
    except OperatorError as error:
        return _fail(f"{error.problem}\n{error.remedy}.")
    except (BotoCoreError, ClientError) as error:
        return _fail(f"{error}\nCheck that {environment!r} is deployed (make deploy) and your credentials are its own.")


def _confirmed(environment: str, exported: list[str], *, is_approved: bool) -> bool:
    """Name the variables whose values the environment had; return whether to store them, asking on a terminal.

    Raises `OperatorError` where it cannot ask.
    """
    if not exported:
        return True
    sys.stdout.write(f"Read from the environment: {', '.join(exported)}.\n")
    sys.stdout.flush()
    if is_approved:
        return True
    if not sys.stdin.isatty():
        raise OperatorError(
            f"There is no terminal to confirm them for {environment} at, and nothing was stored",
            "Pass APPROVAL=never to store them, or unset them to have the keys read from standard input",
        )
    return input(f"Store in {environment}? [y/N] ").strip().lower() in {"y", "yes"}


def _store(session: boto3.Session, names: Names, keys: Mapping[str, str]) -> int:
    """Store the keys and print what became of them; return the exit status."""
    entries, pending = fill(session.client("secretsmanager"), names, keys)
    if entries:
        sys.stdout.write(f"Filled in {', '.join(entries)}.\n")
    if set(keys).difference(pending) & {*SECRET_OF, *names.own_secrets} and (service := _restart(session, names)):
        sys.stdout.write(f"Started a new deployment of service {service}: its new tasks read the keys.\n")
    if pending:
        sys.stderr.write(
            f"Not stored: {', '.join(pending)}, whose entries the first deploy creates. Check that"
            f" {names.environment!r} is deployed (make deploy), then run make secrets again.\n"
        )
    return 0 if entries else 1


def _restart(session: boto3.Session, names: Names) -> str | None:
    """Return the name of the service whose tasks are replaced, None where there is none yet."""
    try:
        return roll_out(session, names)
    except ClientError as error:
        if error.response["Error"]["Code"] == NO_SUCH_STACK:
            return None
        raise
    except KeyError:  # the stack's first deploy failed, or has not ended
        return None


def read_keys(
    environ: Mapping[str, str], ask: Callable[[str], str], variables: Iterable[str] = SECRET_SOURCES
) -> dict[str, str]:
    """Return the keys by variable, from `environ`, else from `ask`; without those that are empty in both.

    Spaces around a sink's key are of the pasting; around a secret of the application's they may be a part of it.
    """
    keys = {
        variable: text if (text := environ.get(variable, "")).strip() else ask(variable).rstrip("\r\n")
        for variable in variables
    }
    return {
        variable: key.strip() if variable in SECRET_SOURCES else key for variable, key in keys.items() if key.strip()
    }


def prompt(variable: str) -> str:
    """Ask on the terminal, without echo."""
    return getpass.getpass(f"{variable} (empty to leave it unchanged): ")


def read_line(variable: str, source: TextIO) -> str:
    """Read the next line of `source`: `KEY`, or `VARIABLE=KEY` as in an .env file."""
    return source.readline().rstrip("\r\n").removeprefix(f"{variable}=")


def _fail(message: str) -> int:
    sys.stderr.write(f"{without_credentials(message)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
