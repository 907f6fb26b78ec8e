"""Measure one side in a process of its own: `python -m bench.parts.worker MODULE ours|stock HTTP UDP`.

Each line of standard input is a number of repetitions, each line of output the JSON of one repetition's figures. So
the rounds of both sides alternate, and neither sees what the other has patched.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from importlib import import_module

from bench.parts.clock import Ports, Run


def main() -> None:
    """Prepare the side, then measure until standard input ends."""
    module, side, http, udp = sys.argv[1:5]
    prepare = getattr(import_module(f"bench.parts.measurements.{module}"), side)
    run: Run = prepare(Ports(int(http), int(udp)))
    gc.collect()
    gc.freeze()  # as the service's gunicorn configuration does
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(int(line))) + "\n")
        sys.stdout.flush()
    # The stock exporters' exit handlers would wait for their timeouts.
    os._exit(0)


if __name__ == "__main__":
    main()
