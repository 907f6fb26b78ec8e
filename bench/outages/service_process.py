"""Run one service under gunicorn beside sinks that can be made to fail, and look at it from outside."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import load
from bench.load import Load
from bench.outages.fake_servers import DaemonPort, FaultServer, Mode

ROOT = Path(__file__).parents[2]
SINKS = ("honeycomb", "xray", "cloudwatch", "rollbar")
HOME, NOTIFICATIONS, FAULT = "/api/activities/home", "/api/activities/notifications", "/api/fault"
HEALTH = "/api/health-check"
PATHS = (HOME, NOTIFICATIONS) * 12 + (FAULT,)
UNRESOLVABLE = "sink.invalid"
"""A name that no resolver knows (RFC 6761)."""
EVERYTHING = '{"RuleName":"drill","FixedRate":1,"ReservoirSize":0}'
CONNECTIONS = 4
_MODULES = {"ours": "service.wsgi:build()", "tutorial": "bench.outages.tutorial_app:build()"}


class Sinks:
    """The four sinks' ends, on free ports of 127.0.0.1."""

    def __init__(self, stack: ExitStack) -> None:
        self.ends = {name: stack.enter_context(closing(FaultServer())) for name in SINKS if name != "xray"}
        self.ends["xray"], self.daemon = _proxy_and_daemon(stack)

    def set(self, sinks: tuple[str, ...], mode: Mode) -> None:
        """Make `sinks` answer as `mode` has it. Of X-Ray, the daemon's UDP port goes with its TCP port."""
        for name in sinks:
            before, self.ends[name].mode = self.ends[name].mode, mode
            gone, was_gone = (each in {Mode.REFUSED, Mode.RESET} for each in (mode, before))
            if name == "xray" and gone and not was_gone:
                self.daemon.stop()
            if name == "xray" and was_gone and not gone:
                self.daemon.start()

    def taken(self) -> dict[str, int]:
        """Return what each has taken so far: spans, segments, log events, error items."""
        return {name: self.daemon.taken if name == "xray" else end.taken for name, end in self.ends.items()}

    def environment(self, unresolvable: tuple[str, ...]) -> dict[str, str]:
        """Return the variables that lead a service here; for `unresolvable` sinks, to a name that nobody knows."""
        hosts = {name: UNRESOLVABLE if name in unresolvable else "127.0.0.1" for name in SINKS}
        at = {name: f"{hosts[name]}:{end.port}" for name, end in self.ends.items()}
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{at['honeycomb']}",
            "HONEYCOMB_API_KEY": "drill-honeycomb-key",
            "ROLLBAR_ENDPOINT": f"http://{at['rollbar']}/api/1/",
            "ROLLBAR_ACCESS_TOKEN": "drill-rollbar-token",
            "AWS_XRAY_DAEMON_ADDRESS": at["xray"],
            "CLOUDWATCH_LOG_GROUP": "drill",
            "AWS_ENDPOINT_URL": f"http://{at['cloudwatch']}",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "drill",
            "AWS_SECRET_ACCESS_KEY": "drill",
            "XRAY_SAMPLING_RULE": EVERYTHING,
            "FAULT_ROUTES": "true",
            "LOG_CONSOLE": "false",
        }


def _proxy_and_daemon(stack: ExitStack) -> tuple[FaultServer, DaemonPort]:
    """Return a TCP and a UDP port of the same number: the daemon's address is one for both."""
    while True:
        proxy = stack.enter_context(closing(FaultServer()))
        with suppress(OSError):  # else the number is another's in UDP: take a new one
            return proxy, stack.enter_context(closing(DaemonPort(proxy.port)))


@dataclass
class Service:
    """A running service. `asked` counts the requests of each path that it answered."""

    process: subprocess.Popen[bytes]
    port: int
    started: float
    asked: Counter[str] = field(default_factory=Counter)
    most_threads: int = 0
    least_rss: float = 0.0
    most_rss: float = 0.0

    def load(self, seconds: float) -> Load:
        """Put load on it from a process of its own."""
        result = load.apart(self.port, PATHS, connections=CONNECTIONS, seconds=seconds)
        self.asked.update(result.paths)
        self.look()
        return result

    def detail(self) -> dict[str, Any]:
        """Return what the health check says of each sink; empty where there is none such."""
        status, body = ask(self.port, HEALTH + "?detail")
        if status != 200:
            return {}
        self.asked[HEALTH] += 1
        sinks: dict[str, Any] = json.loads(body).get("sinks", {})
        return sinks

    def look(self) -> None:
        """Note threads and memory of the worker."""
        said = _status_of(_worker_of(self.process.pid))
        self.most_threads = max(self.most_threads, int(said["Threads"]))
        rss = int(said["VmRSS"].split()[0]) / 1024
        self.least_rss = min(self.least_rss or rss, rss)
        self.most_rss = max(self.most_rss, rss)

    def stop(self, patience: float) -> float | None:
        """Send SIGTERM; return the seconds until it ended, None if it had to be killed after `patience`."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            _kill(self.process)
            return None
        return time.monotonic() - begun


def start(kind: str, environment: dict[str, str], patience: float) -> Service | None:
    """Start `ours` or the `tutorial`; return it when it answers, None if it does not within `patience` seconds."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    command = [gunicorn, "--config", "service/gunicorn.conf.py", _MODULES[kind]]
    variables = {"PATH": os.environ["PATH"], "PORT": str(port), **environment}
    begun = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - the command is made above
        command, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while time.monotonic() - begun < patience:
        if ask(port, HEALTH)[0]:
            service = Service(process, port, time.monotonic() - begun)
            service.asked[HEALTH] += 1
            service.look()
            return service
        time.sleep(0.02)
    _kill(process)
    return None


def ask(port: int, path: str) -> tuple[int, bytes]:
    """Return the status and body of one answer; status 0 where there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def expected(asked: Counter[str]) -> dict[str, int]:
    """Return what every sink together should have been given for these requests."""
    every = sum(asked.values())
    return {
        "honeycomb": every + asked[HOME] + asked[NOTIFICATIONS],
        "xray": every,
        "cloudwatch": every + asked[NOTIFICATIONS] + asked[FAULT],
        "rollbar": asked[FAULT],
    }


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _worker_of(master: int) -> int:
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return int(children[0]) if children else master


def _status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
