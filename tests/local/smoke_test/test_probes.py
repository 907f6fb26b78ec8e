from __future__ import annotations

from pathlib import Path

import pytest

from infra.application import Application, Request
from local.smoke_test.probes import probes_of
from tests.sample import CRUDDUR

SHOP = Application(
    name="Shop",
    service_name="Shop",
    folder=Path("/shop"),
    smoke_test=Request(path="/things", status=201, headers={"X-Key": "$API_KEY"}),
)


def test_the_descriptions_request_has_the_values_of_the_task() -> None:
    probe = probes_of(SHOP, {"API_KEY": "of the task"})[0]

    assert (probe.path, probe.status, probe.headers) == ("/things", 201, {"X-Key": "of the task"})


@pytest.mark.parametrize("application", [SHOP, CRUDDUR], ids=["any", "sample"])
def test_every_application_fails_on_purpose_at_the_runtimes_path(application: Application) -> None:
    fault = probes_of(application, {"API_KEY": "of the task"})[1]

    assert (fault.path, fault.status) == ("/_onetrace/fault", 500)
    assert fault.backends == ("Honeycomb", "X-Ray", "CloudWatch Logs", "Rollbar")
