"""What the service really reports is why `make trace` says that a place has nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.local_environment import LocalEnvironment

pytestmark = [pytest.mark.timeout(300), pytest.mark.allow_hosts(["127.0.0.1"])]

REPORT_SECONDS = 60.0
"""The service reports an outage after some seconds."""


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    environment = LocalEnvironment(tmp_path_factory.mktemp("absences").resolve(), mode="process")
    try:
        environment.up()
        yield environment
    finally:
        environment.down()


def absences(environment: LocalEnvironment, trace_id: str) -> dict[str, dict[str, Any]]:
    # It exits with 1, after a line that says so, as long as no place has anything of the trace.
    output = environment.run("trace", trace_id, "--json", seconds=60, statuses=(0, 1))
    document = json.loads(output[output.index("{") :])
    return {name: each["absence"] for name, each in document["places"].items() if each["absence"]}


def wait_for(
    environment: LocalEnvironment, trace_id: str, place: str, reason: str, *, alone: bool = False
) -> dict[str, Any]:
    """Return why the place has nothing, once it is `reason`; `alone`: once all the others have something."""
    deadline = time.monotonic() + REPORT_SECONDS
    found: dict[str, dict[str, Any]] = {}
    while time.monotonic() < deadline:
        found = absences(environment, trace_id)
        if found.get(place, {}).get("reason") == reason and not (alone and len(found) > 1):
            return found[place]
        time.sleep(0.5)
    raise AssertionError(f"{place} of {trace_id}: {found}")


def test_the_reasons_are_those_of_the_running_service(environment: LocalEnvironment) -> None:
    ports = environment.ports
    with requests.Session() as client:
        client.post(f"http://127.0.0.1:{ports.honeycomb}/settings", json={"accepted_keys": ["another"]})
        failed = client.get(f"{environment.url}/_onetrace/fault").headers["X-Trace-Id"]
        unauthorized = wait_for(environment, failed, "honeycomb", "unauthorized", alone=True)
        assert "answered 401" in unauthorized["message"]
        assert unauthorized["remedy"] == "Check HONEYCOMB_API_KEY"

        # A rule leaves health checks out; one of another method fails, so it has a line.
        unsampled = client.post(f"{environment.url}/api/health-check").headers["X-Trace-Id"]
        not_sampled = wait_for(environment, unsampled, "xray", "not-sampled")
        assert (
            "by the sampling rule Cruddur-Health (0 % of the requests, after the first 0 a second)"
            in not_sampled["message"]
        )

        # The service may not send items, and they can be read.
        client.post(f"http://127.0.0.1:{ports.rollbar}/settings", json={"accepted_keys": ["another"]})
        refused = client.get(f"{environment.url}/_onetrace/fault").headers["X-Trace-Id"]
        assert wait_for(environment, refused, "rollbar", "unauthorized")["remedy"] == "Check ROLLBAR_ACCESS_TOKEN"
