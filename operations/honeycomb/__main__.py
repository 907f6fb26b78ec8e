"""Keep Honeycomb's queries, triggers and board as `honeycomb/` declares them: `python -m operations.honeycomb`.

The plan is printed, then done; a second run finds nothing to do. What others made is never touched, and nothing is
ever deleted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3

from operations.honeycomb.client import Honeycomb, find_url
from operations.honeycomb.declarations import load
from operations.honeycomb.errors import HoneycombError
from operations.honeycomb.key import find_key
from operations.honeycomb.plan import Plan
from operations.honeycomb.remote_state import Found, environment_of, look
from operations.honeycomb.retry import Patience

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

DECLARATIONS: Final = Path(__file__).parents[2] / "honeycomb"

_WAITING = (
    "Not all is there yet. Honeycomb takes a query once spans have had its columns: open the service's page, choose "
    "a user, have a request fail, and run make honeycomb again.\n"
)


def main(arguments: Sequence[str] | None = None, *, wait: Callable[[float], None] = time.sleep) -> int:
    """Print the plan and carry it out; returns 1 where something failed or has to wait. `wait` takes seconds."""
    chosen = _parsed(arguments)
    try:
        declared = load(chosen.declarations)
        key = find_key(os.environ, chosen.environment, _secrets_manager)
        with closing(Honeycomb(find_url(os.environ), key, Patience(wait))) as honeycomb:
            sys.stdout.write(f"Honeycomb: {environment_of(honeycomb)}\n")
            found = look(honeycomb, declared)
            plan = Plan(declared, found)
            sys.stdout.write(_shown(plan, found))
            if not chosen.plan:
                _carry_out(plan, honeycomb)
            if found.board_address:
                sys.stdout.write(f"The board, honeycomb_board of infra/environments.py: {found.board_address}\n")
    except HoneycombError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if plan.waits:
        sys.stderr.write(_WAITING)
    return int(plan.waits)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m operations.honeycomb", description=__doc__)
    parser.add_argument("--environment", default="dev", help="whose secret holds the key, if no variable does: dev")
    parser.add_argument("--plan", action="store_true", help="print what would be done, and stop")
    parser.add_argument("--declarations", type=Path, default=DECLARATIONS, help="another folder than honeycomb/")
    return parser.parse_args(arguments)


def _secrets_manager() -> SecretsManagerClient:
    # Unlike the CDK and the AWS command line, boto3 does not read AWS_REGION.
    return boto3.Session(region_name=os.environ.get("AWS_REGION")).client("secretsmanager")


def _shown(plan: Plan, found: Found) -> str:
    lines = "".join(f"  {step}\n" for step in plan.steps)
    others = ", ".join(f"{count} {what}" for what, count in found.others.items())
    return f"{lines}Not made here, and left untouched: {others}.\n"


def _carry_out(plan: Plan, honeycomb: Honeycomb) -> None:
    done = plan.apply(honeycomb)
    sys.stdout.write(f"Done: {done} of {len(plan.steps)}.\n" if done else "Nothing to do.\n")


if __name__ == "__main__":
    sys.exit(main())
