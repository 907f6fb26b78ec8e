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
from local.commands.run import run_command
from local.commands.status import status
from local.commands.up import up
from local.commands.verify import WAIT_SECONDS, verify_local
from local.workspace.errors import FailedStepError
from local.workspace.folders import PRIVATE_UMASK, Folders
from local.workspace.interrupts import INTERRUPTS, ignore_interrupts
from local.workspace.report import Report
from local.workspace.session import Session
from operations.errors import OperatorError
from operations.output import escape_unencodable
from operations.traces.options import add_list_options, add_show_options
from operations.verification.options import Options, add_to

CLEANED_UP: Final = frozenset({"up", "down", "verify"})
"""The commands that clean up, the terminal or what they started, when a signal interrupts them."""
INTERRUPTED: Final = 130
"""A shell's exit code for Ctrl-C: 128 + SIGINT."""


def main() -> int:
    """Run one command. Every failure prints one message to standard error and returns a non-zero exit code."""
    escape_unencodable()
    options = _parser().parse_args()
    os.umask(PRIVATE_UMASK)  # the child processes inherit it
    handler = _interrupt if options.command in CLEANED_UP else _exit
    for each in INTERRUPTS:
        signal.signal(each, handler)
    report = Report(sys.stdout)
    try:
        return _run(options, report)
    except KeyboardInterrupt:
        report.line()
        return _fail("Interrupted.", INTERRUPTED)
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
    if options.command in ("up", "down"):
        command = up if options.command == "up" else down
        command(Session.fresh(folders, os.environ, report))
        return 0
    if options.command == "mcp":
        from local.commands.mcp import mcp  # noqa: PLC0415 - no other command needs its SDK

        mcp(folders, report)
        return 0
    session = Session.open(folders, os.environ, report)
    refuse_unselected(session.state.application, session.environ)
    if options.command == "logs":
        from local.commands.logs import logs  # noqa: PLC0415 - for the same reason

        logs(session, follow=not options.no_follow, as_json=options.json, terms=options.filter)
        return 0
    if options.command in _READERS:
        return _READERS[options.command](session, options)
    if options.command == "run":
        run_command(session, options.line)
    if options.command == "ask":
        from local.commands.ask import ask  # noqa: PLC0415 - it validates JSON schemas, which no edit should wait for

        ask(session, markdown=options.markdown, trace=options.trace)
        return 0
    return 0 if status(session) else 1


def _trace(session: Session, options: argparse.Namespace) -> int:
    from local.commands.trace import trace  # noqa: PLC0415 - it imports what draws a tree, which no edit should wait for

    return trace(session, options)


def _traces(session: Session, options: argparse.Namespace) -> int:
    from local.commands.traces import traces  # noqa: PLC0415 - as above

    return traces(session, options)


def _verify(session: Session, options: argparse.Namespace) -> int:
    return verify_local(session, Options.of(options))


_READERS: Final = {"trace": _trace, "traces": _traces, "verify": _verify}
"""The commands that read telemetry, by name."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Run the whole deployment on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="deploy into the AWS emulator, send two requests, show where they arrived")
    commands.add_parser("down", help="stop everything that up started")
    commands.add_parser("status", help="show what is running")
    verify_parser = commands.add_parser("verify", help="send a request of each kind and find it in every place")
    add_to(verify_parser, wait=WAIT_SECONDS)
    add_show_options(commands.add_parser("trace", help="print one trace of all four places"))
    add_list_options(commands.add_parser("traces", help="print the newest requests"))
    run_parser = commands.add_parser("run", help="run a command with the environment of the deployed task")
    run_parser.add_argument("line", help="the command, for a shell")
    ask_parser = commands.add_parser("ask", help="run every saved query over the telemetry so far")
    ask_parser.add_argument("--trace", metavar="ID", help="run the queries about one trace, with this id")
    ask_parser.add_argument("--markdown", action="store_true", help="print tables in Markdown")
    commands.add_parser("mcp", help="serve the traces to a coding agent, on standard input and output")
    logs_parser = commands.add_parser("logs", help="follow the log lines")
    logs_parser.add_argument("--filter", default="", help="print the lines of requests that match (docs/traces.md)")
    logs_parser.add_argument("--json", action="store_true", help="print the application's lines as they are")
    logs_parser.add_argument("--no-follow", action="store_true", help="print the lines so far and exit")
    return parser


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signal module's signature
    """Interrupt the command once: a second signal must not interrupt its cleanup."""
    ignore_interrupts()
    raise KeyboardInterrupt


def _exit(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signal module's signature
    """End a command that has nothing to clean up, wherever it is: an exception could be raised in a destructor.

    To be ended is how a command that follows succeeds.
    """
    os._exit(0 if "logs" in sys.argv[1:2] else 128 + number)


def _fail(message: str, code: int = 1) -> int:
    sys.stderr.write(f"{message}\n")
    return code
