"""Two builds of one commit are the same, as far as the engine's own times allow."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.containers.conftest import COMMIT_TIME, Images
from tests.containers.layers import WHITEOUT, Layer, layers_of

pytestmark = pytest.mark.timeout(900)

TARGETS = {"app", "opt", "opt/onetrace"}
"""COPY gives these folders the time of the build, and a removed file's whiteout has it, too. BuildKit's exporter sets
all of them with `rewrite-timestamp=true`."""


def reproducible(layer: Layer) -> dict[str, object]:
    """Return the entries whose times no build step can set as hashes of nothing but their names."""
    of_engine = {name for name in layer.entries if WHITEOUT in name or name in TARGETS}
    return {name: None if name in of_engine else entry for name, entry in layer.entries.items()}


def test_two_builds_of_one_commit_have_the_same_layers(images: Images, record: Callable[[str, str], None]) -> None:
    first = layers_of(images.sample, base=images.base)
    second = layers_of(images.sample_again, base=images.base)
    differing = [
        name
        for one, other in zip(first, second, strict=True)
        for name in {*one.entries, *other.entries}
        if reproducible(one).get(name) != reproducible(other).get(name)
        or (name in one.entries) != (name in other.entries)
    ]
    assert differing == []
    same = sum(one.archive == other.archive for one, other in zip(first, second, strict=True))
    record("reproducible", f"every file; {same} of {len(first)} layers to the byte")


@pytest.mark.parametrize("name", ["sample", "orders"])
def test_each_file_has_the_commits_time(name: str, images: Images) -> None:
    times = {
        entry.time
        for layer in layers_of(getattr(images, name), base=images.base)
        for path, entry in layer.entries.items()
        if path.startswith(("app/", "opt/onetrace/"))
    }
    assert times == {COMMIT_TIME}
