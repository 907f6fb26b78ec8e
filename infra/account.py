"""Keep the rules that an organization sets for its accounts: boundary, bootstrap qualifier, tags, protection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import aws_cdk as cdk

from infra.names import Names

_POLICY: Final = re.compile(r"[A-Za-z0-9+=,.@_-][A-Za-z0-9+=,.@_/-]{0,127}")
"""The characters of a policy's name, and of its path ("CreatePolicy", IAM API Reference)."""
_QUALIFIER: Final = re.compile(r"[a-z0-9]{1,10}")
"""The shape of `cdk bootstrap --qualifier` ("Customize AWS CDK bootstrapping", AWS CDK Developer Guide)."""
_TAG: Final = re.compile(r"[\w .:/=+@-]{1,256}")
""""Tag naming limits and requirements", Tagging AWS Resources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the account asks of each of its stacks. Raises `ValueError` for a malformed value."""

    owner: str | None = None
    """The tag `owner`: a team that answers for the resources and their cost; None is the application's name."""
    permissions_boundary: str | None = None
    """The name of the managed policy that limits every role."""
    bootstrap_qualifier: str | None = None
    """The qualifier of the CDK's bootstrap stack, if not the default one; `make bootstrap QUALIFIER=` makes it."""

    def __post_init__(self) -> None:
        if self.owner is not None and not _TAG.fullmatch(self.owner):
            raise ValueError(f"owner {self.owner!r} is malformed: use up to 256 letters, digits and any of ' .:/=+@-_'")
        if self.permissions_boundary is not None and not _POLICY.fullmatch(self.permissions_boundary):
            raise ValueError(f"permissions_boundary {self.permissions_boundary!r} is malformed: write a policy's name")
        if self.bootstrap_qualifier is not None and not _QUALIFIER.fullmatch(self.bootstrap_qualifier):
            raise ValueError(
                f"bootstrap_qualifier {self.bootstrap_qualifier!r} is malformed: "
                "use up to ten lower-case letters and digits"
            )


def stack_options(account: Account, *, names: Names, protected: bool) -> dict[str, Any]:
    """Return the properties that both stacks share, as keyword arguments of `Stack`.

    CloudFormation copies a stack's tags to every resource that can have tags, and ECS those of a task definition to its
    tasks.
    """
    return {
        "tags": {
            "environment": names.environment,
            "service": names.application.service_name,
            "owner": account.owner or names.application.slug,
        },
        "termination_protection": protected,
        "permissions_boundary": (
            cdk.PermissionsBoundary.from_name(account.permissions_boundary) if account.permissions_boundary else None
        ),
        "synthesizer": cdk.DefaultStackSynthesizer(qualifier=account.bootstrap_qualifier),
    }
