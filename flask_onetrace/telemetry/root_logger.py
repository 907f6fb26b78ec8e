"""Hand the records that reach the root logger to the sinks, without a change of the application's own logging.

The sinks' handler is none of the root logger's. So an application that replaces or clears those, as
`basicConfig(force=True)` and `dictConfig` do, does not remove it, and `basicConfig()` sees no handler that the
application has not added. Where a sink takes lines it belongs to a parent of the root logger, else it is called after
the application's. If `LOG_LEVEL` is below the root logger's level, records between the two are for the sinks alone.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from flask_onetrace.telemetry.context.trace_scope import SCOPE_KEY
from flask_onetrace.telemetry.current_context import current_context
from flask_onetrace.telemetry.export.threads import is_export_thread
from flask_onetrace.telemetry.observed_apps import observed_apps
from flask_onetrace.telemetry.safe_logging import safe_logger, sinks_handlers

logger = safe_logger(__name__)

_OWN_LOGGERS = f"{__name__.partition('.')[0]}."
_VERBOSE_LOGGERS = ("botocore", "boto3", "urllib3", "rollbar")
"""Libraries of the sinks whose INFO lines would be billed without being of use."""


class _CloseDetector(logging.Handler):
    """A handler of no logger that notices when `logging.config` closes all handlers."""

    def __init__(self, scoped: ScopedLogHandler) -> None:
        super().__init__()
        self._scoped = scoped

    def close(self) -> None:
        self._scoped.was_closed = True
        super().close()


class ScopedLogHandler(logging.Handler):
    """Hand each record to the log handlers of the current app."""

    def __init__(self) -> None:
        super().__init__()
        self.was_closed: bool
        """Whether `logging.config` may have replaced the configuration since `watch` was called."""
        self.watch()

    def watch(self) -> None:
        """Reset `was_closed`, and set it once `logging.config` closes all existing handlers."""
        self.was_closed = False
        self._close_detector = _CloseDetector(self)  # `logging` has a weak reference only

    def handle(self, record: logging.LogRecord) -> bool:
        """Pass `record` on, unless a library logged it while sending telemetry: that would be a feedback loop.

        Without the lock that `logging.Handler` takes: each app's handlers have their own.
        """
        scope: Any = current_context().get(SCOPE_KEY)
        if scope is not None:  # as in `current_telemetry`, without calls; an export thread has none
            telemetry = scope.telemetry
        elif is_export_thread() and not record.name.startswith(_OWN_LOGGERS):
            return False
        else:
            telemetry = observed_apps.latest()
        if telemetry is None or record.levelno < telemetry.log_level:
            return True
        if record.name != telemetry.config.access_logger:  # the sinks have access lines
            for handler in telemetry.log_handlers:
                handler.handle(record)
        return True


class SharedRootLogger(logging.RootLogger):
    """The root logger with two levels: the application's, and that of the sinks where it is lower."""

    application_level: int
    """The level that the application has set."""
    has_assigned_handlers = False
    """Whether the application has set `handlers`: then Flask, and `logging` itself, see those alone."""

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, and see no handler of the sinks beside handlers that the application assigns."""
        super().__setattr__(name, value)
        if name == "handlers":
            self.has_assigned_handlers = True
            with observed_apps.lock:
                update()

    def setLevel(self, level: int | str) -> None:  # noqa: N802 - the method of `logging.Logger`
        """Set the application's level."""
        super().setLevel(level)
        self.application_level = self.level
        self.update_level()

    def update_level(self) -> None:
        """Set the level to the lowest of the application's and those of the apps' sinks."""
        level = min((self.application_level, *(telemetry.log_level for telemetry in observed_apps)))
        if level != self.level:
            super().setLevel(level)
        is_needed = level < self.application_level or (self.parent is None and any(observed_apps))
        if is_needed and logging.Logger.callHandlers is _call_handlers:
            logging.Logger.callHandlers = _call_handlers_and_sinks  # type: ignore[method-assign]  # once an app needs it

    def hasHandlers(self) -> bool:  # noqa: N802 - as above
        """Return whether the application has added handlers to it; the sinks' does not count."""
        return bool(self.handlers)


log_handler: Final = ScopedLogHandler()
"""The handler for the sinks of all apps."""
_root: Final = logging.getLogger()
_sinks_logger: Final = logging.Logger("parent of the root logger")  # noqa: LOG001 - not in the hierarchy of names
_sinks_logger.addHandler(log_handler)
sinks_handlers.append(log_handler)
_call_handlers: Final = logging.Logger.callHandlers


def _call_handlers_and_sinks(self: logging.Logger, record: logging.LogRecord) -> None:
    """Replace `logging.Logger.callHandlers`: the application's handlers take a record by its level, the sinks anyway.

    That level does not apply to a logger that has a level itself, or inherits one from another than the root logger.
    """
    is_for_application = record.levelno >= _root.application_level  # type: ignore[attr-defined]  # its class since `install`
    reaches_root = True
    each: logging.Logger | None = self
    while each is not _root:
        if each is None:  # a logger that is not in the hierarchy of names
            _call_handlers(self, record)
            return
        if each.level:
            is_for_application = True
        if not each.propagate:
            reaches_root = False
        each = each.parent
    if is_for_application and (self.hasHandlers() or not record.name.startswith(_OWN_LOGGERS)):
        _call_handlers(self, record)  # which prints what nobody handles, but no line of ours, as it may hold a secret
    if reaches_root and not (is_for_application and _root.parent is _sinks_logger):
        log_handler.handle(record)


def install() -> None:
    """Connect the sinks of a new app to the root logger. The caller has the lock of `observed_apps`."""
    if not isinstance(_root, SharedRootLogger):
        application_level = _root.level
        _root.__class__ = SharedRootLogger
        vars(_root)["application_level"] = application_level
        if application_level > logging.INFO:  # else the application has asked for such lines
            for each in map(logging.getLogger, _VERBOSE_LOGGERS):
                each.setLevel(each.level or logging.WARNING)
    update()
    if log_handler.was_closed:  # the application has configured logging at its import, after this module's
        log_handler.watch()
        for logger_of_ours in _loggers_of(_OWN_LOGGERS):
            logger_of_ours.disabled = False


def update() -> None:
    """Connect the sinks while there are apps, at their lowest level. The caller has the lock of `observed_apps`.

    Flask, and `logging` itself, print what no handler takes: where a sink takes lines it has to be seen as one, and
    where none does it must not be.
    """
    takes_lines = any(telemetry.log_handlers for telemetry in observed_apps)
    is_seen = takes_lines and not getattr(_root, "has_assigned_handlers", False)
    _root.parent = _sinks_logger if is_seen else None
    if isinstance(_root, SharedRootLogger):
        _root.update_level()


def restore(access_logger: logging.Logger, package: str) -> None:
    """Enable the loggers of this package and of the application's `package`, and `access_logger`, with a warning.

    `logging.config` disables existing loggers, if it runs after the app was created.
    """
    log_handler.watch()
    loggers = {access_logger, *_loggers_of(_OWN_LOGGERS, f"{package}.")}
    if not any(each.disabled for each in loggers):
        return
    with observed_apps.lock:
        for each in loggers:
            each.disabled = False
    logger.warning(
        "logging was configured after the app was created, which silenced the application's lines: they are on again."
        " Configure logging first, or with disable_existing_loggers=False"
    )


def _loggers_of(*packages: str) -> list[logging.Logger]:
    """Return the existing loggers of `packages`, names that end with a dot each."""
    names = tuple(logging.getLogger().manager.loggerDict)
    return [logging.getLogger(name) for name in names if f"{name}.".startswith(packages)]
