"""Install telemetry in every Flask app that a test creates: a pytest plugin, for a suite that knows nothing of it.

The settings are those of the service, from the environment.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

from flask import Flask

_CHECKOUT = str(Path(__file__).resolve().parents[3])

# For this import alone: the suites have modules of their own named like those of this checkout, `tests` for one.
sys.path.append(_CHECKOUT)
import flask_onetrace  # noqa: E402, F401

sys.path.remove(_CHECKOUT)
from flask_onetrace.settings import Settings  # noqa: E402
from flask_onetrace.telemetry import Telemetry  # noqa: E402
from flask_onetrace.telemetry_config import telemetry_config  # noqa: E402

_config = telemetry_config(Settings.from_env())
_telemetries: list[Telemetry] = []
_bare_init = Flask.__init__


@functools.wraps(_bare_init)
def _init(app: Flask, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Flask's arguments
    _bare_init(app, *args, **kwargs)
    telemetry = Telemetry(_config)
    telemetry.install(app)
    _telemetries.append(telemetry)


def pytest_configure() -> None:
    Flask.__init__ = _init  # type: ignore[assignment, method-assign]  # the same signature


def pytest_unconfigure() -> None:
    """Send what the sinks are owed."""
    for telemetry in _telemetries:
        telemetry.shutdown()
