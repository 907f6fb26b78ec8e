"""Two builds of one commit are the same to the byte.

Whichever builder the engine has: the classic one, or BuildKit without `rewrite-timestamp`. The image's own hash is
another each time, as both write the time of the build into its configuration; BuildKit does not, given the build
argument `SOURCE_DATE_EPOCH`, since its version 0.11.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.containers.conftest import COMMIT_TIME, Images
from tests.containers.layers import differences, digests_of, layers_of

pytestmark = pytest.mark.timeout(900)


def test_two_builds_of_one_commit_have_the_same_layers(
    images: Images, saved: Path, record: Callable[[str, str], None]
) -> None:
    first, second = digests_of(images.sample), digests_of(images.sample_again)
    assert first == second, differences(images.sample, images.sample_again, saved)
    record("reproducible", f"{len(first)} of {len(first)} layers are the same in two builds")


def test_applications_share_the_systems_layer(images: Images) -> None:
    """So a registry and an engine store it once, and only the first deploy pushes it."""
    assert digests_of(images.sample)[0] == digests_of(images.orders)[0]


@pytest.mark.parametrize("name", ["sample", "orders"])
def test_each_file_has_the_commits_time(name: str, images: Images, saved: Path) -> None:
    _, *own = layers_of(getattr(images, name), saved)
    assert {entry.time for layer in own for entry in layer.entries().values()} == {COMMIT_TIME}
