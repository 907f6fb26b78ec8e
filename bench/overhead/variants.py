"""Define the variants that are compared, and build a variant's app in the process that measures it."""

from __future__ import annotations

import os

from bench.overhead.subject import Subject
from bench.paths import SERVICE_NAME

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


def build(name: str, *, http: int, udp: int, slowdown: int = 1) -> Subject:
    """Return the variant `name`, its sinks sending to the sinkhole's ports.

    `slowdown` multiplies the queues' intervals, so that their batches keep their size under callgrind.
    """
    environment = environment_of(name, http, udp)
    # The stock instrumentations and boto3 read the process's environment themselves.
    os.environ.update(environment)
    if name == "bare":
        from bench import shop  # noqa: PLC0415 - each variant imports only what it needs, because imports are measured

        app = shop.create_app(lambda: shop.home_feed(shop.now()), lambda: shop.notifications(shop.now()))
        return Subject(app, lambda: None, lambda: 0)
    if name.startswith("tutorial"):
        from bench.tutorial_wiring import Tutorial  # noqa: PLC0415 - as above

        tutorial = Tutorial(environment, console=name == "tutorial", slowdown=slowdown)
        return Subject(tutorial.app, tutorial.flush)
    import flask_onetrace.telemetry.sampling.lean_import  # noqa: F401, PLC0415 - before the handlers, as the X-Ray sink does
    from bench.overhead import ours  # noqa: PLC0415 - as above

    return ours.build(environment, slowdown)


def environment_of(name: str, http: int, udp: int) -> dict[str, str]:
    """Return the variables that configure the variant `name`."""
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
    variables = {"LOG_CONSOLE": "false", "OTEL_SERVICE_NAME": SERVICE_NAME}
    aws = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "fake",
        "AWS_SECRET_ACCESS_KEY": "fake",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for sink in [name] if name in sinks else sinks:
        variables |= sinks[sink]
    return variables | aws | ({"XRAY_SAMPLING_RULE": _RULES[name]} if name in _RULES else {})
