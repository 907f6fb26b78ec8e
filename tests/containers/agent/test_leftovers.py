"""Nothing of a task is left in the engine, and what a killed agent has left is found."""

from __future__ import annotations

from uuid import uuid4

from local.containers.engine import DEPLOYMENT_LABEL, deployment_of, name_of, remove_leftovers
from tests.containers.agent.rig import Rig

SCRATCH = [{"sourceVolume": "scratch", "containerPath": "/scratch"}]


def test_nothing_of_a_task_is_left(rig: Rig) -> None:
    state_folder = rig.settings_file.parent
    with rig.running(rig.definition({"mountPoints": SCRATCH}, volumes=[{"name": "scratch"}])) as task:
        task.reports.until("running")
        name = name_of(task.launch.task_id)
        label = f"{DEPLOYMENT_LABEL}={deployment_of(state_folder)}"
        found = rig.engine.containers.list(all=True, filters={"label": label})
        assert sorted(str(each.name) for each in found) == [f"{name}-app", f"{name}.relay"]
        assert [each.name for each in rig.engine.volumes.list(filters={"label": label})] == [f"{name}-scratch"]
        task.stop()
        task.until_ended()
        # By now, not later.
        assert rig.engine.containers.list(all=True, filters={"name": name}) == []
        assert rig.engine.volumes.list(filters={"name": name}) == []
        assert list((state_folder / "tasks").iterdir()) == []


def test_a_task_whose_start_fails_leaves_nothing(rig: Rig) -> None:
    rig.ended(rig.definition({"command": ["/no/such/program"], "mountPoints": SCRATCH}, volumes=[{"name": "scratch"}]))
    label = f"{DEPLOYMENT_LABEL}={deployment_of(rig.settings_file.parent)}"
    assert rig.engine.containers.list(all=True, filters={"label": label}) == []
    assert rig.engine.volumes.list(filters={"label": label}) == []


def test_closing_the_agent_ends_its_tasks_and_starts_no_more(rig: Rig) -> None:
    with rig.running(rig.definition({})) as task:
        task.reports.until("running")
        rig.agent.close()
        assert task.reports.events[-1] == ("stopped", None)
    assert [name for name, _ in rig.ended(rig.definition({})).events] == ["activating", "stopped"]


def test_what_a_killed_agent_has_left_is_removed(rig: Rig) -> None:
    deployment = uuid4().hex[:8]
    labels = {DEPLOYMENT_LABEL: deployment}
    network = rig.engine.networks.create(f"onetrace-{deployment}", labels=labels)
    volume = rig.engine.volumes.create(f"onetrace-{deployment}-scratch", labels=labels)
    container = rig.engine.containers.create(
        rig.image, ["sleep", "60"], labels=labels, network=network.name, volumes={volume.name: {"bind": "/scratch"}}
    )
    container.start()
    assert remove_leftovers(rig.engine, deployment) == 3
    assert remove_leftovers(rig.engine, deployment) == 0
