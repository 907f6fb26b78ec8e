"""Say what the emulated JSON services share, apart from ministack."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""A JSON object, or a resource's properties."""


class ServiceError(ValueError):
    """What an AWS service refuses, by its error code. In a stack it is the reason why the resource failed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
