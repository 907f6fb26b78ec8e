"""Turn `python -m local <command>` into a call and its outcome into an exit code."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType
from typing import Final, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from local.commands.ask import ask
from local.commands.down import down
from local.commands.logs import logs
from local.commands.status import status
from local.commands.up import up
from local.workspace.errors import FailedStepError, LocalError
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Desk

INTERRUPTED: Final = 130
"""What a shell reports for Ctrl-C: 128 + SIGINT."""


def main() -> int:
    """Run one command. Every failure is one message on standard error and a non-zero exit."""
    chosen = _arguments()
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    report = Report(sys.stdout)
    try:
        return _run(chosen, report)
    except KeyboardInterrupt:
        report.line()
        return 0 if chosen.command == "logs" else _fail("Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output is gone; without this the interpreter would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FailedStepError as error:
        return _fail("\n".join((*(f"    {line}" for line in error.lines), f"error: {error}")))
    except LocalError as error:
        return _fail(f"error: {error}")
    except (BotoCoreError, ClientError) as error:
        return _fail(f"error: The emulator did not do what was asked: {error}. Run make down, then make up.")


def _run(chosen: argparse.Namespace, report: Report) -> int:
    folders = Folders.from_env()
    if chosen.command == "down":
        down(Desk.fresh(folders, os.environ, report))
        return 0
    if chosen.command == "up":
        up(Desk.fresh(folders, os.environ, report))
        return 0
    desk = Desk.open(folders, os.environ, report)
    if chosen.command == "logs":
        logs(desk, follow=not chosen.no_follow)
        return 0
    if chosen.command == "ask":
        ask(desk, markdown=chosen.markdown)
        return 0
    return 0 if status(desk) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole deployment on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="deploy into an embedded AWS, send a request, show where it is seen")
    commands.add_parser("down", help="stop everything that up started")
    commands.add_parser("status", help="show what runs")
    asking = commands.add_parser("ask", help="ask every saved question of what was seen so far")
    asking.add_argument("--markdown", action="store_true", help="print tables in Markdown")
    following = commands.add_parser("logs", help="follow the log lines")
    following.add_argument("--no-follow", action="store_true", help="print what there is and end")
    return parser.parse_args()


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signal module's signature
    raise KeyboardInterrupt


def _fail(message: str, code: int = 1) -> int:
    sys.stderr.write(f"{message}\n")
    return code
