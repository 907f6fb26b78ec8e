"""A task runs as its definition says."""

from __future__ import annotations

import requests

from tests.containers.agent.rig import LOGS, OBEDIENT, TASK_ROLE, Rig, RunningTask

IN_CONTAINER = """
import json, os, urllib.request
def get(path):
    return json.load(urllib.request.urlopen("http://169.254.170.2" + path))
base = os.environ["ECS_CONTAINER_METADATA_URI_V4"].removeprefix("http://169.254.170.2")
print(json.dumps({"container": get(base), "task": get(base + "/task"),
    "credentials": get(os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])}))
"""
CALLER = """
import json, boto3
session = boto3.Session()
found = session.get_credentials()
print(json.dumps([found.method, found.secret_key, session.client("sts").get_caller_identity()["Account"]]))
"""


def test_a_task_runs_until_it_is_stopped(rig: Rig) -> None:
    with rig.running(rig.definition({"program": OBEDIENT, "logConfiguration": LOGS})) as task:
        task.reports.until("running")
        task.until_output("app")
        task.stop()
        reports = task.until_ended()
    names = [name for name, _ in reports.events]
    assert names == ["activating", "address", "container", "container", "running", "container", "stopped"]
    assert [each.last_status for each in reports.all("container")] == ["PENDING", "RUNNING", "STOPPED"]
    assert reports.containers["app"].exit_code == 0
    assert rig.lines(f"web/app/{task.launch.task_id}") == ["up"]
    assert rig.log == []


def test_the_containers_of_a_task_share_their_address_and_their_loopback_interface(rig: Rig) -> None:
    server = {"command": ["python", "-m", "http.server", "8000", "--directory", "/usr/lib/os-release"]}
    client = {"name": "sidecar", "essential": False}
    with rig.running(rig.definition(server, client)) as task:
        task.reports.until("running")
        task.until_output("app", "")
        [address] = task.reports.all("address")
        seen = task.python("sidecar", _until_answer("http://127.0.0.1:8000/"))
        assert seen == "404"
        assert requests.get(f"http://{address}:8000/", timeout=5).status_code == 404


def test_two_tasks_have_addresses_of_their_own_in_the_network_of_the_agent(rig: Rig) -> None:
    with rig.running(rig.definition({})) as one, rig.running(rig.definition({})) as other:
        one.reports.until("running")
        other.reports.until("running")
        addresses = one.reports.all("address") + other.reports.all("address")
    assert len(set(addresses)) == 2
    assert all(any(str(host) == each for host in rig.agent.subnet.hosts()) for each in addresses)


def test_a_task_reaches_the_ports_of_this_machine_that_the_settings_name_and_no_other(rig: Rig, emulator: str) -> None:
    with rig.running(rig.definition({})) as task:
        task.reports.until("running")
        assert task.python("app", _until_answer(f"{emulator}/_ministack/health")) == "200"
        refused = "import socket\ntry: socket.create_connection(('127.0.0.1', 9))\nexcept OSError as e: print(e.errno)"
        assert task.python("app", refused) == "111"


def test_a_container_finds_its_metadata_and_the_credentials_of_the_task_role(rig: Rig) -> None:
    with rig.running(rig.definition({"cpu": 100, "logConfiguration": LOGS})) as task:
        task.reports.until("running")
        seen = task.json("app", IN_CONTAINER)
        [address] = task.reports.all("address")
    assert seen["container"]["Name"] == "app"
    assert seen["container"]["Networks"][0]["IPv4Addresses"] == [address]
    assert seen["container"]["LogOptions"]["awslogs-stream"] == f"web/app/{task.launch.task_id}"
    assert seen["task"]["TaskARN"] == task.launch.task_arn
    assert seen["task"]["LaunchType"] == "FARGATE"
    assert [each["Name"] for each in seen["task"]["Containers"]] == ["app"]
    assert seen["credentials"]["RoleArn"] == TASK_ROLE
    assert seen["credentials"]["Token"] == f"token of {task.launch.task_id}"


def test_boto3_in_a_container_uses_the_credentials_of_the_task_role(rig: Rig, helper_images: dict[str, str]) -> None:
    # An image that has boto3.
    app = {
        "image": helper_images["xray-daemon"],
        "entryPoint": ["python"],
        "command": ["-c", "import time; time.sleep(600)"],
    }
    with rig.running(rig.definition(app)) as task:
        task.reports.until("running")
        assert task.json("app", CALLER) == ["container-role", f"secret of {TASK_ROLE}", "000000000000"]


def test_boto3_finds_its_credentials_also_where_the_application_listens_on_port_80(
    rig: Rig, helper_images: dict[str, str]
) -> None:
    app = {
        "image": helper_images["xray-daemon"],
        "entryPoint": ["python"],
        "command": ["-m", "http.server", "80", "--directory", "/usr/lib/os-release"],
        "portMappings": [{"containerPort": 80}],
    }
    with rig.running(rig.definition(app)) as task:
        task.reports.until("running")
        [address] = task.reports.all("address")
        assert task.json("app", CALLER) == ["container-role", f"secret of {TASK_ROLE}", "000000000000"]
        assert requests.get(f"http://{address}/", timeout=5).status_code == 404


def test_a_task_without_a_role_has_no_credentials(rig: Rig) -> None:
    definition = rig.definition({})
    del definition["taskRoleArn"]
    with rig.running(definition) as task:
        task.reports.until("running")
        assert "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" not in _environment(task)


def test_the_environment_is_that_of_fargate_and_of_the_definition(rig: Rig) -> None:
    app = {"environment": [{"name": "COLOR", "value": "red"}, {"name": "SIZE", "value": "1"}]}
    with rig.running(rig.definition(app), environment={"app": {"SIZE": "2"}}) as task:
        task.reports.until("running")
        seen = _environment(task)
    assert (seen["COLOR"], seen["SIZE"]) == ("red", "2")
    assert seen["AWS_EXECUTION_ENV"] == "AWS_ECS_FARGATE"
    assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"] == "us-east-1"
    assert seen["AWS_ENDPOINT_URL"] == rig.endpoint


def test_a_command_of_the_launch_replaces_that_of_the_definition(rig: Rig) -> None:
    command = ["python", "-c", "raise SystemExit(7)"]
    reports = rig.ended(rig.definition({}), commands={"app": command})
    assert reports.containers["app"].exit_code == 7


def _until_answer(url: str) -> str:
    return f"""
import time, urllib.request, urllib.error
for _ in range(100):
    try:
        print(urllib.request.urlopen({url!r}, timeout=5).status)
        break
    except urllib.error.HTTPError as error:
        print(error.code)
        break
    except OSError:
        time.sleep(0.1)
"""


def _environment(task: RunningTask) -> dict[str, str]:
    config = task.container("app").attrs["Config"]
    return dict(each.split("=", 1) for each in config["Env"])
