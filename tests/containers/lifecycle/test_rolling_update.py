"""A new version replaces the old one without a request that fails."""

from __future__ import annotations

import pytest

from tests.containers.deployment import BASELINE, Deployment
from tests.containers.lifecycle.load import Load

pytestmark = [pytest.mark.timeout(600), pytest.mark.allow_hosts(["127.0.0.1"])]


def test_a_new_version_replaces_the_old_one_while_both_answer(deployment: Deployment, load: Load) -> None:
    load.wait_for(BASELINE)
    [old] = deployment.tasks()
    version = deployment.register({"RELEASE": "second"})
    number = deployment.update(version)

    [new] = deployment.wait_until_stable()

    assert new["taskDefinitionArn"] == version
    assert load.versions().keys() == {BASELINE, "second"}
    stopped = deployment.wait_until_stopped(old["taskArn"])
    assert stopped.get("stoppedReason") == "Scaling activity initiated by (deployment " + number + ")"
    assert [each.get("exitCode") for each in stopped["containers"]] == [0, 0]


def test_an_edit_is_deployed_by_make_up(deployment: Deployment, load: Load) -> None:
    load.wait_for(BASELINE)
    file = deployment.application / "app.py"
    file.write_text(file.read_text(encoding="utf-8").replace('"first"', '"edited"'), encoding="utf-8")

    output = deployment.up()

    load.wait_for("edited")
    assert load.versions().keys() == {BASELINE, "edited"}
    assert "built and pushed" in output
