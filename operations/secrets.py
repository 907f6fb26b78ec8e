"""Fill in the Honeycomb and Rollbar keys of one environment, in Secrets Manager.

Each key is read from the environment variable of its name, else from the terminal (not echoed), or line by line from
standard input. A key is never an argument: every process of the machine can read those. One that the service would
reject at its start is rejected here, and then none is stored.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import SECRET_OF, SECRET_SOURCES
from operations.deployment import aws_session
from operations.errors import OperatorError, without_credentials
from operations.keys import check, fill
from operations.rollout import roll_out


def main() -> int:
    """Store the keys and start a deployment whose tasks read them; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m operations.secrets", description=__doc__)
    parser.add_argument("--environment", required=True, help="the keys' environment of infra/environments.py")
    environment: str = parser.parse_args().environment
    keys = read_keys(os.environ, prompt if sys.stdin.isatty() else lambda variable: read_line(variable, sys.stdin))
    if not keys:
        return _fail(f"No key to store. Set {' or '.join(SECRET_SOURCES)}, or type one at the prompt.")
    try:
        check(keys)
        session = aws_session()
        names = fill(session.client("secretsmanager"), environment, keys)
        service = roll_out(session, environment) if set(keys) & set(SECRET_OF) else None
    except OperatorError as error:
        return _fail(f"{error.problem}\n{error.remedy}.")
    except (BotoCoreError, ClientError) as error:
        return _fail(f"{error}\nCheck that {environment!r} is deployed (make deploy) and your credentials are its own.")
    sys.stdout.write(f"Filled in {', '.join(names)}.\n")
    if service is not None:
        sys.stdout.write(f"Started a new deployment of service {service}: its sinks turn on as the new tasks start.\n")
    return 0


def read_keys(environ: Mapping[str, str], ask: Callable[[str], str]) -> dict[str, str]:
    """Return the keys by variable, from `environ`, else from `ask`; without those that are empty in both."""
    keys = {variable: environ.get(variable, "").strip() or ask(variable).strip() for variable in SECRET_SOURCES}
    return {variable: key for variable, key in keys.items() if key}


def prompt(variable: str) -> str:
    """Ask on the terminal, without echo."""
    return getpass.getpass(f"{variable} (empty to leave it unchanged): ")


def read_line(variable: str, source: TextIO) -> str:
    """Read the next line of `source`: `KEY`, or `VARIABLE=KEY` as in an .env file."""
    return source.readline().strip().removeprefix(f"{variable}=")


def _fail(message: str) -> int:
    sys.stderr.write(f"{without_credentials(message)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
