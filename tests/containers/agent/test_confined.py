"""A container has the user, the file system, the limits and the rights of its definition."""

from __future__ import annotations

import pytest

from tests.containers.agent.rig import OBEDIENT, Rig

WHOAMI = "import json, os; print(json.dumps([os.getuid(), os.getgid(), os.getcwd()]))"
WRITE = """
import json
def attempt(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return type(error).__name__, error.errno
    return "written"
print(json.dumps([attempt("/root-file"), attempt("/tmp/file")]))
"""
CGROUP = """
import json, pathlib
root = pathlib.Path("/sys/fs/cgroup")
one = lambda *names: next((root / n).read_text().strip() for n in names if (root / n).exists())
print(json.dumps({
    "memory": one("memory.max", "memory/memory.limit_in_bytes"),
    "quota": one("cpu.max", "cpu/cpu.cfs_quota_us"),
    "shares": one("cpu.weight", "cpu/cpu.shares")}))
"""
CONNECT = """
import socket
try:
    socket.create_connection(("169.254.169.254", 80), 3)
except OSError as error:
    print(error.errno)
"""
CAPABILITIES = "print([line.split()[1] for line in open('/proc/1/status') if line.startswith('CapBnd')][0])"
NET_RAW = 1 << 13
SYS_PTRACE = 1 << 19
SYS_ADMIN = 1 << 21


def test_user_working_directory_and_read_only_root_are_those_of_the_definition(rig: Rig) -> None:
    app = {
        "user": "10001:10002",
        "workingDirectory": "/usr",
        "readonlyRootFilesystem": True,
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp", "readOnly": False}],  # noqa: S108 - the container's own
    }
    with rig.running(rig.definition(app, volumes=[{"name": "scratch"}])) as task:
        task.reports.until("running")
        assert task.json("app", WHOAMI) == [10001, 10002, "/usr"]
        # The volume has the mode of the image's /tmp, which anyone may write.
        assert task.json("app", WRITE) == [["OSError", 30], "written"]


def test_a_volume_is_shared_by_the_containers_of_a_task_and_by_no_other(rig: Rig) -> None:
    mounts = [{"sourceVolume": "scratch", "containerPath": "/scratch"}]
    read_only = [{**mounts[0], "readOnly": True}]
    definition = rig.definition(
        {"mountPoints": mounts},
        {"name": "reader", "essential": False, "mountPoints": read_only},
        volumes=[{"name": "scratch", "host": {}}],
    )
    with rig.running(definition) as one, rig.running(definition) as other:
        one.reports.until("running")
        other.reports.until("running")
        one.python("app", "open('/scratch/file', 'w').write('one')")
        assert one.python("reader", "print(open('/scratch/file').read())") == "one"
        assert one.container("reader").exec_run(["touch", "/scratch/x"]).exit_code == 1
        assert other.python("app", "import os; print(os.listdir('/scratch'))") == "[]"


def test_memory_and_cpu_are_limited_as_the_container_sees_itself(rig: Rig) -> None:
    app = {"memory": 100, "memoryReservation": 50, "cpu": 256}
    with rig.running(rig.definition(app, {"name": "sidecar"}, cpu="1024", memory="300")) as task:
        task.reports.until("running")
        seen, sidecar = task.json("app", CGROUP), task.json("sidecar", CGROUP)
        host = task.container("app").attrs["HostConfig"]
    assert (seen["memory"], sidecar["memory"]) == (str(100 << 20), str(300 << 20))
    assert seen["quota"].startswith("100000")
    assert host["CpuShares"] == 256
    assert host["MemorySwap"] == host["Memory"] == 100 << 20
    assert host["MemoryReservation"] == 50 << 20


def test_a_container_that_takes_too_much_memory_is_killed_and_the_reason_says_so(rig: Rig) -> None:
    app = {"memory": 32, "program": "x = bytearray(100 << 20)"}
    reports = rig.ended(rig.definition(app))
    assert reports.stop == ("EssentialContainerExited", "Essential container in task exited")
    assert reports.containers["app"].exit_code == 137
    assert reports.containers["app"].reason == "OutOfMemoryError: Container killed due to memory usage"


def test_capabilities_are_dockers_own_and_those_of_the_definition(rig: Rig) -> None:
    linux = {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["NET_RAW"]}}
    with rig.running(rig.definition({}, {"name": "sidecar", "linuxParameters": linux})) as task:
        task.reports.until("running")
        app, sidecar = (int(task.python(name, CAPABILITIES), 16) for name in ("app", "sidecar"))
    assert (app & NET_RAW, app & SYS_PTRACE, app & SYS_ADMIN) == (NET_RAW, 0, 0)
    assert (sidecar & NET_RAW, sidecar & SYS_PTRACE, sidecar & SYS_ADMIN) == (0, SYS_PTRACE, 0)


def test_an_init_process_and_open_files_are_those_of_the_definition(rig: Rig) -> None:
    app = {
        "linuxParameters": {"initProcessEnabled": True},
        "ulimits": [{"name": "nofile", "softLimit": 2000, "hardLimit": 3000}],
    }
    with rig.running(rig.definition(app)) as task:
        task.reports.until("running")
        assert "init" in task.python("app", "print(open('/proc/1/cmdline').read().split(chr(0))[0])")
        # Of the first process: the engine of Debian 12 sets the soft limit of an `exec` to the hard one at times.
        limits = "print([line.split()[3:5] for line in open('/proc/1/limits') if line.startswith('Max open files')])"
        assert task.python("app", limits) == "[['2000', '3000']]"


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"privileged": True}, "privileged is not valid in a Fargate task"),
        ({"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "only adds SYS_PTRACE"),
        ({"linuxParameters": {"devices": [{"hostPath": "/dev/sda"}]}}, "devices is not valid in a Fargate task"),
    ],
)
def test_what_fargate_refuses_is_refused_before_anything_is_created(
    rig: Rig, parameters: dict[str, object], reason: str
) -> None:
    reports = rig.ended(rig.definition({"program": OBEDIENT, **parameters}))
    assert [name for name, _ in reports.events] == ["stopping", "stopped"]
    assert reports.stop[0] == "TaskFailedToStart"
    assert reason in reports.stop[1]


def test_a_task_cannot_reach_the_metadata_of_this_machines_instance(rig: Rig) -> None:
    with rig.running(rig.definition({})) as task:
        task.reports.until("running")
        assert task.python("app", CONNECT) == "111"
