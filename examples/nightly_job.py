"""A script that cron or an EventBridge schedule runs: `python -m examples.nightly_job`.

Its trace has the name that sampling rules see as the URL path of a request with the method JOB.
"""

from __future__ import annotations

import logging

from flask_onetrace.telemetry import annotate, job, span
from service.factory import create_app

log = logging.getLogger("nightly")


def main() -> None:
    """Count the day's orders."""
    app = create_app()  # it has the sinks, and its settings are the environment's
    with app.app_context(), job("nightly-report"):
        with span("count orders"):
            orders = 3
        annotate(orders=orders)
        log.info("report written", extra={"orders": orders})


if __name__ == "__main__":
    main()
