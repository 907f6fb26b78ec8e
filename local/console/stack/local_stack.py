"""Find what is deployed now: it takes the emulator alone, though the service or the fakes have died."""

from __future__ import annotations

from collections.abc import Callable

from infra.names import Names
from local.application.selection import deployed_application
from local.backing_services.emulated_aws import REGION, EmulatedAws
from local.backing_services.running import NotRunningError, running_aws
from local.workspace.ports import LOOPBACK
from local.workspace.session import ENVIRONMENT, Session
from operations.traces.deployment import Deployment


class LocalStack:
    """The stacks in the emulator that a session records (`StackSource`)."""

    def __init__(self, session: Callable[[], Session]) -> None:
        self.session = session
        self._aws: EmulatedAws | None = None

    def deployment(self) -> Deployment:
        """Return the deployment. Raises `OperatorError` where none is up, or the emulator has died."""
        session = self.session()
        state, aws = session.state, running_aws(session)
        if not state.outputs:
            raise NotRunningError("make up has not deployed anything yet", "Wait until it ends")
        if self._aws != aws:
            self._aws = aws  # the same one for as long as it runs: its clients take long to create
        return Deployment(
            names=Names(deployed_application(state.application), ENVIRONMENT, tutorial=True),
            region=REGION,
            url=f"http://{LOOPBACK}:{state.load_balancer_port}",
            outputs=state.outputs,
            aws=self._aws or aws,
        )
