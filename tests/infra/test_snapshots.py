"""Production's templates equal their snapshots.

Update them after an intended change, and review the diff: `UPDATE_SNAPSHOTS=1 pytest tests/infra/test_snapshots.py`.
Only the assets' hashes are masked, which change with each line of the service.
"""

import json
import os
import re
from pathlib import Path

import pytest

from tests.infra.assembly import Assembly, StackTemplate

FOLDER = Path(__file__).parent / "snapshots"
ASSET_HASH = re.compile(r"\b[0-9a-f]{64}\b")


def masked(stack: StackTemplate) -> str:
    return ASSET_HASH.sub("<asset hash>", json.dumps(stack.content, indent=2) + "\n")


@pytest.mark.parametrize("stack", ["observability", "service"])
def test_the_template_equals_its_snapshot(stack: str, with_asset: Assembly) -> None:
    snapshot = FOLDER / f"{stack}.json"
    current = masked(getattr(with_asset, stack))
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        snapshot.write_text(current, encoding="utf-8")
    assert current.splitlines() == snapshot.read_text(encoding="utf-8").splitlines()


def test_only_hashes_are_masked() -> None:
    assert (
        ASSET_HASH.sub("<asset hash>", f"repo:{'0a' * 32} {'0a' * 31} 1.0.0") == f"repo:<asset hash> {'0a' * 31} 1.0.0"
    )
