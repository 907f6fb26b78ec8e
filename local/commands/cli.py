"""Parse `python -m local <command>`, run the command and return its exit code."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType
from typing import Final, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from local.application.selection import refuse_unselected
from local.commands.down import down
from local.commands.logs import logs
from local.commands.run import run_command
from local.commands.status import status
from local.commands.up import up
from local.workspace.errors import FailedStepError
from local.workspace.folders import PRIVATE_UMASK, Folders
from local.workspace.report import Report
from local.workspace.session import Session
from operations.errors import OperatorError

INTERRUPTED: Final = 130
"""A shell's exit code for Ctrl-C: 128 + SIGINT."""


def main() -> int:
    """Run one command. Every failure prints one message to standard error and returns a non-zero exit code."""
    options = _parser().parse_args()
    os.umask(PRIVATE_UMASK)  # the child processes inherit it
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    report = Report(sys.stdout)
    try:
        return _run(options, report)
    except KeyboardInterrupt:
        report.line()
        return 0 if options.command == "logs" else _fail("Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        # The reader of the output is gone: without this, the interpreter prints a second error when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FailedStepError as error:
        return _fail("\n".join((*(f"    {line}" for line in error.lines), f"error: {error}")))
    except OperatorError as error:
        return _fail(f"error: {error}")
    except (BotoCoreError, ClientError) as error:
        return _fail(f"error: A request to the emulator failed: {error}. Run make down, then make up.")


def _run(options: argparse.Namespace, report: Report) -> int:
    folders = Folders.from_env()
    if options.command == "down":
        down(Session.fresh(folders, os.environ, report))
        return 0
    if options.command == "up":
        up(Session.fresh(folders, os.environ, report))
        return 0
    session = Session.open(folders, os.environ, report)
    refuse_unselected(session.state.application, session.environ)
    if options.command == "logs":
        logs(session, follow=not options.no_follow)
        return 0
    if options.command == "run":
        run_command(session, options.line)
    if options.command == "ask":
        from local.commands.ask import ask  # noqa: PLC0415 - it validates JSON schemas, which no edit should wait for

        ask(session, markdown=options.markdown)
        return 0
    return 0 if status(session) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Run the whole deployment on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="deploy into the AWS emulator, send two requests, show where they arrived")
    commands.add_parser("down", help="stop everything that up started")
    commands.add_parser("status", help="show what is running")
    run_parser = commands.add_parser("run", help="run a command with the environment of the deployed task")
    run_parser.add_argument("line", help="the command, for a shell")
    ask_parser = commands.add_parser("ask", help="run every saved query over the telemetry so far")
    ask_parser.add_argument("--markdown", action="store_true", help="print tables in Markdown")
    logs_parser = commands.add_parser("logs", help="follow the log lines")
    logs_parser.add_argument("--no-follow", action="store_true", help="print the lines so far and exit")
    return parser


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signal module's signature
    raise KeyboardInterrupt


def _fail(message: str, code: int = 1) -> int:
    sys.stderr.write(f"{message}\n")
    return code
