"""Keep the public keys of the load balancer, and fetch unknown ones without holding up requests.

A key is fetched on a thread of its own, where a name that does not resolve hangs nobody. The request that needs it
waits for `WAIT_SECONDS` at most, because the first user of a worker would be anonymous otherwise. While the endpoint
does not respond, no further request waits: an outage costs each thread one wait.

Random key ids cause five fetches in a burst and then one in 10 s in the whole worker, two at a time. An id that the
endpoint does not know is remembered, so that it is not asked for again at once, and takes no key's place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPException
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, NamedTuple

from flask_onetrace.authentication.errors import KeyUnavailableError
from flask_onetrace.telemetry.export.fork import on_fork
from flask_onetrace.telemetry.export.token_bucket import TokenBucket
from flask_onetrace.telemetry.safe_logging import safe_logger

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

logger = safe_logger(__name__)

WAIT_SECONDS: Final = 1.0
MAX_KEYS: Final = 16
"""A region's load balancers sign with a few keys; the oldest is dropped for one more."""
REFRESH_SECONDS: Final = 6 * 3600.0
"""Age from which on a key is fetched again, in the background, so that one that AWS has withdrawn is dropped."""
EXPIRY_SECONDS: Final = 24 * 3600.0
"""Age from which on a key is not used, as the endpoint has not confirmed it for as long."""
ABSENT_SECONDS: Final = 30.0
RETRY_SECONDS: Final = 5.0
"""Before the next fetch of an id that the endpoint does not have, and of one whose fetch failed."""
MAX_UNAVAILABLE: Final = 64
_MAX_FETCHES: Final = 2
_FETCHES_PER_SECOND: Final = 0.1
_BURST: Final = 5.0

Fetch = Callable[[str], "EllipticCurvePublicKey | None"]


class _Entry(NamedTuple):
    key: EllipticCurvePublicKey
    fetched: float


class PublicKeys:
    """The public keys by their ids. `fetch` returns one, None where there is none, or raises."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, _Entry] = {}
        self._unavailable: dict[str, float] = {}
        """When an id may be fetched again, in the order in which fetches ended."""
        self._bucket = TokenBucket(_BURST, clock())
        self._endpoint_responds = True
        self._reset()
        on_fork(self._reset)

    def _reset(self) -> None:
        self._lock = Lock()
        self._fetches: dict[str, Event] = {}

    def key(self, key_id: str, *, may_fetch: bool) -> EllipticCurvePublicKey:
        """Return a key, which is fetched if it is unknown and may be.

        Raises `KeyUnavailableError`, after `WAIT_SECONDS` at most.
        """
        entry = self._keys.get(key_id)
        now = self._clock()
        # Without the lock: mostly it is there.
        if entry is not None and now - entry.fetched < REFRESH_SECONDS:
            return entry.key
        fetched = self._start_fetch(key_id, now) if may_fetch else None
        if entry is None or now - entry.fetched >= EXPIRY_SECONDS:
            entry = self._wait(key_id, fetched) if fetched is not None and self._endpoint_responds else None
        if entry is None:
            raise KeyUnavailableError("key", "the load balancer's public key is not available")
        return entry.key

    def _wait(self, key_id: str, fetched: Event) -> _Entry | None:
        if not fetched.wait(WAIT_SECONDS):
            self._endpoint_responds = False  # until a fetch ends
            return None
        entry = self._keys.get(key_id)
        return entry if entry is not None and self._clock() - entry.fetched < EXPIRY_SECONDS else None

    def _start_fetch(self, key_id: str, now: float) -> Event | None:
        """Return what is set at the end of the fetch that runs, or is started; None where none may be started."""
        with self._lock:
            fetched = self._fetches.get(key_id)
            if fetched is not None:
                return fetched
            self._bucket.refill(now, _FETCHES_PER_SECOND, _BURST)
            if (
                now < self._unavailable.get(key_id, now)
                or len(self._fetches) >= _MAX_FETCHES
                or self._bucket.tokens < 1
            ):
                return None
            self._bucket.tokens -= 1
            fetched = self._fetches[key_id] = Event()
        try:
            Thread(target=self._run, args=(key_id, fetched), name="alb-public-key", daemon=True).start()
        except RuntimeError:  # the system has no thread left
            self._end(key_id, fetched, None, RETRY_SECONDS)
        return fetched

    def _run(self, key_id: str, fetched: Event) -> None:
        key, pause = None, RETRY_SECONDS
        try:
            key = self._fetch(key_id)
        except (OSError, HTTPException, ValueError) as error:
            self._endpoint_responds = False
            logger.warning(
                "the load balancer's public key %s could not be fetched, so its users are anonymous: %s: %s; check that"
                " the tasks reach the endpoint over port 443, or set ALB_PUBLIC_KEYS_URL",
                *(key_id, type(error).__name__, error),
            )
        except Exception:
            self._endpoint_responds = False
            logger.exception("the load balancer's public key %s could not be read, so its users are anonymous", key_id)
        else:
            self._endpoint_responds = True
            pause = ABSENT_SECONDS
            if key is not None:
                logger.info("fetched the load balancer's public key %s", key_id)
            else:
                self._keys.pop(key_id, None)  # AWS has withdrawn it
        self._end(key_id, fetched, key, pause)

    def _end(self, key_id: str, fetched: Event, key: EllipticCurvePublicKey | None, pause: float) -> None:
        with self._lock:
            now = self._clock()
            self._unavailable.pop(key_id, None)
            if key is not None:
                self._keys.pop(key_id, None)
                self._keys[key_id] = _Entry(key, now)
                if len(self._keys) > MAX_KEYS:
                    del self._keys[next(iter(self._keys))]
            else:
                self._unavailable[key_id] = now + pause
                if len(self._unavailable) > MAX_UNAVAILABLE:
                    del self._unavailable[next(iter(self._unavailable))]
            self._fetches.pop(key_id, None)
        fetched.set()
