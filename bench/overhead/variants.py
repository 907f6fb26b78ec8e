"""Name what is compared, and build each variant's app within the process that measures it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask

KEYS = {"HONEYCOMB_API_KEY": "fake-honeycomb-key", "ROLLBAR_ACCESS_TOKEN": "fake-rollbar-token"}
RULE = '{{"RuleName":"bench","FixedRate":{rate},"ReservoirSize":{reservoir}}}'

VARIANTS = {
    "bare": "the app alone",
    "tutorial": "the tutorial as written",
    "tutorial, no console": "the tutorial without its console output",
    "ours, 100 %": "all four sinks, every request sampled",
    "ours, 5 %": "all four sinks, one request in twenty sampled",
    "ours, default rule": "all four sinks, aws/json/xray.json",
    "ours, 0 %": "all four sinks, none sampled",
    "honeycomb": "that sink alone, every request sampled",
    "xray": "that sink alone, every request sampled",
    "cloudwatch": "that sink alone",
    "rollbar": "that sink alone",
}
_RULES = {
    "ours, 5 %": RULE.format(rate=0.05, reservoir=0),
    "ours, default rule": RULE.format(rate=0.1, reservoir=5),
    "ours, 0 %": RULE.format(rate=0, reservoir=0),
}


@dataclass(frozen=True)
class Subject:
    """An app to be measured, and what sends all that it has queued."""

    app: Flask
    flush: Callable[[], Any]
    dropped: Callable[[], float] = lambda: math.nan
    """How many items were dropped; NaN where that is not counted."""


def build(name: str, *, http: int, udp: int, slower: int = 1) -> Subject:
    """Return the variant `name`, its sinks pointed at the sinkhole's ports.

    Where a tool makes everything `slower`, its queues wait as much longer, so that their batches are as large as ever.
    """
    environment = _environment(name, http, udp)
    # The stock instrumentations and boto3 read the process's environment by themselves.
    os.environ.update(environment)
    if name == "bare":
        from bench import shop  # noqa: PLC0415 - each variant imports only what it needs: that is measured too

        app = shop.create_app(lambda: shop.home_feed(shop.now()), lambda: shop.notifications(shop.now()))
        return Subject(app, lambda: None, lambda: 0)
    from service.settings import Settings  # noqa: PLC0415

    settings = Settings.from_env(environment)
    if name.startswith("tutorial"):
        from bench.tutorial_wiring import Tutorial  # noqa: PLC0415

        tutorial = Tutorial(settings, console=name == "tutorial", slower=slower)
        return Subject(tutorial.app, tutorial.flush)
    import service.telemetry  # noqa: F401, PLC0415 - before the handlers, as in the service
    from bench.overhead.ours import wire  # noqa: PLC0415

    return wire(settings, slower)


def _environment(name: str, http: int, udp: int) -> dict[str, str]:
    url = f"http://127.0.0.1:{http}"
    sinks = {
        "honeycomb": {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "HONEYCOMB_API_KEY": KEYS["HONEYCOMB_API_KEY"]},
        "xray": {"AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{udp}"},
        "cloudwatch": {"CLOUDWATCH_LOG_GROUP": "bench", "AWS_REGION": "us-east-1"},
        "rollbar": {
            "ROLLBAR_ENDPOINT": f"{url}/api/1/",
            "ROLLBAR_ACCESS_TOKEN": KEYS["ROLLBAR_ACCESS_TOKEN"],
        },
    }
    chosen = [sinks[name]] if name in sinks else list(sinks.values())
    made = {"LOG_CONSOLE": "false", "OTEL_SERVICE_NAME": "Backend-Flask"}
    aws = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "fake",
        "AWS_SECRET_ACCESS_KEY": "fake",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for each in (*chosen, aws):
        made |= each
    return made | ({"XRAY_SAMPLING_RULE": _RULES[name]} if name in _RULES else {})
