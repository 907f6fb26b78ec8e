"""Serve the traces of a deployed environment on standard input and output, with the reader's own credentials."""

from __future__ import annotations

import argparse
import os
import sys
from functools import lru_cache
from typing import Final

from infra import environment_names
from infra.application import FOLDER_VARIABLE
from operations.mcp.registration import registration
from operations.mcp.server import build
from operations.traces.connect import deployment_of
from operations.traces.deployment import Deployment

MODULE: Final = "operations.mcp"
PASSED_ON: Final = (FOLDER_VARIABLE, "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION")
"""Variables that select what is read. Keys belong in no configuration: a profile names them."""


def main() -> int:
    """Serve until standard input ends; at a terminal, print how to register the server instead."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    names = [each for each in environment_names.ALL if each != environment_names.LOCAL]
    parser.add_argument("--environment", required=True, choices=names)
    environment: str = parser.parse_args().environment
    if sys.stdin.isatty():
        variables = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
        sys.stdout.write(registration(f"onetrace-{environment}", [MODULE, "--environment", environment], variables))
        return 0

    @lru_cache(maxsize=1)
    def deployment() -> Deployment:
        return deployment_of(environment)

    build(f"onetrace-{environment}", deployment).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
