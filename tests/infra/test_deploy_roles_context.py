"""The context of the deploy roles is checked by key, value and remedy."""

from __future__ import annotations

import pytest

from infra.context import ContextError, DeployRolesContext
from infra.environments import DEV, PROD
from tests.infra.test_deploy_roles import CLASSIC, IMMUTABLE, context
from tests.sample import CRUDDUR


def test_the_context_has_defaults_for_all_but_the_repository() -> None:
    assert context(repository=CLASSIC) == DeployRolesContext(
        application=CRUDDUR,
        repository=CLASSIC,
        branch="main",
        environments=(DEV, PROD),
        existing_provider=False,
    )
    assert context(repository=CLASSIC, deploy_environments="prod,prod").environments == (PROD,)
    with pytest.raises(ContextError, match=r"repository is not set: pass -c repository=.*REPOSITORY= to make"):
        context()


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("repository", "octo-repo", f"-c repository={IMMUTABLE}"),
        ("repository", "octo-org/*", f"-c repository={IMMUTABLE}"),
        ("repository", "octo-org/octo-repo:ref", f"-c repository={IMMUTABLE}"),
        ("repository", "octo-org@1/octo-repo", f"-c repository={IMMUTABLE}"),
        ("repository", "https://host.example/octo-org/octo-repo", f"-c repository={IMMUTABLE}"),
        ("branch", "*", "-c branch=main"),
        ("oidc_provider", "yes", "-c oidc_provider=existing"),
        ("deploy_environments", "prod,local", "-c deploy_environments=dev,prod"),
        ("deploy_environments", "prod,", "-c deploy_environments=dev,prod"),
    ],
)
def test_a_malformed_value_is_rejected_with_key_value_and_remedy(key: str, value: str, remedy: str) -> None:
    with pytest.raises(ContextError) as error:
        context(**({"repository": CLASSIC} | {key: value}))
    assert str(error.value).startswith(f"{key} {value!r}")
    assert remedy in str(error.value)
