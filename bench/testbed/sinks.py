"""Run fake servers of the four sinks, and calculate the items that they should receive."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing, suppress

from bench.paths import FAULT, HEALTH_CHECK, HOME, NOTIFICATIONS
from bench.testbed.fake_daemon import FakeDaemon
from bench.testbed.fake_servers import FakeSink, Mode

SINKS = ("honeycomb", "xray", "cloudwatch", "rollbar")
UNRESOLVABLE_HOST = "sink.invalid"
"""A name that no resolver knows (RFC 6761)."""
SAMPLE_EVERYTHING = '{"RuleName":"drill","FixedRate":1,"ReservoirSize":0}'


class Sinks:
    """The servers of the four sinks, on free ports of 127.0.0.1; with `keeps_bodies` they keep what they receive."""

    def __init__(self, stack: ExitStack, *, keeps_bodies: bool = False) -> None:
        self.servers = {
            name: stack.enter_context(closing(FakeSink(keeps_bodies=keeps_bodies))) for name in SINKS if name != "xray"
        }
        self.servers["xray"], self.daemon = _proxy_and_daemon(stack, keeps_bodies=keeps_bodies)

    def set(self, sinks: tuple[str, ...], mode: Mode) -> None:
        """Switch `sinks` to `mode`. The X-Ray daemon's UDP port is closed together with its TCP port."""
        for name in sinks:
            before, self.servers[name].mode = self.servers[name].mode, mode
            is_down, was_down = (each in {Mode.REFUSED, Mode.RESET} for each in (mode, before))
            if name == "xray" and is_down and not was_down:
                self.daemon.stop()
            if name == "xray" and was_down and not is_down:
                self.daemon.start()

    def received(self) -> dict[str, int]:
        """Return the number of items that each received so far: spans, segments, log events, error items."""
        return {
            name: self.daemon.received if name == "xray" else server.received for name, server in self.servers.items()
        }

    def environment(self, unresolvable: tuple[str, ...]) -> dict[str, str]:
        """Return the variables of a service that sends to these servers; `unresolvable` sinks get an unknown host."""
        hosts = {name: UNRESOLVABLE_HOST if name in unresolvable else "127.0.0.1" for name in SINKS}
        address = {name: f"{hosts[name]}:{server.port}" for name, server in self.servers.items()}
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address['honeycomb']}",
            "HONEYCOMB_API_KEY": "drill-honeycomb-key",
            "ROLLBAR_ENDPOINT": f"http://{address['rollbar']}/api/1/",
            "ROLLBAR_ACCESS_TOKEN": "drill-rollbar-token",
            "AWS_XRAY_DAEMON_ADDRESS": address["xray"],
            "CLOUDWATCH_LOG_GROUP": "drill",
            "AWS_ENDPOINT_URL": f"http://{address['cloudwatch']}",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "drill",
            "AWS_SECRET_ACCESS_KEY": "drill",
            "XRAY_SAMPLING_RULE": SAMPLE_EVERYTHING,
            "FAULT_ROUTES": "true",
            "HEALTH_CHECK_DETAIL": "true",
            "LOG_CONSOLE": "false",
        }


def _proxy_and_daemon(stack: ExitStack, *, keeps_bodies: bool) -> tuple[FakeSink, FakeDaemon]:
    """Return a TCP and a UDP server with the same port: the daemon has one address for both."""
    while True:
        proxy = stack.enter_context(closing(FakeSink()))
        with suppress(OSError):  # the UDP port is in use: try the next TCP port
            return proxy, stack.enter_context(closing(FakeDaemon(proxy.port, keeps_bodies=keeps_bodies)))


def expected_items(responses: Counter[str]) -> dict[str, int]:
    """Return the number of items that each sink should receive for the responses, counted by path."""
    total = sum(responses.values())
    return {
        "honeycomb": total + responses[HOME] + responses[NOTIFICATIONS],
        "xray": total,
        # A successful health check has no access line.
        "cloudwatch": total - responses[HEALTH_CHECK] + responses[NOTIFICATIONS] + responses[FAULT],
        "rollbar": responses[FAULT],
    }
