"""Why a task does not start or ends, in the words of Amazon ECS ("Amazon ECS stopped tasks error messages")."""

from __future__ import annotations

from typing import Final

RETRIEVAL_FAILED: Final = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed"
)
"""How the reason begins where the execution role cannot read a secret or log in to the registry."""


class TaskStartError(Exception):
    """The task fails to start; the message is its `stoppedReason`."""


class TaskStoppedError(Exception):
    """The caller has asked to stop the task while it was starting."""
