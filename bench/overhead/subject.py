"""An app to measure, with its telemetry."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask


@dataclass(frozen=True)
class Subject:
    """An app to measure, and the functions that flush and inspect its telemetry."""

    app: Flask
    flush: Callable[[], Any]
    dropped: Callable[[], float] = lambda: math.nan
    """Return the number of dropped items; NaN where they are not counted."""
    queued: Callable[[], int] = lambda: 0
