"""Run the AWS emulator: `python -m local.emulator --port N`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local.emulator import UnsupportedVersionError, check_version, install
from local.emulator.confinement import confine
from local.workspace.folders import PRIVATE_UMASK, Folders

if TYPE_CHECKING:
    from local.containers.agent import ContainerAgent

HOST: Final = "127.0.0.1"
KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the clients' idle timeout, so that no client writes to a connection that is being closed."""
GRACE_SECONDS: Final = 3

KEY_VARIABLE: Final = "AWS_ACCESS_KEY_ID"
SECRET_VARIABLE: Final = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable

DISABLED_FEATURES: Final = {
    "AUTH": "false",  # local/emulator/permissions.py replaces it
    "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    "IOT_MTLS_ENABLED": "0",
    "LOCALSTACK_PERSISTENCE": "0",
    "PERSIST_STATE": "0",
    "S3_PERSIST": "0",
    "SERVICES": "",  # ministack's own filter; local/emulator/boundary.py replaces it
    "SFTP_ENABLED": "0",
    "USE_SSL": "0",
}
"""Settings that keep ministack from opening more listeners, starting containers and writing files."""


class MissingCredentialsError(ValueError):
    """The environment has no credentials for the administrator."""

    def __init__(self) -> None:
        super().__init__(
            f"--enforce-iam needs the administrator's credentials: set {KEY_VARIABLE} and {SECRET_VARIABLE}"
        )


class EngineError(RuntimeError):
    """The Docker engine does not respond, or refuses the network of the tasks."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    options = _options(arguments)
    try:
        check_version()
        listeners = [socket.create_server((HOST, port), backlog=256) for port in _ports(options)]
        administrator = _administrator() if options.enforce_iam else None
    except (UnsupportedVersionError, MissingCredentialsError) as error:
        return _fail(str(error))
    except (OSError, OverflowError) as error:
        addresses = " or ".join(f"{HOST}:{port}" for port in _ports(options))
        return _fail(f"cannot listen on {addresses} ({error}): choose another port or stop what listens there")
    address = f"{HOST}:{listeners[0].getsockname()[1]}"
    os.umask(PRIVATE_UMASK)
    _configure(address, options)
    try:
        agent = _agent(options, address)
    except EngineError as error:
        return _fail(str(error))
    confine(networks=[agent.subnet] if agent else [], sockets=[options.engine] if agent else [])
    # On import, the KMS module warns about an optional package that is not needed here.
    logging.getLogger("kms").setLevel(logging.ERROR)
    install(registry=address if options.push_here else None, administrator=administrator)
    asyncio.run(_serve(listeners, _run_on(agent, options)))
    return 0


def _agent(options: argparse.Namespace, address: str) -> ContainerAgent | None:
    """Return the container agent, None without an engine. Raises `EngineError`."""
    if options.engine is None:
        return None
    # The engine's client takes as long to import as all else here.
    from local.containers.engine import ENGINE_ERRORS, explanation  # noqa: PLC0415 - see above
    from local.emulator import container_mode  # noqa: PLC0415 - see above

    try:
        return container_mode.start_agent(options, f"http://{address}")
    except ENGINE_ERRORS as error:
        raise EngineError(f"the Docker engine at {options.engine} cannot be used: {explanation(error)}") from error


def _run_on(agent: ContainerAgent | None, options: argparse.Namespace) -> Callable[[], None] | None:
    """Have the agent run the tasks of ECS; return what ends them all."""
    if agent is None:
        return None
    from local.emulator import container_mode  # noqa: PLC0415 - as above

    return container_mode.install(agent, minute=options.metric_minute)


def _ports(options: argparse.Namespace) -> list[int]:
    return [port for port in (options.port, options.load_balancer_port) if port is not None]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.engine is not None and options.agent_settings is None:
        parser.error("--engine needs --agent-settings")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.emulator", description="An AWS emulator on 127.0.0.1.")
    parser.add_argument("--port", type=int, required=True, help="the port that serves every AWS service")
    parser.add_argument(
        "--load-balancer-port", type=int, help="a port of the one load balancer, by whatever name of this machine"
    )
    parser.add_argument("--region", default="us-east-1", help="the region of unsigned requests")
    parser.add_argument("--log-level", default="WARNING", help="ministack's own log: DEBUG, INFO, WARNING, ERROR")
    parser.add_argument(
        "--state-folder", type=Path, default=Folders.from_env().emulator, help="where ministack may write files"
    )
    parser.add_argument(
        "--push-here", action="store_true", help="name this port in image repositories, so that docker push reaches it"
    )
    parser.add_argument(
        "--enforce-iam",
        action="store_true",
        help=f"require signatures and permissions; {KEY_VARIABLE} and {SECRET_VARIABLE} are the administrator's",
    )
    parser.add_argument("--engine", type=Path, help="run the tasks of ECS by the Docker engine of this unix socket")
    parser.add_argument("--agent-settings", type=Path, help="what differs in these containers from the task definition")
    parser.add_argument(
        "--metric-minute", type=_seconds, default=60, help="the seconds of a minute of the alarms' periods, for tests"
    )
    return parser


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")


def _administrator() -> tuple[str, str]:
    """Take the administrator's credentials out of the environment, in which ministack looks for its own."""
    key, secret = (os.environ.pop(name, "") for name in (KEY_VARIABLE, SECRET_VARIABLE))
    if not key or not secret:
        raise MissingCredentialsError
    return key, secret


def _fail(message: str) -> int:
    sys.stderr.write(f"local.emulator: {message}\n")
    return 1


def _configure(address: str, options: argparse.Namespace) -> None:
    """Set the environment variables that ministack reads at import."""
    host, _, port = address.partition(":")
    os.environ.update(DISABLED_FEATURES)
    os.environ.update(
        BIND_HOST=host, GATEWAY_PORT=port, LOG_LEVEL=options.log_level.upper(), MINISTACK_REGION=options.region
    )
    # Not in the shared /tmp, ministack's default: a module writes an RSA key there on import.
    folder = options.state_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.update(STATE_DIR=str(folder), S3_DATA_DIR=str(folder / "s3"), TMPDIR=str(folder))


async def _serve(listeners: list[socket.socket], close: Callable[[], None] | None) -> None:
    from hypercorn.asyncio import serve  # noqa: PLC0415 - after the environment is set
    from hypercorn.config import Config  # noqa: PLC0415 - the same
    from ministack import app  # noqa: PLC0415 - the same

    from local.emulator import boundary  # noqa: PLC0415 - the same

    # ministack would run the start-up scripts that it finds on this machine for its container.
    app._collect_scripts = lambda *_directories: []
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}" for listener in listeners]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.graceful_timeout = GRACE_SECONDS
    config.loglevel = "WARNING"
    front_port = listeners[-1].getsockname()[1] if len(listeners) > 1 else None

    async def shut_down() -> None:
        await stop.wait()
        if close is not None:
            await asyncio.to_thread(close)

    await serve(boundary.application(front_port), config, shutdown_trigger=shut_down)


if __name__ == "__main__":
    sys.exit(main())
