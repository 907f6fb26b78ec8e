"""Show on one screen what runs."""

from __future__ import annotations

import psutil

from local.backing_services.emulated_aws import EmulatedAws
from local.smoke_test.run import balancer_host
from local.workspace.processes import is_running
from local.workspace.session import Desk
from local.workspace.state import Record

MEBIBYTE = 1024 * 1024


def status(desk: Desk) -> bool:
    """Print the processes, their memory and the addresses; returns whether everything recorded runs."""
    state, say = desk.state, desk.report.line
    if not state.processes or state.gateway_port is None:
        say("Nothing is up. Start with make up.")
        return False
    running = [record for record in state.processes if is_running(record)]
    sizes = {record: memory(record) for record in running}
    for record in state.processes:
        shown = f"{sizes[record] / MEBIBYTE:6.0f} MiB" if record in sizes else "ENDED: run make up again"
        say(f"{record.role:10} process {record.pid:<8} {shown}")
    say(f"{'together':10} {'':16} {sum(sizes.values()) / MEBIBYTE:6.0f} MiB")
    aws = EmulatedAws(state.gateway_port)
    say(f"emulated AWS    {aws.endpoint}")
    if state.outputs:
        say(f"load balancer   http://{balancer_host(desk, aws)}/")
    if state.stand_ins is not None:
        ports = state.stand_ins
        say(f"stand-ins       Honeycomb :{ports.honeycomb}  Rollbar :{ports.rollbar}  X-Ray daemon :{ports.daemon}")
    if state.service is not None:
        say(f"service         {state.service.task_definition} on port {state.service.port}")
    return len(running) == len(state.processes)


def memory(record: Record) -> int:
    """Return the bytes of a process and its children: shared pages in proportion where the system tells them."""
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
