"""Find the user whom the load balancer has authenticated, and count the claims that are refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from threading import Lock
from typing import Any, Final

from flask_onetrace.authentication.alb_claims import ClaimsVerifier, ExpectedSigner
from flask_onetrace.authentication.errors import RefusedClaimsError
from flask_onetrace.authentication.key_endpoint import fetch_key, public_keys_url
from flask_onetrace.authentication.public_keys import PublicKeys
from flask_onetrace.contract import OIDC_DATA_HEADER, RELAY_PATH, RUNTIME_HEALTH_CHECK_PATH
from flask_onetrace.telemetry.export.fork import on_fork
from flask_onetrace.telemetry.safe_logging import safe_logger

logger = safe_logger(__name__)

_DATA: Final = f"HTTP_{OIDC_DATA_HEADER.upper().replace('-', '_')}"
_REPORT_INTERVAL: Final = 60.0


class AlbUser:
    """The users of one load balancer; whoever it has not authenticated is anonymous.

    The claims are believed by their signature, on every path: which of them need a session is the application's choice.
    On paths that need none the load balancer passes on whatever a client sends, so on those that are known to need
    none, the health checks and the relay, no unknown key is fetched for it.
    """

    def __init__(
        self, verifier: ClaimsVerifier, health_check_path: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._verifier = verifier
        self._paths_without_fetch = frozenset({health_check_path, RUNTIME_HEALTH_CHECK_PATH, RELAY_PATH})
        self._clock = clock
        self._verified = 0
        self._refused: Counter[str] = Counter()
        self._reported: dict[str, float] = {}
        self._reset()
        on_fork(self._reset)

    def _reset(self) -> None:
        self._lock = Lock()

    def __call__(self, environ: Mapping[str, Any]) -> str | None:
        """Return the `sub` of verified claims, else None. Never raises, and takes a second at most."""
        token = environ.get(_DATA)
        if not token:
            return None
        may_fetch = environ.get("PATH_INFO", "") not in self._paths_without_fetch
        try:
            subject = self._verifier.subject(token, may_fetch=may_fetch)
        except RefusedClaimsError as error:
            self._refuse(error.reason, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a client sends, its request is served
            self._refuse("unexpected", f"{type(error).__name__} while verifying it")
        else:
            self._verified += 1  # not exact where threads race, as a lock would be
            return subject
        return None

    def _refuse(self, reason: str, message: str) -> None:
        """Count refused claims, and log each reason at most once a minute."""
        with self._lock:
            self._refused[reason] += 1
            count, now = self._refused[reason], self._clock()
            if now - self._reported.get(reason, float("-inf")) < _REPORT_INTERVAL:
                return
            self._reported[reason] = now
        logger.warning(
            "the claims in %s were refused, so the request is anonymous: %s (%s: %d since start)",
            *(OIDC_DATA_HEADER, message, reason, count),
        )

    def detail(self) -> dict[str, Any]:
        """Return the counts of this worker, for the health check."""
        with self._lock:
            return {"verified": self._verified, "refused": dict(self._refused)}


def alb_user(signer: ExpectedSigner, keys_url: str | None, health_check_path: str) -> AlbUser:
    """Return the users of a load balancer, whose public keys are at `keys_url`, by default AWS's own."""
    url = keys_url or public_keys_url(signer.load_balancer_arn)
    return AlbUser(ClaimsVerifier(signer, PublicKeys(partial(fetch_key, url))), health_check_path)
