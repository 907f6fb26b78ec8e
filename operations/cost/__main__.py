"""Price an environment's stacks offline: `make cost ENV=prod REQUESTS=50` (docs/cost.md)."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from infra.environments import ENVIRONMENTS
from operations.cost.arguments import NUMBERS
from operations.cost.limit import check
from operations.cost.question import answer
from operations.cost.report.document import document
from operations.cost.report.text import Report
from operations.errors import OperatorError, without_credentials
from operations.output import escape_unencodable, give_up_output

BAD_VALUE: Final = 2


def main(
    arguments: Sequence[str] | None = None, *, environ: Mapping[str, str] = os.environ, today: date | None = None
) -> int:
    """Print the estimate; return 1 for a cost over the limit with `--limit`, 2 for a bad value."""
    escape_unencodable()
    options = _parser().parse_args(arguments)
    try:
        return _run(options, environ, today or datetime.now(UTC).date())
    except OperatorError as error:
        sys.stderr.write(f"error: {without_credentials(error)}\n")
        return BAD_VALUE
    except OSError as error:
        return give_up_output(error, "the estimate")


def _run(options: argparse.Namespace, environ: Mapping[str, str], today: date) -> int:
    """Print what is asked for, and return the exit status."""
    summary, region = answer(options, environ)
    if options.limit:
        return check(summary, ENVIRONMENTS[options.environment].cost_limit, sys.stdout, sys.stderr)
    if options.json:
        sys.stdout.write(json.dumps(document(summary, region=region, today=today), indent=2) + "\n")
        sys.stdout.flush()
        return 0
    Report(sys.stdout).estimate(summary, region=region, today=today, free=options.free)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations.cost", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--environment", required=True, help="an environment of infra/environments.py")
    add("--assembly", type=Path, help="the folder that cdk synth wrote; without it the stacks are synthesized")
    for number in NUMBERS:
        name = f"--{number.variable.lower().replace('_', '-')}"
        add(name, dest=number.variable, metavar="N", help=number.unit)
    add("--region", help="the region whose prices apply")
    add("--prices", type=Path, help="a price file of your own, laid over that of the region")
    add("--free-tier", action="store_true", help="take the account's free allowances off")
    add("--free", action="store_true", help="also list the resources that cost nothing, with the reason")
    add("--json", action="store_true", help="print one JSON document (docs/cost.md)")
    add("--limit", action="store_true", help="only check the environment's cost limit, at its traffic")
    return parser


if __name__ == "__main__":
    sys.exit(main())
