"""Errors of this package.

RefusedClaimsError      the claims prove no user
KeyUnavailableError     the public key that would verify them is not there
"""

from __future__ import annotations


class RefusedClaimsError(Exception):
    """Claims prove no user. `reason` is one of a few words, and the message never has the claims' content."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class KeyUnavailableError(RefusedClaimsError):
    """A public key is unknown to the endpoint, or could not be fetched yet."""
