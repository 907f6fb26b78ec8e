"""Stop every process that `up` started, recorded or not."""

from __future__ import annotations

from local.application.selection import refuse_unselected
from local.backing_services import emulator, postgresql
from local.workspace.lock import exclusive
from local.workspace.session import Session
from local.workspace.state import Record, State
from operations.errors import OperatorError


def down(session: Session) -> None:
    """Stop the recorded processes in reverse order, then orphans of this state folder.

    Raises `OperatorError` if `APP` selects another application than the one that is up.
    """
    session.folders.make()
    with exclusive(session.folders.lock_file):
        recorded = _recorded(session)
        refuse_unselected(session.state.application, session.environ)
        stopped = emulator.stop(session, list(reversed(recorded)))
        # An emulator among them may run containers.
        orphans = session.stop(session.supervisor.orphans(), emulator.TASKS_GRACE_SECONDS)
        postgresql.delete(session)
        session.folders.state_file.unlink(missing_ok=True)
        session.folders.remove_temporary()
    for record in stopped:
        session.report.line(f"Stopped {record.role} (process {record.pid})")
    for record in orphans:
        session.report.line(f"Stopped {record.role} (process {record.pid}), orphaned by an earlier crash")
    if not stopped and not orphans:
        session.report.line("Nothing was running")


def _recorded(session: Session) -> list[Record]:
    try:
        session.state = State.load(session.folders.state_file)
    except OperatorError as error:
        session.report.line(f"{error.problem}: finding processes by their environment instead")
        session.state = State()
    return list(session.state.processes)
