"""Write one access line per request, but for the successful ones of quiet paths."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import time_ns

from flask_onetrace.telemetry.context.request_scope import RequestScope
from flask_onetrace.telemetry.log_lines import CLIENT_ERROR, SCOPE_ATTRIBUTE, SERVER_ERROR


class AccessLog:
    """Write one access line per request: to `sinks` directly, and to other handlers of its logger.

    A request to one of `quiet_paths` is written only if it fails, with a status of 400 or more.
    """

    def __init__(
        self, logger: str, sinks: Sequence[Callable[[RequestScope], None]], quiet_paths: frozenset[str] = frozenset()
    ) -> None:
        self.logger = logging.getLogger(logger)
        self._sinks = sinks
        self._quiet_paths = quiet_paths

    def write(self, scope: RequestScope) -> None:
        """Write the line of a request that has ended, if it has one: INFO, or ERROR for a 5xx."""
        if scope.path in self._quiet_paths and scope.status < CLIENT_ERROR and scope.aborted is None:
            return
        level = logging.ERROR if scope.status >= SERVER_ERROR else logging.INFO
        if not self.logger.isEnabledFor(level):
            return
        scope.created = time_ns() // 1_000_000
        for log_access in self._sinks:
            log_access(scope)
        logger = self.logger
        while (parent := logger.parent) is not None and not logger.handlers:
            logger = parent
        if parent is not None or len(logger.handlers) > 1:  # than ours on the root: it needs a log record
            self._write_record(scope, level)

    def _write_record(self, scope: RequestScope, level: int) -> None:
        text = f"{scope.method} {scope.path} {scope.status}"
        record = self.logger.makeRecord(self.logger.name, level, "", 0, text, (), None)
        setattr(record, SCOPE_ATTRIBUTE, scope)
        with suppress(Exception):  # a handler of the application's, which has nowhere else to say it
            self.logger.handle(record)
