"""The options of the commands that print traces."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any, Final

FORMATS: Final = ("otlp", "xray")
"""That a trace is exported in."""
DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Show:
    """What `make trace` prints: the trace of an id, or those of a file; as a tree, as JSON or in an export format."""

    trace_id: str = ""
    file: str = ""
    json: bool = False
    export: str = ""


@dataclass(frozen=True, slots=True)
class List:
    """What `make traces` prints: requests that match a filter, after the one with the id `before`."""

    filter: str = ""
    limit: int = DEFAULT_LIMIT
    before: str = ""
    json: bool = False


def add_show_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `Show`."""
    parser.add_argument("trace_id", nargs="?", default="", metavar="ID", help="32 hex digits, 1-…-… or a traceparent")
    parser.add_argument("--file", default="", help="show the traces of OTLP JSON or X-Ray JSON instead")
    parser.add_argument("--json", action="store_true", help="print the document of docs/traces.md")
    parser.add_argument("--export", default="", metavar="FORMAT", help=f"print it as {' or '.join(FORMATS)}")


def add_list_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `List`."""
    parser.add_argument("--filter", default="", help='terms of docs/traces.md: "status:5xx route:/api/*"')
    parser.add_argument("--limit", type=int, default=DEFAULT_LIMIT, help="requests (default: %(default)s)")
    parser.add_argument("--before", default="", metavar="ID", help="continue after this trace")
    parser.add_argument("--json", action="store_true", help="print a JSON array")


def options_of(kind: type[Any], options: argparse.Namespace) -> Any:  # noqa: ANN401 - a Show or a List
    """Return the parsed options as a `Show` or a `List`."""
    return kind(**{name: getattr(options, name) for name in kind.__dataclass_fields__})
