"""Read the service's log group in the emulated CloudWatch: the errors of a request, and all lines for a file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import ACCESS_LOGGER, Output
from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.processes import CLOCK_SLACK_SECONDS
from local.workspace.session import Session

ROLE: Final = "log-group"
"""The name of the file in the folder of logs that has the log group's lines once its emulator is stopped."""
ARRIVAL_SECONDS: Final = 3.0
"""The sink ships its lines in batches, off the request thread."""
POLL_SECONDS: Final = 0.1
ERROR_LEVELS: Final = frozenset({"ERROR", "CRITICAL"})
MAX_LINES: Final = 30
"""The end of a traceback is in the application's own code, as a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    """The lines that a version of the application has written to the log group."""

    aws: EmulatedAws
    name: str
    version: str

    def errors_of(self, trace_id: str, since: float) -> list[str]:
        """Return the exception of a request, once its access line has arrived; [] where there is none.

        Without a trace id, or if nothing arrives, it is the newest error since `since`, in seconds since the epoch.
        """
        deadline = time.monotonic() + ARRIVAL_SECONDS
        while True:
            documents = list(self._documents(since - CLOCK_SLACK_SECONDS))
            of_request = [each for each in documents if trace_id and each.get("trace_id") == trace_id]
            if lines := _newest_error(of_request):
                return lines
            if not trace_id or any(map(_is_access_line, of_request)) or time.monotonic() > deadline:
                return [] if of_request else _newest_error(documents)
            time.sleep(POLL_SECONDS)

    def _documents(self, since: float) -> Iterator[dict[str, Any]]:
        for message in messages(self.aws, self.name, since=since):
            document = _parsed(message)
            if document.get("version") == self.version:
                yield document


def messages(aws: EmulatedAws, name: str, *, since: float = 0) -> list[str]:
    """Return the messages since a time in seconds, oldest first; [] while CloudWatch does not respond."""
    try:
        pages = aws.logs.get_paginator("filter_log_events").paginate(logGroupName=name, startTime=int(since * 1000))
        return [event["message"] for page in pages for event in page["events"]]
    except (BotoCoreError, ClientError):
        return []


def keep(session: Session) -> None:
    """Write the log group's lines to a file, before the emulator that holds them is stopped."""
    aws, name = EmulatedAws.of(session.state), session.state.outputs.get(Output.LOG_GROUP)
    if aws is None or name is None:
        return
    if lines := messages(aws, name):
        file = session.folders.log(ROLE)
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        session.report.line(f"  Wrote the lines of the log group {name} to {file}")


def _newest_error(documents: Iterable[dict[str, Any]]) -> list[str]:
    """Return the exception of the last error that has one, else the message of the last error."""
    errors = [each for each in documents if each.get("level") in ERROR_LEVELS and not _is_access_line(each)]
    with_exception = [each for each in errors if each.get("exception")]
    newest = (with_exception or errors)[-1:]
    lines = [line for each in newest for line in str(each.get("exception") or each.get("message")).splitlines()]
    return lines[-MAX_LINES:]


def _is_access_line(document: Mapping[str, Any]) -> bool:
    """Return whether it is the last line of a request."""
    return document.get("logger") == ACCESS_LOGGER


def _parsed(message: str) -> dict[str, Any]:
    try:
        document = json.loads(message)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
