"""Report an exception of a request to Rollbar, until its item is sent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Flask

from bench import shop
from bench.parts.clock import Ports, Run, Stopwatch
from bench.paths import FAULT

_FLUSH_SECONDS = 10.0


def ours(ports: Ports) -> Run:
    """Use the telemetry's sink."""
    from bench.parts.service import SERVICE  # noqa: PLC0415 - each side imports its own
    from flask_onetrace.telemetry.config import Secret  # noqa: PLC0415 - the same
    from flask_onetrace.telemetry.sinks import rollbar  # noqa: PLC0415 - the same
    from flask_onetrace.telemetry.sinks.rollbar import causes  # noqa: PLC0415 - the same

    causes.BURST = 1_000_000  # they are all of one cause
    config = rollbar.Config(rollbar_access_token=Secret("fake-rollbar-token"), rollbar_endpoint=ports.url)
    sink = rollbar.connect(config, SERVICE)
    report, queue = sink.report_exception, sink.queue
    if report is None or queue is None:
        raise SystemExit(f"the Rollbar sink is off: {sink.off_because}")
    return _run(_app(), report, lambda: queue.flush(_FLUSH_SECONDS))


def stock(ports: Ports) -> Run:
    """Use the SDK's own Flask integration, as the tutorial does."""
    import rollbar  # noqa: PLC0415 - as above
    import rollbar.contrib.flask  # noqa: PLC0415 - as above

    endpoint = f"{ports.url}/api/1/"
    rollbar.init("fake-rollbar-token", "bench", endpoint=endpoint, allow_logging_basic_config=False)
    app = _app()
    return _run(app, partial(rollbar.contrib.flask.report_exception, app), rollbar.wait)


def _run(app: Flask, report: Callable[[BaseException], object], flush: Callable[[], object]) -> Run:
    """Return a run that sends each item before the next exception is reported: a burst would be sent without locals."""

    def run(count: int) -> tuple[float, float]:
        request, total = Stopwatch(), Stopwatch()
        with app.test_request_context(FAULT, json={"message": "hello"}):
            error = _fault_error(app)
            for _ in range(count):
                with total:
                    with request:
                        report(error)
                    flush()
        return request.thread / count * 1e3, total.process / count * 1e3

    return run


def _app() -> Flask:
    return shop.create_app(list, list)


def _fault_error(app: Flask) -> BaseException:
    try:
        app.dispatch_request()
    except RuntimeError as error:
        return error
    raise AssertionError(f"{FAULT} did not raise")
