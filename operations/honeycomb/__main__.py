"""Apply the queries, triggers and board that honeycomb/ declares to a Honeycomb environment.

Prints one line per resource; a second run changes nothing. Resources that others created are never changed, and
nothing is ever deleted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from infra.environments import ENVIRONMENTS
from operations.errors import OperatorError, without_credentials
from operations.honeycomb.client import connect
from operations.honeycomb.declarations import load
from operations.honeycomb.reconcile import reconcile
from operations.honeycomb.remote_state import describe_environment, fetch
from operations.honeycomb.writer import Writer
from operations.selection import selected_names

DECLARATIONS: Final = Path(__file__).parents[2] / "honeycomb"

_INCOMPLETE = (
    "Not everything is created yet: Honeycomb rejects a query until spans have all its columns. Open the service's"
    " page, choose a user, make a request fail, then run make honeycomb again.\n"
)


def main(arguments: Sequence[str] | None = None, *, sleep: Callable[[float], None] = time.sleep) -> int:
    """Apply the declarations; return 1 where something failed or has to wait. `sleep` takes seconds."""
    options = _parse(arguments)
    try:
        names = selected_names(options.environment)
        environment = ENVIRONMENTS.get(options.environment)
        relays = environment is None or environment.telemetry.browser_relay
        declared = load(options.declarations, names, browser_spans=relays)
        with connect(names, sleep) as client:
            sys.stdout.write(f"Honeycomb: {describe_environment(client)}\n")
            remote = fetch(client, declared.application, declared.queries.values())
            writer = Writer(client, sys.stdout.write, dry_run=options.plan)
            reconcile(declared, remote, writer)
            if not relays:
                sys.stdout.write(f"Left out: what needs browser spans, which {options.environment} does not relay.\n")
            unowned = ", ".join(f"{count} {kind}" for kind, count in remote.unowned.items())
            sys.stdout.write(f"Created by others and left alone: {unowned}.\n")
            if not options.plan:
                sys.stdout.write(f"Applied {writer.changes} changes.\n" if writer.changes else "Nothing to change.\n")
            if remote.board_url:
                sys.stdout.write(f"Board (honeycomb_board in infra/environments.py): {remote.board_url}\n")
    except OperatorError as error:
        sys.stderr.write(f"{without_credentials(error)}\n")
        return 1
    if writer.waiting:
        sys.stderr.write(_INCOMPLETE)
    return int(writer.waiting > 0)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m operations.honeycomb", description=__doc__)
    parser.add_argument(
        "--environment",
        default="dev",
        help="whose secret holds the key where HONEYCOMB_CONFIGURATION_KEY is unset (dev)",
    )
    parser.add_argument("--plan", action="store_true", help="print the steps without applying them")
    parser.add_argument("--declarations", type=Path, default=DECLARATIONS, help="folder to read (honeycomb/)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
