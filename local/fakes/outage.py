"""Make a fake refuse keys or fail, by `POST /settings`, for tests.

The body is a JSON object; what it leaves out is as it was at the start:

- `accepted_keys`: the keys that may send telemetry, `accepted_read_keys`: those that may read; `null` accepts any.
- `mode`: `ok`; `hang` (no response until the mode changes, for `HANG_SECONDS` at most), `unavailable` (503) or `reject`
  (400, as for telemetry that is malformed), for the product's own routes. What inspects the fake still responds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Condition
from typing import Any, Final

from flask import Flask, Response, jsonify, request

HANG_SECONDS: Final = 120.0
_MODES: Final = ("ok", "hang", "unavailable", "reject")
_KEY_SETTINGS: Final = ("accepted_keys", "accepted_read_keys")


class RefusedError(Exception):
    """The product's error response: its `status` and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Outage:
    """What a test has set."""

    mode: str = "ok"
    accepted: dict[str, frozenset[str] | None] = field(default_factory=dict)
    _changed: Condition = field(default_factory=Condition)

    def install(self, app: Flask) -> None:
        """Add the route to a fake."""

        @app.post("/settings")
        def change_settings() -> tuple[Response, int]:
            settings: Any = request.get_json(force=True, silent=True)
            if problem := self.problem(settings):
                return jsonify(error=problem), 422
            self.change(settings)
            return jsonify(settings), 200

    @staticmethod
    def problem(settings: Any) -> str | None:  # noqa: ANN401 - any JSON
        """Return what is wrong with the body of a request, None if nothing is."""
        if not isinstance(settings, dict) or settings.keys() - {"mode", *_KEY_SETTINGS}:
            return f"the settings are an object of mode, {' and '.join(_KEY_SETTINGS)}"
        if settings.get("mode", "ok") not in _MODES:
            return f"mode is one of {', '.join(_MODES)}"
        keys = [settings.get(each) for each in _KEY_SETTINGS]
        return None if all(each is None or isinstance(each, list) for each in keys) else "keys are a list, or null"

    def change(self, settings: dict[str, Any]) -> None:
        """Replace the settings, and end what hangs."""
        with self._changed:
            self.mode = settings.get("mode", "ok")
            keys = {name: settings.get(name) for name in _KEY_SETTINGS}
            self.accepted = {name: None if each is None else frozenset(map(str, each)) for name, each in keys.items()}
            self._changed.notify_all()

    def check(self, key: str | None, *, reads: bool = False) -> None:
        """Return where the product would accept the request. Raises `RefusedError`: 401, 400 or 503."""
        with self._changed:
            if self.mode == "hang":
                self._changed.wait_for(lambda: self.mode != "hang", HANG_SECONDS)
            mode = self.mode
        if mode in {"hang", "unavailable"}:
            raise RefusedError(503, "service unavailable")
        accepted = self.accepted.get("accepted_read_keys" if reads else "accepted_keys")
        if not key or (accepted is not None and key not in accepted):
            raise RefusedError(401, "unknown key")
        if mode == "reject":
            raise RefusedError(400, "rejected")
