from __future__ import annotations

import re
import signal
import socket
import time
from contextlib import closing

import pytest
import requests

from tests.acceptance.conftest import Checkout

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

PLACES = ("Honeycomb", "X-Ray", "CloudWatch Logs", "Rollbar")


def version_behind(shown: str) -> str:
    """Ask the service through the load balancer whose address `up` printed."""
    address = re.search(r"Up after \d+ s: http://(?P<host>[a-z0-9-]+\.alb\.localhost):(?P<port>\d+)/", shown)
    assert address, shown
    with requests.Session() as session:
        session.trust_env = False
        url = f"http://127.0.0.1:{address['port']}/api/health-check"
        answer = session.get(url, headers={"Host": f"{address['host']}:{address['port']}"}, timeout=5)
    version: str = answer.json()["version"]
    return version


def test_a_request_is_found_in_all_places_updates_are_in_place_and_down_leaves_nothing(checkout: Checkout) -> None:
    first = checkout.run("up")
    assert first.returncode == 0, first.stderr
    for place in PLACES:
        assert re.search(rf"^  {place} +\d+ \w+: .*after \d+\.\d s$", first.stdout, re.MULTILINE), first.stdout
    home, fault = re.findall(r"trace id ([0-9a-f]{32})\n", first.stdout)
    assert home != fault
    assert "none of it is AWS" in first.stdout
    together = re.search(r"^together +(\d+) MiB", checkout.run("status").stdout, re.MULTILINE)
    assert together
    assert int(together[1]) < 600

    emulator, service, version = checkout.pid("emulator"), checkout.pid("service"), version_behind(first.stdout)
    started = time.monotonic()
    again = checkout.run("up")
    assert (again.returncode, again.stderr) == (0, "")
    assert time.monotonic() - started < 40
    assert (checkout.pid("emulator"), checkout.pid("service")) == (emulator, service)

    (checkout.root / "service" / "activities" / "changed.py").write_text("CHANGED = True\n", encoding="utf-8")
    changed = checkout.run("up")
    assert (changed.returncode, changed.stderr) == (0, "")
    assert checkout.pid("emulator") == emulator
    assert checkout.pid("service") != service
    assert version_behind(changed.stdout) != version

    lines = checkout.run("logs", "--no-follow").stdout
    assert home in lines
    assert fault in lines
    stopped = checkout.run("down")
    assert {line.split()[1] for line in stopped.stdout.splitlines()} == {"service", "stand-ins", "emulator"}
    assert checkout.left_running() == []
    assert checkout.run("down").stdout == "Nothing was running\n"


def test_a_stack_that_does_not_deploy_is_one_message_and_leaves_nothing_running(checkout: Checkout) -> None:
    (checkout.root / "app.py").write_text("raise SystemExit('error: the app is broken')\n", encoding="utf-8")

    failed = checkout.run("up")

    assert failed.returncode == 1
    assert "error: the app is broken" in failed.stderr
    assert "error: cdk deploy failed (exit 1)" in failed.stderr
    assert str(checkout.state / "logs" / "cdk-deploy.log") in failed.stderr
    assert checkout.left_running() == []


def test_a_service_that_does_not_start_is_one_message_and_leaves_nothing_running(checkout: Checkout) -> None:
    (checkout.root / "service" / "wsgi.py").write_text("raise RuntimeError('broken on purpose')\n", encoding="utf-8")

    failed = checkout.run("up")

    assert failed.returncode == 1
    assert "broken on purpose" in failed.stderr
    assert "error: The service ended before it was ready" in failed.stderr
    assert checkout.left_running() == []


def test_a_port_in_use_is_named_and_nothing_is_started(checkout: Checkout) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        failed = checkout.run("up", LOCAL_PORT=str(port))

    assert failed.returncode == 1
    assert re.fullmatch(rf"error: LOCAL_PORT={port}: port {port} on 127\.0\.0\.1 is in use\. .*\n", failed.stderr)
    assert checkout.left_running() == []


def test_an_interrupted_up_stops_what_it_started(checkout: Checkout) -> None:
    with checkout.start("up") as process:
        checkout.log_appears("cdk-deploy.log")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (130, "Interrupted.\n")
    assert checkout.left_running() == []


def test_down_stops_what_a_killed_up_left_behind(checkout: Checkout) -> None:
    with checkout.start("up") as process:
        checkout.log_appears("cdk-deploy.log")
        process.kill()
        process.communicate(timeout=10)
    (checkout.state / "state.json").unlink()
    assert checkout.left_running() != []

    assert checkout.run("down").returncode == 0

    assert checkout.left_running() == []


def test_two_ups_at_once_do_not_mix(checkout: Checkout) -> None:
    with checkout.start("up") as first:
        checkout.log_appears("emulator.log")
        second = checkout.run("up")
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)

    assert second.returncode == 1
    assert "Another make up or make down is at work" in second.stderr
    assert checkout.left_running() == []
