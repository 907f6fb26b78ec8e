from __future__ import annotations

import re
import signal
import socket
import time
from contextlib import closing

import pytest

from local.workspace.http_client import direct_client
from tests.acceptance.conftest import Checkout, address_of, seconds_of

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

BACKENDS = ("Honeycomb", "X-Ray", "CloudWatch Logs", "Rollbar")


def deployed_version(output: str) -> str:
    """Request the version from the service, through the load balancer whose address `up` printed."""
    with direct_client() as client:
        response = client.get(f"{address_of(output)}/api/health-check", timeout=60)
    version: str = response.json()["version"]
    return version


def test_up_reaches_all_backends_updates_in_place_and_down_stops_everything(checkout: Checkout) -> None:
    first = checkout.run("up")
    assert first.returncode == 0, first.stderr
    for backend in BACKENDS:
        assert re.search(rf"^  {backend} +\d+ \w+: .*after \d+\.\d s$", first.stdout, re.MULTILINE), first.stdout
    home, fault = re.findall(r"trace id ([0-9a-f]{32})\n", first.stdout)
    assert home != fault
    assert "none of it is AWS" in first.stdout
    total = re.search(r"^total +(\d+) MiB", checkout.run("status").stdout, re.MULTILINE)
    assert total
    assert int(total[1]) < 600

    emulator, service, version = checkout.pid("emulator"), checkout.pid("service"), deployed_version(first.stdout)
    again = checkout.run("up")
    assert (again.returncode, again.stderr) == (0, "")
    assert seconds_of(again.stdout) < seconds_of(first.stdout)
    assert (checkout.pid("emulator"), checkout.pid("service")) == (emulator, service)

    (checkout.root / "service" / "activities" / "changed.py").write_text("CHANGED = True\n", encoding="utf-8")
    changed = checkout.run("up")
    assert (changed.returncode, changed.stderr) == (0, "")
    assert checkout.pid("emulator") == emulator
    assert checkout.pid("service") != service
    assert deployed_version(changed.stdout) != version

    lines = checkout.run("logs", "--no-follow").stdout
    assert home in lines
    assert fault in lines
    stopped = checkout.run("down")
    assert {line.split()[1] for line in stopped.stdout.splitlines()} == {"console", "service", "fakes", "emulator"}
    assert checkout.running_processes() == []
    assert checkout.run("down").stdout == "Nothing was running\n"


def test_a_failed_deploy_is_one_error_and_leaves_no_process(checkout: Checkout) -> None:
    (checkout.root / "app.py").write_text("raise SystemExit('error: the app is broken')\n", encoding="utf-8")

    failed = checkout.run("up")

    assert failed.returncode == 1
    assert "error: the app is broken" in failed.stderr
    assert "error: cdk deploy failed (exit 1)" in failed.stderr
    assert str(checkout.state / "logs" / "cdk-deploy.log") in failed.stderr
    assert checkout.running_processes() == []


def test_a_service_that_does_not_start_is_one_error_and_leaves_no_process(checkout: Checkout) -> None:
    (checkout.root / "service" / "factory.py").write_text("raise RuntimeError('broken on purpose')\n", encoding="utf-8")

    failed = checkout.run("up")

    assert failed.returncode == 1
    assert "broken on purpose" in failed.stderr
    assert "error: The service exited before it was ready" in failed.stderr
    assert checkout.running_processes() == []


def test_a_port_in_use_is_an_error_and_starts_no_process(checkout: Checkout) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        failed = checkout.run("up", LOCAL_PORT=str(port))

    assert failed.returncode == 1
    assert re.fullmatch(rf"error: LOCAL_PORT={port}: port {port} on 127\.0\.0\.1 is in use\. .*\n", failed.stderr)
    assert checkout.running_processes() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_up_that_is_interrupted_twice_stops_its_processes(checkout: Checkout, number: signal.Signals) -> None:
    """By a person, or by make, which passes on what timeout sends to the whole process group."""
    with checkout.start("up") as process:
        checkout.wait_for_log("cdk-deploy.log")
        process.send_signal(number)
        time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (130, "Interrupted.\n")
    assert checkout.running_processes() == []


def test_down_stops_the_orphans_of_a_killed_up(checkout: Checkout) -> None:
    with checkout.start("up") as process:
        checkout.wait_for_log("cdk-deploy.log")
        process.kill()
        process.communicate(timeout=60)
    (checkout.state / "state.json").unlink()
    assert checkout.running_processes() != []

    assert checkout.run("down").returncode == 0

    assert checkout.running_processes() == []


def test_a_second_up_at_the_same_time_is_an_error(checkout: Checkout) -> None:
    with checkout.start("up") as first:
        checkout.wait_for_log("emulator.log")
        second = checkout.run("up")
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)

    assert second.returncode == 1
    assert "Another make up or make down is running" in second.stderr
    assert checkout.running_processes() == []
