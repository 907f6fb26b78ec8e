"""Containers start in order, are restarted, become unhealthy, and stop in order within their timeouts."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from local.containers.definition import HEALTHY
from local.containers.settings import BeforeStart
from tests.containers.agent.rig import LOGS, OBEDIENT, Rig

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(600)"
LAST_WORDS = """
import signal, sys, time
def stop(*_):
    print("last words")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("up")
time.sleep(600)
"""
SLOW_TO_STOP = """
import signal, sys, time
def stop(*_):
    time.sleep(1)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("up")
time.sleep(600)
"""
FILE_IS_THERE = ["CMD", "python", "-c", "open('/tmp/healthy')"]


def test_a_container_that_ignores_the_stop_signal_is_killed_after_its_stop_timeout(rig: Rig) -> None:
    with rig.running(rig.definition({"program": DEAF, "stopTimeout": 3})) as task:
        task.until_output("app")
        start = time.monotonic()
        task.stop()
        reports = task.until_ended()
    assert 3 <= time.monotonic() - start < 20
    assert reports.containers["app"].exit_code == 137


def test_a_task_serves_until_its_targets_are_drained(rig: Rig) -> None:
    with rig.running(rig.definition({"program": OBEDIENT})) as task:
        task.until_output("app")
        start = time.monotonic()
        task.stop(drain_seconds=2)
        assert rig.engine.containers.get(task.reports.containers["app"].runtime_id).status == "running"
        reports = task.until_ended()
    assert time.monotonic() - start >= 2
    assert reports.containers["app"].exit_code == 0
    assert reports.all("stopping") == []


def test_what_a_container_writes_as_it_stops_is_in_its_log_stream(rig: Rig) -> None:
    with rig.running(rig.definition({"program": LAST_WORDS, "logConfiguration": LOGS})) as task:
        task.until_output("app")
        task.stop()
        task.until_ended()
    assert rig.lines(f"web/app/{task.launch.task_id}") == ["up", "last words"]


def test_containers_stop_before_those_that_they_depend_on(rig: Rig) -> None:
    app = {
        "program": SLOW_TO_STOP,
        "stopTimeout": 10,
        "dependsOn": [{"containerName": "sidecar", "condition": "START"}],
    }
    with rig.running(rig.definition(app, {"name": "sidecar", "essential": False})) as task:
        task.until_output("app")
        task.until_output("sidecar")
        task.stop()
        reports = task.until_ended()
    started = [each.name for each in reports.all("container") if each.last_status == "RUNNING"]
    stopped = [each.name for each in reports.all("container") if each.last_status == "STOPPED"]
    assert (started, stopped) == (["sidecar", "app"], ["app", "sidecar"])
    assert {each.exit_code for each in reports.containers.values()} == {0}


def test_a_container_waits_for_one_to_succeed_and_one_to_become_healthy(rig: Rig) -> None:
    check = {"command": FILE_IS_THERE, "interval": 5, "timeout": 5}
    definition = rig.definition(
        {
            "dependsOn": [
                {"containerName": "migration", "condition": "SUCCESS"},
                {"containerName": "cache", "condition": "HEALTHY"},
            ]
        },
        {"name": "migration", "essential": False, "program": "print('migrated')"},
        {"name": "cache", "program": f"open('/tmp/healthy', 'w').close()\n{OBEDIENT}", "healthCheck": check},
    )
    with rig.running(definition) as task:
        task.reports.until("running", seconds=60)
        assert task.reports.containers["migration"].exit_code == 0
        assert task.reports.containers["cache"].health_status == HEALTHY


def test_a_task_fails_to_start_where_a_container_depends_on_one_that_fails(rig: Rig) -> None:
    app = {"dependsOn": [{"containerName": "migration", "condition": "SUCCESS"}]}
    migration = {"name": "migration", "essential": False, "program": "raise SystemExit(1)"}
    reports = rig.ended(rig.definition(app, migration))
    code, reason = reports.stop
    assert code == "TaskFailedToStart"
    assert "container app depends on migration (SUCCESS), which is STOPPED" in reason
    assert reports.all("running") == []
    assert reports.containers["app"].last_status == "PENDING"


def test_a_task_fails_to_start_where_a_dependency_is_not_ready_in_time(rig: Rig) -> None:
    check = {"command": ["CMD", "python", "-c", "raise SystemExit(1)"], "interval": 5}
    app = {"dependsOn": [{"containerName": "cache", "condition": "HEALTHY"}]}
    reports = rig.ended(rig.definition(app, {"name": "cache", "healthCheck": check, "startTimeout": 2}))
    assert reports.stop[0] == "TaskFailedToStart"
    assert "depends on cache (HEALTHY)" in reports.stop[1]


def test_a_command_that_is_none_fails_the_start_with_the_engines_words(rig: Rig) -> None:
    reports = rig.ended(rig.definition({"command": ["/no/such/program"]}))
    assert reports.stop[0] == "TaskFailedToStart"
    assert reports.stop[1].startswith("CannotStartContainerError: Error response from daemon: ")
    assert "/no/such/program" in reports.stop[1]


def test_health_is_reported_as_it_changes(rig: Rig) -> None:
    app = {
        "program": f"open('/tmp/healthy', 'w').close()\n{OBEDIENT}",
        "healthCheck": {"command": FILE_IS_THERE, "interval": 5, "timeout": 5, "retries": 1},
    }
    with rig.running(rig.definition(app, {"name": "unchecked"})) as task:
        task.reports.until("health", HEALTHY, seconds=60)
        assert task.reports.containers["app"].health_status == HEALTHY
        task.python("app", "import os; os.unlink('/tmp/healthy')")
        task.reports.until("health", "UNHEALTHY", seconds=60)
    assert task.reports.all("health")[:2] == [HEALTHY, "UNHEALTHY"]


def test_a_restart_policy_restarts_a_container_in_place(rig: Rig) -> None:
    sidecar = {
        "name": "sidecar",
        "essential": False,
        "logConfiguration": LOGS,
        "restartPolicy": {"enabled": True, "restartAttemptPeriod": 1, "ignoredExitCodes": [0]},
    }
    with rig.running(rig.definition({}, sidecar)) as task:
        task.reports.until("running")
        task.until_output("sidecar")
        time.sleep(1)
        first = task.reports.containers["sidecar"].runtime_id
        task.container("sidecar").kill()
        task.reports.wait(lambda: task.reports.containers["sidecar"].restart_count == 1)
        assert task.reports.containers["sidecar"].runtime_id == first
        task.reports.wait(lambda: rig.lines(f"web/sidecar/{task.launch.task_id}") == ["up", "up"])
        # An exit code that the policy ignores, and one that comes before the period has passed.
        time.sleep(1)
        task.container("sidecar").kill("SIGTERM")
        task.reports.wait(lambda: task.reports.containers["sidecar"].last_status == "STOPPED")
        time.sleep(1.5)
        assert task.reports.containers["sidecar"].last_status == "STOPPED"
        assert task.container("app").status == "running"
    assert task.reports.all("stopping") == []


def test_a_container_that_ran_too_short_is_not_restarted(rig: Rig) -> None:
    crashing = {"program": "raise SystemExit(9)", "restartPolicy": {"enabled": True, "restartAttemptPeriod": 60}}
    reports = rig.ended(rig.definition(crashing))
    assert reports.stop == ("EssentialContainerExited", "Essential container in task exited")
    assert (reports.containers["app"].exit_code, reports.containers["app"].restart_count) == (9, 0)


def test_an_essential_container_that_exits_ends_the_task_and_the_others_stop(rig: Rig) -> None:
    sidecar = {"name": "sidecar", "program": OBEDIENT, "essential": False}
    app = {"program": "import time; time.sleep(2); raise SystemExit(3)"}
    reports = rig.ended(rig.definition(app, sidecar))
    assert reports.stop == ("EssentialContainerExited", "Essential container in task exited")
    assert {name: each.exit_code for name, each in reports.containers.items()} == {"app": 3, "sidecar": 0}


def test_a_container_that_someone_removes_ends_the_task(rig: Rig) -> None:
    with rig.running(rig.definition({})) as task:
        task.reports.until("running")
        task.container("app").remove(force=True)
        reports = task.until_ended()
    assert reports.stop == ("EssentialContainerExited", "Essential container in task exited")
    assert reports.containers["app"].exit_code in (None, 137)


def test_a_command_runs_before_the_first_start_of_a_revision(rig: Rig, before_start: str) -> None:
    app = {
        "environment": [{"name": "COLOR", "value": "red"}],
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch"}],
        "program": "import os; print(os.listdir('/scratch')); raise SystemExit(len(os.listdir('/scratch')))",
    }
    definition = rig.definition(app, volumes=[{"name": "scratch"}])
    command = f"python -c \"import urllib.request as u; u.urlopen('{before_start}')\" && touch /scratch/$COLOR"
    _set_before_start(rig, command)
    assert rig.ended(definition).containers["app"].exit_code == 1
    # Another task of the revision has a volume of its own, and no need of the command.
    assert rig.ended(definition).containers["app"].exit_code == 0


def test_a_command_before_the_start_that_fails_fails_the_start_and_its_output_is_in_the_log_stream(rig: Rig) -> None:
    _set_before_start(rig, "echo 'no such table'; exit 4")
    with rig.running(rig.definition({"logConfiguration": LOGS})) as task:
        reports = task.until_ended()
    code, reason = reports.stop
    assert (code, reason.endswith("exited with 4")) == ("TaskFailedToStart", True)
    assert rig.lines(f"web/app/{task.launch.task_id}") == ["no such table"]
    assert reports.containers["app"].last_status == "PENDING"


@pytest.fixture
def before_start(emulator: str) -> str:
    return f"{emulator}/_ministack/health"


def _set_before_start(rig: Rig, command: str) -> None:
    replace(rig.settings, before_start=BeforeStart(container="app", command=command)).save(rig.settings_file)
