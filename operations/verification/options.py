"""Read the options of `make verify`, and print the outcome as they say."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from operations.errors import OperatorError, without_credentials
from operations.verification.document import Verification
from operations.verification.markdown import markdown
from operations.verification.report import Report
from operations.verification.run import run
from operations.verification.subject import Subject

STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
"""The file to which a step of GitHub Actions adds its summary ("Workflow commands", GitHub Docs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`wait` is the seconds until a place has a request; `markdown` is a file to write."""

    wait: float
    json: bool = False
    markdown: Path | None = None

    @classmethod
    def of(cls, namespace: argparse.Namespace) -> Options:
        """Return the options that `add_to` has added."""
        return cls(wait=namespace.wait, json=namespace.json, markdown=namespace.markdown)


def add_to(parser: argparse.ArgumentParser, *, wait: float) -> None:
    """Add the options, with the default of `--wait` in seconds."""
    parser.add_argument(
        "--wait", type=float, default=wait, help="seconds until a place has a request (default: %(default)g)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document (docs/verify.md)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the outcome as Markdown")


def verify(subject: Subject, options: Options, stream: TextIO) -> int:
    """Verify, print the outcome and return the exit status. Raises `OperatorError`."""
    report = Report(sys.stderr if options.json else stream)
    report.console.print(f"Verifying {subject.name} at {subject.url}")
    with report.live():
        verification = run(subject, report, wait=options.wait)
    return show(verification, options, stream)


def show_error(error: OperatorError, stream: TextIO) -> None:
    """Print the document of what was not verified at all."""
    document = {"ok": False, "error": {"problem": without_credentials(error.problem), "remedy": error.remedy}}
    stream.write(json.dumps(document, indent=2) + "\n")


def show(verification: Verification, options: Options, stream: TextIO) -> int:
    """Print the outcome of a verification and return the exit status."""
    if options.json:
        stream.write(json.dumps(verification.as_json(), indent=2) + "\n")
    else:
        Report(stream).outcome(verification)
    if options.markdown is not None:
        options.markdown.write_text(markdown(verification), encoding="utf-8")
    if summary := os.environ.get(STEP_SUMMARY):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown(verification))
    return 1 if verification.has_failed else 0
