from __future__ import annotations

from infra.environments import ENVIRONMENTS
from local.application.environments import environment_names


def test_the_names_are_those_of_the_declared_environments() -> None:
    assert environment_names() == sorted(ENVIRONMENTS)
