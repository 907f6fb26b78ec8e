"""A service is scaled out and in without a request that fails."""

from __future__ import annotations

import pytest

from tests.containers.deployment import Deployment
from tests.containers.lifecycle.load import Load

pytestmark = [pytest.mark.timeout(600), pytest.mark.allow_hosts(["127.0.0.1"])]


def test_the_desired_count_is_scaled_out_and_in(deployment: Deployment, load: Load) -> None:
    [first] = deployment.tasks()
    deployment.update(desiredCount=3)
    tasks = deployment.wait_until_stable(3)
    assert len({each["attachments"][0]["details"][-1]["value"] for each in tasks}) == 3

    deployment.update(desiredCount=1)
    [left] = deployment.wait_until_stable(1)

    assert left["taskArn"] == first["taskArn"]
    assert load.responses


def test_a_scalable_target_keeps_the_service_between_its_minimum_and_maximum(
    deployment: Deployment, load: Load
) -> None:
    deployment.scale(minimum=2, maximum=3)
    assert len(deployment.wait_until_stable(2)) == 2

    deployment.scale(minimum=1, maximum=1)
    assert len(deployment.wait_until_stable(1)) == 1

    assert load.responses
