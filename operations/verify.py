"""Verify a deployment from outside: it serves the version, and each place has every kind of request under its id.

Where something is missing it names the cause, by read permissions alone (docs/verify.md).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TextIO

from operations.errors import OperatorError, without_credentials
from operations.output import escape_unencodable
from operations.verification import options as verification_options
from operations.verification.options import Options, show, show_error, verify
from operations.verification.run import WAIT, run_unserved
from operations.verification.serving import (
    DEADLINE,
    PAUSE,
    REAL,
    Clock,
    Expected,
    outcome,
    status_text,
    wait_until_serving,
)
from operations.verification.subject import Subject
from operations.verification.targets import MissingStackError, no_stack, subject_of_environment, subject_of_url


def main(arguments: Sequence[str] | None = None, *, clock: Clock = REAL) -> int:
    """Verify the deployment and print the outcome; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m operations.verify", description=__doc__)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--environment", help="the deployed environment of infra/environments.py")
    target.add_argument("--url", help="a URL; without AWS credentials for it, what it shows from outside is verified")
    parser.add_argument("--version", default="", help="the version that has to be deployed")
    parser.add_argument("--deadline", type=float, default=DEADLINE, help="seconds (default: %(default)g)")
    parser.add_argument("--pause", type=float, default=PAUSE, help="seconds between requests (default: %(default)g)")
    parser.add_argument("--serving", action="store_true", help="check that the version is served, and no telemetry")
    verification_options.add_to(parser, wait=WAIT)
    escape_unencodable()
    namespace = parser.parse_args(arguments)
    options = Options.of(namespace)
    try:
        if namespace.url is not None:
            subject = subject_of_url(namespace.url, namespace.version)
        else:
            subject = subject_of_environment(namespace.environment, namespace.version)
        return _verify(subject, options, namespace, clock)
    except MissingStackError as error:
        return show(no_stack(error), options, sys.stdout)
    except OperatorError as error:
        if options.json:
            show_error(error, sys.stdout)
        sys.stderr.write(f"{without_credentials(error.problem)}\n{error.remedy}.\n")
        return 1


def _verify(subject: Subject, options: Options, namespace: argparse.Namespace, clock: Clock) -> int:
    """Wait until the version is served, then find the requests; an image without the runtime sends no telemetry."""
    out: TextIO = sys.stderr if options.json else sys.stdout
    if subject.expected_version and subject.expected_environment:
        expected = Expected(
            subject.application, subject.expected_environment, subject.expected_version, subject.has_login
        )
        try:
            sinks = wait_until_serving(
                subject.url, expected, deadline=namespace.deadline, pause=namespace.pause, clock=clock
            )
        except OperatorError as error:
            sys.stderr.write(f"{without_credentials(error.problem)}\n{error.remedy}.\n")
            return show(run_unserved(subject, error), options, sys.stdout)
        out.write(outcome(subject.url, expected))
        out.writelines(f"  {name}: {status_text(sink)}\n" for name, sink in sinks.items())
        if namespace.serving or not subject.application.image.has_runtime:
            return 0
    return verify(subject, options, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
