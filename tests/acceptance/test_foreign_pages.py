"""A page of another origin, open in this machine's browser while `make up` runs, reaches, reads and runs nothing."""

from __future__ import annotations

import pytest
import requests

from flask_onetrace.contract import Output
from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.state import State
from tests.acceptance.attack_targets import Ports, plant_from_a_program, settled, targets_of
from tests.acceptance.browser import browser_at, eventually, newest_call
from tests.acceptance.conftest import Deployment
from tests.acceptance.foreign_page import FOREIGN_HOST, attack, attackers_server, chromium_with_foreign_host

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(600)]

BLOCKED = {"blocked", "nothing"}
HARMLESS = {
    "beacon": {"sent"},
    "fetch without CORS": {"opaque"},
    "post without CORS": {"opaque"},
    "post a form without CORS": {"opaque"},
    # The browser loads its own error page, or a response that the page cannot read.
    "frame": {"loaded"},
    "form": {"loaded"},
    "form as text": {"loaded"},
    "form by GET": {"loaded"},
}
REFUSED = f"Refused, because Host is '{FOREIGN_HOST}:"


def test_a_foreign_page_reaches_reads_and_runs_nothing(deployed: Deployment) -> None:
    state = deployed.state
    ports = Ports.of(state)
    name = EmulatedAws(ports.gateway).load_balancer_name(state.outputs[Output.LOAD_BALANCER])
    load_balancer = f"{name}:{ports.gateway}"
    untouched = settled(state)
    plant_from_a_program(ports)
    before = settled(state)
    assert (before.users, before.buckets) == (("control",), (*untouched.buckets, "control-bucket"))
    assert len(before.segments) == len(untouched.segments) + 2
    assert (before.items, len(before.log_lines)) == (untouched.items + 1, len(untouched.log_lines) + 1)

    with attackers_server() as attacker, chromium_with_foreign_host() as browser:
        servers = [f"http://{host}:{attacker}/" for host in ("127.0.0.1", FOREIGN_HOST, "a.alb.localhost")]
        for page in (*servers, "data:text/html,<body></body>"):
            result = attack(browser, page, targets_of(ports, load_balancer))
            learned = {way: got for way, got in result.outcomes.items() if got not in BLOCKED | allowed(way)}
            assert learned == {}, page
            assert result.statuses_by_port() == {port: {403} for port in ports.all()}, page
        for port in ports.all():
            # After DNS rebinding, page and target have one origin: the browser lets the page read the responses.
            targets = [each for each in targets_of(ports, load_balancer, FOREIGN_HOST) if f":{port}/" in each["url"]]
            result = attack(browser, f"http://{FOREIGN_HOST}:{port}/attack", targets)
            read = [
                got
                for way, got in result.outcomes.items()
                if FOREIGN_HOST in way and got not in BLOCKED | {"sent", "loaded"}
            ]
            assert len(read) > len(targets)
            assert [got for got in read if REFUSED not in got] == []
            assert result.statuses_by_port() == {port: {403}}

    assert settled(state) == before


def allowed(way: str) -> set[str]:
    return HARMLESS.get(way.rpartition(" ")[0], set())


def test_the_products_own_page_loads_and_sends_its_spans(deployed: Deployment) -> None:
    url, state = deployed.url, deployed.state
    with browser_at(url) as visit:
        visit.page.get_by_role("link", name="Notifications").click()
        trace_id = newest_call(visit.page, "/api/activities/notifications")
        visit.page.goto("about:blank")  # leaving the page sends the current batch
        services = eventually(lambda: services_of(state, trace_id), lambda result: len(result) == 2)
    assert services == {"Cruddur-Frontend", "Backend-Flask"}
    assert visit.console == []


def services_of(state: State, trace_id: str) -> set[str]:
    spans = requests.get(f"http://127.0.0.1:{Ports.of(state).honeycomb}/traces/{trace_id}", timeout=60).json()
    return {span["resource"]["service.name"] for span in spans}
