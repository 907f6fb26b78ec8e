"""Start the console, or reuse the one that is running."""

from __future__ import annotations

import sys
from typing import Final

from flask_onetrace.contract import TRACE_ID_FIELD
from local.backing_services import console_page
from local.workspace.folders import STATE_VARIABLE
from local.workspace.http_client import is_ready
from local.workspace.ports import LOOPBACK, free_port, is_free
from local.workspace.session import Session

ROLE: Final = "console"
READY_SECONDS: Final = 30.0


def url(port: int) -> str:
    """Return the address of the page."""
    return f"http://{LOOPBACK}:{port}/"


def trace_url(session: Session) -> str:
    """Return the address of a trace's page, by the contract's `TRACE_ID_FIELD`; "" before the port is chosen."""
    port = session.state.console_port
    return "" if port is None else f"{url(port)}traces/{TRACE_ID_FIELD}"


def choose_port(session: Session) -> int:
    """Return the port, that of an earlier console if it can be had: an open page finds it again."""
    state = session.state
    if state.console_port is None or (session.running(ROLE) is None and not is_free(state.console_port)):
        state.console_port = free_port()
    return state.console_port


def ensure(session: Session) -> None:
    """Build the page where its sources have changed, and start the server where it does not run."""
    with session.report.step("Start the console") as step:
        console_page.build()
        port = choose_port(session)
        address = url(port)
        if session.running(ROLE) is None:
            command = [sys.executable, "-m", "local.console", "--port", str(port)]
            record = session.start(ROLE, command, {STATE_VARIABLE: str(session.folders.root)})
            session.supervisor.wait_until(
                lambda: is_ready(address), record, seconds=READY_SECONDS, what="The process of the console"
            )
        step.note = address
