"""Make read-only calls of AWS that never raise: what may not be read hides no cause that something else shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from botocore.exceptions import ClientError

from operations.errors import without_credentials

Value = TypeVar("Value")

DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AccessDeniedFault", "AuthorizationError", "UnauthorizedOperation"}
)
"""Error codes of an action that the credentials do not allow ("Common errors" of each AWS API reference)."""
_LONGEST: Final = 200


class Calls:
    """Calls of AWS. `unchecked` has a line about each that failed: what could not be checked, and why."""

    def __init__(self) -> None:
        self._failures: dict[str, str] = {}

    @property
    def unchecked(self) -> list[str]:
        """Return the lines, in the order of the first failures."""
        return [f"{what}: {why}" for what, why in self._failures.items()]

    def read(self, what: str, action: str, call: Callable[[], Value], default: Value) -> Value:
        """Return the result of `call`, which needs the IAM `action`, or `default` where it fails."""
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, the other facts are still read
            self._failures.setdefault(what, _reason(error, action))
            return default


def _reason(error: Exception, action: str) -> str:
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    if code in DENIED:
        return f"needs the action {action}"
    text = " ".join(without_credentials(error).split())
    return f"{action} failed: {text if len(text) <= _LONGEST else f'{text[:_LONGEST]}…'}"
