"""Let Rollbar's SDK build items, and take each from it before it would send it."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import rollbar
from rollbar.lib import events

from service.telemetry.sinks.rollbar import local_variables

_ROOT = str(Path(__file__).resolve().parents[3])
_HEADERS = (
    "authorization",
    "proxy_authorization",
    "cookie",
    "set_cookie",
    "x_amzn_oidc_data",
    "x_amzn_oidc_accesstoken",
    "x_honeycomb_team",
)
_NAMES = (
    "token",
    "id_token",
    "refresh_token",
    "jwt",
    "api_key",
    "apikey",
    "client_secret",
    "private_key",
    "credentials",
    "cookies",
    "session",
    "query_string",
    "raw_uri",
    "request_uri",
)
"""Fields, parameters and local variables that hold secrets by custom, beyond those that the SDK knows.

The last three are WSGI's: the item has the URL as well, with its query's secrets taken out.
"""
_LAST = 1_000_000
"""A place behind all handlers."""
_lock = threading.Lock()
_ready = threading.Event()


class Collector:
    """What came of one call of the SDK: the item, or that a filter of the application's took it."""

    def __init__(self) -> None:
        self.passed = False
        self.item: dict[str, Any] | None = None


_collector: ContextVar[Collector | None] = ContextVar("rollbar-collector", default=None)


def prepare() -> None:
    """Initialise Rollbar's SDK once in the process; its items are handed to the app that they belong to.

    The SDK keeps one global token. Two apps in a process would share it, so none is given to it: each
    item is taken by `_hand_over` before the SDK would send it.
    """
    with _lock:
        if _ready.is_set():
            return
        # A header's name as HTTP, as Python and as WSGI have it.
        headers = [each for name in _HEADERS for each in (name.replace("_", "-"), name, f"http_{name}")]
        scrubbed = [*rollbar.SETTINGS["scrub_fields"], *headers, *_NAMES]
        rollbar.init(
            "given-per-app",
            root=_ROOT,
            scrub_fields=scrubbed,
            allow_logging_basic_config=False,
            suppress_reinit_warning=True,
        )
        # Private: the SDK walks through all of a collection, and shows ten of its values.
        rollbar._serialize_frame_data = local_variables.sparing(rollbar._serialize_frame_data)
        events.add_exception_info_handler(_let_pass, _LAST)
        events.add_payload_handler(_hand_over)
        _ready.set()


def build(exc_info: tuple[Any, Any, Any], **told: Any) -> Collector:  # noqa: ANN401 - `report_exc_info`'s own arguments
    """Build one item as `rollbar.report_exc_info` would send it. Runs the application's filters; never raises."""
    collector = Collector()
    token = _collector.set(collector)
    try:
        rollbar.report_exc_info(exc_info, **told)
    finally:
        _collector.reset(token)
    return collector


def _let_pass(exc_info: object, **_: object) -> object:
    """Note that every filter before this one has let the exception pass."""
    collector = _collector.get()
    if collector is not None:
        collector.passed = True
    return exc_info


def _hand_over(payload: dict[str, Any], **_: object) -> bool:
    """Give the item to whoever asked for it, else to the current app's sink. False keeps the SDK from sending it."""
    from service.telemetry.telemetry import current_telemetry  # noqa: PLC0415 - core imports the sinks

    collector = _collector.get()
    if collector is not None:
        collector.item = payload["data"]
        return False
    telemetry = current_telemetry()
    if telemetry is not None:
        telemetry.route_error_item(payload)
    return False
