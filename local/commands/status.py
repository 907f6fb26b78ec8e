"""Show on one screen what is running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import psutil
from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import Output
from local.backing_services import console
from local.backing_services.emulated_aws import EmulatedAws
from local.backing_services.running import running_aws
from local.service import revision
from local.workspace.processes import is_running
from local.workspace.session import Session
from local.workspace.state import Record

MEBIBYTE: Final = 1024 * 1024


def status(session: Session) -> bool:
    """Print the processes, their memory and the addresses; return whether every recorded process is running.

    Raises `NotRunningError`, after what is left of it where the emulator has died.
    """
    state, say = session.state, session.report.line
    aws = EmulatedAws.of(state)
    if aws is None or not state.processes:
        aws = running_aws(session)
    memory = {record: memory_bytes(record) for record in state.processes if is_running(record)}
    for record in state.processes:
        size = f"{memory[record] / MEBIBYTE:6.0f} MiB" if record in memory else "EXITED: run make up again"
        say(f"{record.role:10} process {record.pid:<8} {size}")
    say(f"{'total':10} {'':16} {sum(memory.values()) / MEBIBYTE:6.0f} MiB")
    say(f"mode            {f'containers of the engine at {state.engine}' if state.engine else 'a process'}")
    say(f"emulated AWS    {aws.endpoint}")
    if state.application is not None:
        say(f"application     {state.application.name} ({state.application.folder})")
    running_aws(session)
    if state.outputs:
        name = aws.load_balancer_name(state.outputs[Output.LOAD_BALANCER])
        say(f"load balancer   http://127.0.0.1:{state.load_balancer_port}/ (http://{name}:{state.gateway_port}/)")
    if state.console_port is not None:
        say(f"console         {console.url(state.console_port)}")
    if state.fake_ports is not None:
        say(f"fakes           {state.fake_ports}")
    if state.service is not None:
        say(f"service         {state.service.task_definition} on port {state.service.port}")
    all_run = len(memory) == len(state.processes)
    if state.containers is None:
        return all_run
    tasks = running_tasks(aws, state.outputs)
    for line in tasks or ["no task is running: see make logs"]:
        say(f"{'task':15} {line}")
    return all_run and bool(tasks)


def running_tasks(aws: EmulatedAws, outputs: Mapping[str, str]) -> list[str]:
    """Return a line for each container of the service's tasks; none while the emulator does not respond."""
    try:
        tasks = revision.tasks(aws, outputs)
    except (BotoCoreError, ClientError):
        return []
    return [
        f"{task['taskArn'].rpartition('/')[2][:8]} {task['taskDefinitionArn'].rpartition('/')[2]} {container['name']}: "
        f"{container['lastStatus'].lower()}, health {container['healthStatus'].lower()}"
        for task in tasks
        for container in task["containers"]
    ]


def memory_bytes(record: Record) -> int:
    """Return the memory of a process and its children: the proportional set size, where the kernel reports it."""
    try:
        root = psutil.Process(record.pid)
        return sum(_memory_of(process) for process in (root, *root.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0


def _memory_of(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
