"""Fill in the sinks' keys of one environment: `python -m operations.secrets --environment dev`.

A key comes from the environment variable of its name, else from the terminal (not echoed) or, line by line, from
standard input. It is never an argument: arguments are visible to every process of the machine.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.keys import fill
from operations.rollout import roll_out
from service.contract import FILLED_FROM


def main() -> int:
    """Fill in what was given and start a deployment that reads it."""
    parser = argparse.ArgumentParser(prog="python -m operations.secrets", description=__doc__)
    parser.add_argument("--environment", required=True, help="the environment whose keys these are: dev or prod")
    environment: str = parser.parse_args().environment
    keys = read_keys(os.environ, prompt if sys.stdin.isatty() else lambda variable: read_line(variable, sys.stdin))
    if not keys:
        return _fail(f"No key given. Set {' or '.join(FILLED_FROM)}, or type one when asked.")
    try:
        # Unlike the CDK and the AWS command line, boto3 does not read AWS_REGION.
        session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
        filled = fill(session.client("secretsmanager"), environment, keys)
        service = roll_out(session, environment)
    except (BotoCoreError, ClientError) as error:
        return _fail(f"{error}\nCheck that {environment!r} is deployed (make deploy) and your credentials are its own.")
    sys.stdout.write(f"Filled in {', '.join(filled)}.\n")
    sys.stdout.write(f"Service {service} is deployed anew: its sinks turn on as its new tasks start.\n")
    return 0


def read_keys(environ: Mapping[str, str], ask: Callable[[str], str]) -> dict[str, str]:
    """Return the keys that were given, by variable; an empty answer leaves that entry as it is."""
    given = {variable: environ.get(variable, "").strip() or ask(variable).strip() for variable in FILLED_FROM}
    return {variable: key for variable, key in given.items() if key}


def prompt(variable: str) -> str:
    """Ask on the terminal, without echo."""
    return getpass.getpass(f"{variable} (empty leaves it as it is): ")


def read_line(variable: str, source: TextIO) -> str:
    """Read the next line of standard input: `KEY`, or `VARIABLE=KEY` as in an .env file."""
    return source.readline().strip().removeprefix(f"{variable}=")


def _fail(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
