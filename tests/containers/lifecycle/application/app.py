"""An application whose versions differ, and fail, as their environment says."""

from __future__ import annotations

import os
import sys
import time

from flask import Flask

EDITION = "first"
"""Changed by the test that edits the code."""
FAULT = os.environ.get("FAULT", "")

if FAULT == "exit":
    sys.exit("this version ends at its start")

app = Flask(__name__)


@app.get("/")
def index() -> str:
    """Return which version answers."""
    if FAULT == "error":
        raise RuntimeError("this version fails its requests")
    return os.environ.get("RELEASE", EDITION)


@app.get("/wait/<float:seconds>")
def wait(seconds: float) -> str:
    """Take some time."""
    time.sleep(seconds)
    return "waited"
