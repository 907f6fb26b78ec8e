"""Run the tasks of ECS in containers of a Docker engine: what the emulator does beside its plug-ins with `--engine`."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from typing import Final

from local.containers.agent import ContainerAgent
from local.containers.engine import connect
from local.containers.launch import Agent, Credentials

_log: Final = logging.getLogger(__name__)


def start_agent(options: argparse.Namespace, endpoint: str) -> ContainerAgent:
    """Connect to the engine of the command line. Raises `DockerException`."""

    def assume_role(role: str, session: str) -> Credentials:
        from local.emulator import role_sessions  # noqa: PLC0415 - importing ministack reads the environment

        return role_sessions.assume_role(role, session)

    return ContainerAgent(
        engine=connect(options.engine),
        state_folder=options.state_folder,
        settings_file=options.agent_settings,
        endpoint=endpoint,
        region=options.region,
        assume_role=assume_role,
        log=_log.warning,
    )


def install(agent: Agent, *, minute: float) -> Callable[[], None]:
    """Have the emulated services run their tasks on the agent, after the plug-ins; return what ends all tasks.

    The tasks have to end while the APIs that they send their last telemetry to still respond.
    """
    # Importing ministack reads the environment.
    from local.emulator import plugins  # noqa: PLC0415 - see above
    from local.emulator.scheduling import deployments, steady_state, tasks  # noqa: PLC0415 - see above
    from local.emulator.scheduling.scheduler import Scheduler  # noqa: PLC0415 - see above

    scheduler = Scheduler(minute)
    plugins.install_load_balancing(minute=minute)
    deployments.install()
    steady_state.install()
    tasks.install(agent, scheduler.wake)
    scheduler.install()

    def close() -> None:
        scheduler.close()
        agent.close()

    return close
