"""Write docs/deploy.svg: `python -m operations.picture`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from operations.picture.graph import graph_of
from operations.picture.layout import layout_of
from operations.picture.svg import svg_of
from operations.synthesis import CHECKOUT

PICTURE: Final = CHECKOUT / "docs" / "deploy.svg"
ENVIRONMENT: Final = "prod"


def picture() -> str:
    """Return the picture of production, which has all kinds of resources."""
    with tempfile.TemporaryDirectory() as folder:
        graph = graph_of(ENVIRONMENT, Path(folder))
    return svg_of(graph, layout_of(graph), f"What a deploy of {ENVIRONMENT} creates")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture, and return the exit status."""
    argparse.ArgumentParser(prog="python -m operations.picture", description=__doc__).parse_args(arguments)
    PICTURE.write_text(picture(), encoding="utf-8")
    sys.stdout.write(f"docs/{PICTURE.name} is drawn from the stacks of {ENVIRONMENT}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
