"""Stop everything that `up` started, recorded or not."""

from __future__ import annotations

from local.workspace.errors import LocalError
from local.workspace.lock import exclusive
from local.workspace.session import Desk
from local.workspace.state import Record, State


def down(desk: Desk) -> None:
    """Stop the recorded processes in reverse order, then any other that carries this state folder's mark."""
    desk.folders.make()
    with exclusive(desk.folders.lock_file):
        stopped = desk.stop(list(reversed(_recorded(desk))))
        strays = desk.stop(desk.supervisor.strays())
        desk.folders.state_file.unlink(missing_ok=True)
    for record in stopped:
        desk.report.line(f"Stopped {record.role} (process {record.pid})")
    for record in strays:
        desk.report.line(f"Stopped {record.role} (process {record.pid}), left over from an earlier crash")
    if not stopped and not strays:
        desk.report.line("Nothing was running")


def _recorded(desk: Desk) -> list[Record]:
    try:
        desk.state = State.load(desk.folders.state_file)
    except LocalError as error:
        desk.report.line(f"{error.problem}: stopping by mark alone")
        desk.state = State()
    return list(desk.state.processes)
