from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from infra.environments import ENVIRONMENTS
from operations.synthesis import synthesize


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of an environment's assembly, synthesized once."""

    @cache
    def folder(environment: str) -> Path:
        path = tmp_path_factory.mktemp(f"cost-{environment}")
        synthesize(path, ENVIRONMENTS[environment])
        return path

    return folder
