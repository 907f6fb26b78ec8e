"""Show one trace, or list the newest requests, of a deployed environment: `python -m operations.traces show ID`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.errors import OperatorError, without_credentials
from operations.output import escape_unencodable
from operations.traces.commands import list_requests, show
from operations.traces.connect import deployment_of
from operations.traces.options import List, Show, add_list_options, add_show_options, options_of

INTERRUPTED: Final = 130
"""A shell's exit code for Ctrl-C: 128 + SIGINT."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m operations.traces", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    show_parser = commands.add_parser("show", help="print one trace of all four places")
    list_parser = commands.add_parser("list", help="print the newest requests")
    for each in (show_parser, list_parser):
        each.add_argument("--environment", required=True, help="the environment of infra/environments.py")
    add_show_options(show_parser)
    add_list_options(list_parser)
    options = parser.parse_args(arguments)
    escape_unencodable()
    out = sys.stdout
    try:
        if options.command == "show":
            return show(options_of(Show, options), lambda: deployment_of(options.environment), out)
        return list_requests(options_of(List, options), lambda: deployment_of(options.environment), out, sys.stderr)
    except (OperatorError, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"error: {without_credentials(error)}\n")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


if __name__ == "__main__":
    sys.exit(main())
