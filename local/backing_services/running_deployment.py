"""Find the deployment that is up now: `make up` may have replaced it since a long-running reader was started."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from local.application.selection import deployed_application
from local.backing_services.deployment import local_deployment
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session
from local.workspace.state import State
from operations.traces.deployment import Deployment


class RunningDeployment:
    """The deployment of the state file, the same object as long as its state is the same."""

    def __init__(self, folders: Folders, environ: Mapping[str, str], report: Report) -> None:
        self._folders = folders
        self._environ = environ
        self._report = report
        self._lock = Lock()
        self._found: tuple[State, Deployment] | None = None

    def deployment(self) -> Deployment:
        """Return the deployment. Raises `OperatorError` where none is up, or its emulator has died."""
        session = Session.open(self._folders, self._environ, self._report)
        running = local_deployment(session)
        with self._lock:
            if self._found is None or self._found[0] != session.state:
                self._found = session.state, running
            return self._found[1]

    def session(self) -> Session:
        """Return what `make up` has recorded, with its application. Raises `OperatorError` where nothing is up."""
        session = Session.open(self._folders, self._environ, self._report)
        session.selected = deployed_application(session.state.application)
        return session
