"""Types shared by the emulated JSON services; independent of ministack."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""A JSON object, or the properties of a CloudFormation resource."""


class ServiceError(ValueError):
    """An error response of an AWS service, by its error code. In a stack it is the reason why the resource failed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
