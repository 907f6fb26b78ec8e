"""Attack the service and the local emulator, and check that the promises of docs/security.md hold: `make attack`.

Everything runs on 127.0.0.1: the service under its real gunicorn configuration, four fake sinks, the emulator. Each row
of the table is one promise. The exit status is 1 if one does not hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime

from bench.attacks import catalogue, report
from bench.attacks.lab import Lab
from bench.attacks.promise import Row


def main() -> None:
    """Run the attacks of the command line, and print the table."""
    arguments = _arguments()
    start = time.monotonic()
    rows: list[Row] = []
    sys.stdout.write(report.HEAD)
    with ExitStack() as stack:
        lab = Lab(stack, short=arguments.short)
        for name in arguments.only or catalogue.ATTACKS:
            sys.stderr.write(f"{time.monotonic() - start:5.0f} s  {name}: {catalogue.summary(name)}\n")
            for row in catalogue.run(name, lab):
                rows.append(row)
                sys.stdout.write(report.line(row))
                sys.stdout.flush()
    if arguments.update_docs:
        report.publish(rows, datetime.now(UTC))
    sys.stdout.write(report.summary(rows, time.monotonic() - start))
    sys.exit(not all(row.holds or (arguments.short and row.only_slower) for row in rows))


def _arguments() -> argparse.Namespace:
    names = "\n".join(f"  {name:19} {catalogue.summary(name)}" for name in catalogue.ATTACKS)
    parser = argparse.ArgumentParser(
        prog="python -m bench.attacks",
        description=__doc__,
        epilog=f"attacks:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--short", action="store_true", help="smaller attacks: at most 90 s instead of 8 minutes")
    parser.add_argument("--only", action="append", choices=catalogue.ATTACKS, metavar="NAME", help="run this attack")
    parser.add_argument("--update-docs", action="store_true", help="write the table into docs/security.md")
    arguments = parser.parse_args()
    if arguments.update_docs and (arguments.only or arguments.short):
        parser.error("--update-docs publishes all rows of a full run: leave out --only and --short")
    return arguments


if __name__ == "__main__":
    main()
