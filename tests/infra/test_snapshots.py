"""The whole of production's templates, line by line.

Refresh after an intended change, and read the difference: `UPDATE_SNAPSHOTS=1 pytest tests/infra/test_snapshots.py`.
Nothing but an asset's hash is masked: it changes with each line of the service.
"""

import json
import os
import re
from pathlib import Path

import pytest

from tests.infra.assembly import Assembly, Rendered

FOLDER = Path(__file__).parent / "snapshots"
ASSET_HASH = re.compile(r"\b[0-9a-f]{64}\b")


def masked(stack: Rendered) -> str:
    return ASSET_HASH.sub("<asset hash>", json.dumps(stack.content, indent=2) + "\n")


@pytest.mark.parametrize("stack", ["observability", "service"])
def test_the_template_is_the_one_that_was_reviewed(stack: str, built: Assembly) -> None:
    snapshot = FOLDER / f"{stack}.json"
    current = masked(getattr(built, stack))
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        snapshot.write_text(current, encoding="utf-8")
    assert current.splitlines() == snapshot.read_text(encoding="utf-8").splitlines()


def test_the_mask_hides_hashes_and_nothing_else() -> None:
    assert (
        ASSET_HASH.sub("<asset hash>", f"repo:{'0a' * 32} {'0a' * 31} 1.0.0") == f"repo:<asset hash> {'0a' * 31} 1.0.0"
    )
