"""Report an exception of a request to Rollbar, and take the CPU time of the request's own thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flask import Flask

from bench import shop
from bench.parts.clock import Ports, Run
from bench.paths import FAULT

_FLUSH_SECONDS = 10.0


@dataclass(frozen=True)
class Reporter:
    """Reports an exception within its request, and waits until its item is sent."""

    app: Flask
    report: Callable[[BaseException], object]
    flush: Callable[[], object]

    def seconds(self, count: int, clock: Callable[[], float], *, with_flush: bool) -> float:
        """Return the seconds of `count` reports, one after the other; with or without those of sending."""
        with self.app.test_request_context(FAULT, json={"message": "hello"}):
            error = _raised(self.app)
            total = 0.0
            for _ in range(count):
                start = clock()
                self.report(error)
                reported = clock()
                self.flush()
                total += (clock() if with_flush else reported) - start
        return total


def ours(ports: Ports) -> Run:
    """Use the sink's queue."""
    return milliseconds(our_reporter(ports))


def stock(ports: Ports) -> Run:
    """Use the SDK's own Flask integration."""
    return milliseconds(stock_reporter(ports))


def milliseconds(reporter: Reporter, clock: Callable[[], float] = time.thread_time, *, with_flush: bool = False) -> Run:
    """Return the run of `reporter`."""
    return lambda count: reporter.seconds(count, clock, with_flush=with_flush) / count * 1000


def our_reporter(ports: Ports) -> Reporter:
    """Return the reporter of the telemetry's sink."""
    from bench.parts.service import SERVICE  # noqa: PLC0415 - each side imports its own
    from service.telemetry.config import Secret  # noqa: PLC0415 - the same
    from service.telemetry.sinks import rollbar  # noqa: PLC0415 - the same

    config = rollbar.Config(rollbar_access_token=Secret("fake-rollbar-token"), rollbar_endpoint=ports.url)
    sink = rollbar.connect(config, SERVICE)
    report, queue = sink.report_exception, sink.queue
    if report is None or queue is None:
        raise SystemExit(f"the Rollbar sink is off: {sink.off_because}")
    return Reporter(_app(), report, lambda: queue.flush(_FLUSH_SECONDS))


def stock_reporter(ports: Ports) -> Reporter:
    """Return the reporter of the SDK, wired as the tutorial does."""
    import rollbar  # noqa: PLC0415 - as above
    import rollbar.contrib.flask  # noqa: PLC0415 - as above

    rollbar.init("fake-rollbar-token", "bench", endpoint=f"{ports.url}/api/1/", allow_logging_basic_config=False)
    app = _app()
    report = partial(rollbar.contrib.flask.report_exception, app)
    return Reporter(app, report, rollbar.wait)


def _app() -> Flask:
    return shop.create_app(list, list)


def _raised(app: Flask) -> BaseException:
    try:
        app.dispatch_request()
    except RuntimeError as error:
        return error
    raise AssertionError(f"{FAULT} did not raise")
