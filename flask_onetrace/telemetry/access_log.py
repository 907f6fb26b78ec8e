"""Write one access line per request, but for the successful ones of quiet paths."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import time_ns

from flask_onetrace.telemetry.context.request_scope import RequestScope
from flask_onetrace.telemetry.log_lines import CLIENT_ERROR, SCOPE_ATTRIBUTE, SERVER_ERROR


class AccessLog:
    """Write one access line per request: to `sinks` directly, and to handlers that its own logger has.

    Not to those of the root logger: what an application sends from there, as to an error tracker or by mail, is its own
    lines. Lines below `level` are left out, and of the requests to one of `quiet_paths` those that do not fail, with a
    status of 400 or more.
    """

    def __init__(
        self,
        logger: str,
        sinks: Sequence[Callable[[RequestScope], None]],
        level: int,
        quiet_paths: frozenset[str] = frozenset(),
    ) -> None:
        self.logger = logging.getLogger(logger)
        self.logger.propagate = False
        if self.logger.level == logging.NOTSET:  # else the root logger's would count
            self.logger.setLevel(logging.DEBUG)
        self._level = level
        self._sinks = sinks
        self._quiet_paths = quiet_paths

    def write(self, scope: RequestScope) -> None:
        """Write the line of a request that has ended, if it has one: INFO, or ERROR for a 5xx."""
        if scope.path in self._quiet_paths and scope.status < CLIENT_ERROR and scope.aborted is None:
            return
        level = logging.ERROR if scope.status >= SERVER_ERROR else logging.INFO
        if level < self._level or not self.logger.isEnabledFor(level):
            return
        scope.created = time_ns() // 1_000_000
        for log_access in self._sinks:
            log_access(scope)
        if self.logger.handlers:
            self._write_record(scope, level)

    def _write_record(self, scope: RequestScope, level: int) -> None:
        text = f"{scope.method} {scope.path} {scope.status}"
        with suppress(Exception):  # a handler or record factory of the application's, which has nowhere else to say it
            record = self.logger.makeRecord(self.logger.name, level, "", 0, text, (), None)
            setattr(record, SCOPE_ATTRIBUTE, scope)
            self.logger.handle(record)
