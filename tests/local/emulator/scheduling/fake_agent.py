"""The emulator with a container agent whose tasks are HTTP servers on addresses of this machine: no engine is needed.

`python -m tests.local.emulator.scheduling.fake_agent --port N …`. The variables of the first container decide what a
task does: FAIL ends it at its start with that stop code, HEALTH is what its containers' health check reports, STATUS
the status of its responses. POST /health reports the body as its health from then on, POST /exit ends the container.
"""

from __future__ import annotations

import itertools
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network
from threading import Event, Lock, Thread
from typing import Any

from local.containers.launch import ContainerReport, Launch, Reports
from local.emulator import __main__ as emulator


class FakeAgent:
    """Implements `local.containers.launch.Agent`."""

    subnet = IPv4Network("127.0.0.0/8")

    def __init__(self) -> None:
        self._hosts = itertools.count(2)
        self._tasks: dict[str, Event] = {}
        self._lock = Lock()

    def run(self, launch: Launch, reports: Reports) -> None:
        with self._lock:
            stop = self._tasks[launch.task_arn] = Event()
            address = f"127.0.1.{next(self._hosts)}"
        [container, *_] = launch.definition["containerDefinitions"]
        variables = {pair["name"]: pair["value"] for pair in container.get("environment", [])}
        reports.activating()
        if code := variables.get("FAIL"):
            reports.stopping(f"the fake agent was told to fail: {code}", code)
        else:
            self._serve(container, variables, reports, stop, address)
        reports.stopped()

    def _serve(
        self, container: dict[str, Any], variables: dict[str, str], reports: Reports, stop: Event, address: str
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(int(variables.get("STATUS", "200")))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(200)
                if self.path == "/health":
                    reports.health(body)
                else:
                    reports.stopping("Essential container in task exited", "EssentialContainerExited")
                    stop.set()

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(address)))
                self.end_headers()
                self.wfile.write(address.encode())

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        with ThreadingHTTPServer((address, container["portMappings"][0]["containerPort"]), Handler) as server:
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            reports.address(address)
            reports.container(ContainerReport(name=container["name"], last_status="RUNNING", runtime_id="fake"))
            reports.running()
            if "healthCheck" in container:
                reports.health(variables.get("HEALTH", "HEALTHY"))
            stop.wait()
            server.shutdown()
        reports.container(ContainerReport(name=container["name"], last_status="STOPPED", exit_code=0))

    def stop(self, task_arn: str, *, drain_seconds: float) -> None:
        Thread(target=self._stop, args=(task_arn, drain_seconds), daemon=True).start()

    def _stop(self, task_arn: str, drain_seconds: float) -> None:
        Event().wait(drain_seconds)
        if (task := self._tasks.get(task_arn)) is not None:
            task.set()

    def close(self) -> None:
        for task in self._tasks.values():
            task.set()


if __name__ == "__main__":
    emulator._agent = lambda _options, _address: FakeAgent()  # type: ignore[assignment,return-value] # stands in
    sys.exit(emulator.main())
