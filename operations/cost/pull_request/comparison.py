"""Compare what an environment costs at a commit with what it costs now, for the comment on a pull request."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from infra.cost_limit import CostLimit
from infra.environments import ENVIRONMENTS
from operations.cost import templates
from operations.cost.arguments import REQUESTS, region_of
from operations.cost.prices import prices
from operations.cost.pricing import Pricing
from operations.cost.pull_request.assemblies import commit_checkout, context_of, synthesize
from operations.cost.pull_request.change import Change
from operations.cost.pull_request.comment import not_estimated, section
from operations.cost.templates import Templates
from operations.cost.traffic import Traffic, measured
from operations.errors import OperatorError, without_credentials
from operations.output import escape_unencodable
from operations.pull_request_comment import FOLDER

ROOT: Final = Path(__file__).parents[3]
STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
"""The file to which a step of GitHub Actions adds its summary ("Workflow commands", GitHub Docs)."""
BAD_VALUE: Final = 2
DEFAULT_REQUESTS: Final = 1.0
"""A second, of an environment without a cost limit."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the section and print it; return 2 for a bad value. That a cost is unknown is a section too."""
    escape_unencodable()
    options = _parser().parse_args(arguments)
    try:
        context = context_of(options.context) | {"environment": options.environment}
        requests = REQUESTS.read_optional(options.requests)
    except OperatorError as error:
        sys.stderr.write(f"error: {without_credentials(error)}\n")
        return BAD_VALUE
    with tempfile.TemporaryDirectory(prefix="cost-") as folder:
        text = _section(options, context, requests, Path(folder))
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / f"cost-{options.environment}.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    if summary := os.environ.get(STEP_SUMMARY):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations.cost.pull_request.comparison", description=__doc__)
    parser.add_argument("--environment", required=True, help="an environment of infra/environments.py")
    parser.add_argument("--base", default="HEAD^1", help="the commit to compare with (default: %(default)s)")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="its cloud assembly, where it is synthesized")
    parser.add_argument("--after", type=Path, metavar="FOLDER", help="that of this checkout, where it is synthesized")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: this one)")
    parser.add_argument("--requests", metavar="N", help="a second (default: those of the environment's cost limit)")
    parser.add_argument("--region", help="the region whose prices apply")
    parser.add_argument("--prices", type=Path, help="a price file of your own, laid over that of the region")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write (default: %(default)s)")
    parser.add_argument("context", nargs="*", help="of both syntheses, after --: -c key=value")
    return parser


def _section(options: argparse.Namespace, context: dict[str, str], requests: float | None, folder: Path) -> str:
    """Return the Markdown. Assemblies are synthesized into `folder`."""
    limit = _cost_limit(options.environment)
    default = limit.requests if limit else DEFAULT_REQUESTS
    traffic = Traffic(requests=default if requests is None else requests)
    try:
        head = _head(options, context, folder / "after")
        region = region_of(options.region, head.region, os.environ)
        known = prices.load(region.name, options.prices)
        after = Pricing(head, known, measured()).summary(traffic)
    except OperatorError as error:
        return not_estimated(options.environment, without_credentials(error))
    before, base_error = None, ""
    try:
        base = _base(options, context, folder / "before")
        before = Pricing(base, known, measured()).summary(traffic)
    except OperatorError as error:  # an environment that is new, for example
        base_error = without_credentials(error)
    monthly = limit.monthly if limit and limit.requests == traffic.requests else None
    return section(Change(before, after), known, limit=monthly, base_error=base_error)


def _cost_limit(environment: str) -> CostLimit | None:
    known = ENVIRONMENTS.get(environment)
    return known.cost_limit if known else None


def _loaded(assembly: Path, environment: str) -> Templates:
    content = templates.load(assembly)
    if content.environment not in (environment, ""):
        raise OperatorError(
            f"{assembly} has the stacks of {content.environment!r}, not those of {environment!r}",
            f"Synthesize these: make synth ENV={environment}",
        )
    return replace(content, environment=environment)


def _head(options: argparse.Namespace, context: dict[str, str], output: Path) -> Templates:
    if options.after is None:
        synthesize(options.root, output, context, root=options.root)
    return _loaded(options.after or output, options.environment)


def _base(options: argparse.Namespace, context: dict[str, str], output: Path) -> Templates:
    if options.before is None:
        with commit_checkout(options.root, options.base) as checkout:
            synthesize(checkout, output, context, root=options.root)
    return _loaded(options.before or output, options.environment)


if __name__ == "__main__":
    sys.exit(main())
