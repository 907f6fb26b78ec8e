"""Serve the readings to the page."""

from __future__ import annotations

import time

from flask import Blueprint, Response, jsonify, request

from local.console.sinks.history import SECONDS
from local.console.sinks.sampler import Sampler


def blueprint(sampler: Sampler) -> Blueprint:
    """Return the routes below /api/sinks."""
    api = Blueprint("sinks", __name__)

    @api.before_app_request
    def start() -> None:
        # Not before a page is open: what `make up` starts shall have no visitor that nobody sent.
        if request.path.startswith("/api/"):
            sampler.start()

    @api.get("")
    def sinks() -> Response:
        """Return the readings after the time `after`, the last detail of each worker, and the targets."""
        sampler.watch()
        readings, workers = sampler.history.since(request.args.get("after", 0.0, float))
        return jsonify(
            now=time.time(),
            window=SECONDS,
            interval=sampler.interval,
            leaves_traces=sampler.leaves_traces,
            targets=sampler.targets.addresses,
            problem=sampler.targets.problem,
            workers=workers,
            readings=readings,
        )

    return api
