"""Change the responses of AWS to every client of this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

Response = dict[str, Any]
Change = Callable[[str, Response], Response]


def patch_responses(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """Pass each response of the emulator through `change`, with its operation's name; it may raise instead."""
    original = BaseClient._make_api_call  # type: ignore[attr-defined] # botocore's one door to every operation

    def call(client: BaseClient, operation: str, parameters: Response) -> Response:
        return change(operation, original(client, operation, parameters))

    monkeypatch.setattr(BaseClient, "_make_api_call", call)


def error(code: str, operation: str) -> ClientError:
    """Return an error as botocore raises it."""
    return ClientError({"Error": {"Code": code, "Message": f"the message of {code}"}}, operation)
