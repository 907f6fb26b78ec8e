"""Change the inline policies of deployed roles for a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without(action: str, role: str, iam: Any) -> Iterator[None]:  # noqa: ANN401 - a client of boto3
    """Take an action out of the policies of a role for the time of the block."""
    documents = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    changed = {
        name: {**each, "Statement": list(reduced(each["Statement"], action))} for name, each in documents.items()
    }
    assert changed != documents
    try:
        for name, document in changed.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
        yield
    finally:
        for name, document in documents.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def reduced(statements: Iterable[dict[str, object]], action: str) -> Iterator[dict[str, object]]:
    for statement in statements:
        actions = statement["Action"]
        left = [each for each in (actions if isinstance(actions, list) else [actions]) if each != action]
        if left:
            yield {**statement, "Action": left}
