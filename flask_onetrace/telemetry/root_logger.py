"""Give the sinks what reaches the root logger, and leave the application's own logging as it is.

The sinks' handler is not among the root logger's: an application that replaces those, as `basicConfig(force=True)` and
`dictConfig` do, or clears them, does not touch it, and `basicConfig()` finds the root logger as empty as it is. Where
`LOG_LEVEL` is below the root logger's level, records in between are for the sinks alone.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from flask_onetrace.telemetry.context.trace_scope import SCOPE_KEY
from flask_onetrace.telemetry.current_context import current_context
from flask_onetrace.telemetry.export.threads import is_export_thread
from flask_onetrace.telemetry.observed_apps import observed_apps
from flask_onetrace.telemetry.safe_logging import safe_logger

logger = safe_logger(__name__)

_OWN_LOGGERS = f"{__name__.partition('.')[0]}."
_VERBOSE_LOGGERS = ("botocore", "boto3", "urllib3", "rollbar")
"""Libraries of the sinks whose INFO lines would be billed without being of use."""


class _Canary(logging.Handler):
    """A handler of no logger, to be closed with all others."""

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
        """Whether logging may have been configured anew."""
        self.watch()

    def watch(self) -> None:
        """Wait for `logging.config`, which closes the handlers that there are, and forgets them."""
        self.was_closed = False
        self._canary = _Canary(self)

    def handle(self, record: logging.LogRecord) -> bool:
        """Hand `record` on, unless a library logged it while sending telemetry: that would be a feedback loop.

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

    def setLevel(self, level: int | str) -> None:  # noqa: N802 - the method of `logging.Logger`
        """Set the application's level."""
        super().setLevel(level)
        self.application_level = self.level
        self.share()

    def share(self) -> None:
        """Let records pass that the application lets pass, and those that the sinks of any app take."""
        level = min((self.application_level, *(telemetry.log_level for telemetry in observed_apps)))
        if level != self.level:
            super().setLevel(level)
        if level < self.application_level and logging.Logger.callHandlers is _call_handlers:
            logging.Logger.callHandlers = _call_handlers_by_level  # type: ignore[method-assign]  # with the first such app

    def hasHandlers(self) -> bool:  # noqa: N802 - as above
        """Return whether the application has given it some."""
        return bool(self.handlers)


log_handler: Final = ScopedLogHandler()
"""The one that feeds the sinks of all apps."""
_root: Final = logging.getLogger()
_beyond_root: Final = logging.Logger("beyond the root logger")  # noqa: LOG001 - not in the hierarchy of names
_beyond_root.addHandler(log_handler)
_call_handlers: Final = logging.Logger.callHandlers


def _call_handlers_by_level(self: logging.Logger, record: logging.LogRecord) -> None:
    """Give a record that is below the application's level to the sinks alone.

    A logger with a level of its own, or one above it, has that instead of the root logger's.
    """
    if record.levelno >= _root.application_level:  # type: ignore[attr-defined]  # its class is that since `install`
        _call_handlers(self, record)
        return
    each: logging.Logger | None = self
    reaches_root = True
    while each is not _root:
        if each is None or each.level:
            _call_handlers(self, record)
            return
        if not each.propagate:
            reaches_root = False
        each = each.parent
    if reaches_root and _root.parent is _beyond_root:
        log_handler.handle(record)


def install() -> None:
    """Feed the sinks, at the lowest level of any app. Call it for each app, with the lock of `observed_apps`."""
    if not isinstance(_root, SharedRootLogger):
        application_level = _root.level
        _root.__class__ = SharedRootLogger
        vars(_root)["application_level"] = application_level
        if application_level > logging.INFO:  # else the application wants them
            for each in map(logging.getLogger, _VERBOSE_LOGGERS):
                each.setLevel(each.level or logging.WARNING)
    share()
    if log_handler.was_closed:  # the application has configured logging at its import, after this module's
        log_handler.watch()
        for logger_of_ours in _loggers_of(_OWN_LOGGERS):
            logger_of_ours.disabled = False


def share() -> None:
    """Take what the apps that there are take. Call it with the lock of `observed_apps`."""
    _root.parent = _beyond_root if any(observed_apps) else None
    if isinstance(_root, SharedRootLogger):
        _root.share()


def restore(access_logger: logging.Logger, package: str) -> None:
    """Undo what `logging.config` does to existing loggers if it runs after the app is created: it disables them.

    They are ours and those of the application's `package`.
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
    """Return the loggers that there are of `packages`, each with a dot at its end."""
    names = tuple(logging.getLogger().manager.loggerDict)
    return [logging.getLogger(name) for name in names if f"{name}.".startswith(packages)]
