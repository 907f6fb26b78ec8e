"""Load the application that `FLASK_APP` names, as Flask itself does, and say why one cannot be loaded."""

from __future__ import annotations

import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import flask.cli
from flask import Flask
from flask.cli import NoAppException, ScriptInfo, prepare_import

from flask_onetrace.contract import DEFAULT_APP_FILES, Variable

_EXAMPLE: Final = "for example `orders:create_app()` or `orders:app`, as `flask --app` takes it"
_RUN_FROM_CLI_VARIABLE: Final = "FLASK_RUN_FROM_CLI"
"""Set by the `flask` command, and read by `Flask.run`."""
_INVALID_APP_TEXTS: Final = ("valid Flask application was not obtained", "Failed to find Flask application")
"""Flask's words for an object of another class, and for a module that has none of its own."""
_UNSUPPORTED_APP_HINT: Final = (
    "WSGI middleware around an application is observed with it if it is assigned to it,"
    " `app.wsgi_app = Middleware(app.wsgi_app)`; an ASGI application, such as FastAPI's, cannot be observed"
)
_ASYNC_FACTORY_HINT: Final = "It is an async function: make it a plain one, which may call `asyncio.run` itself"
_DEFAULT_NAMES: Final = ("app", "application")
_INNER_APP_ATTRIBUTES: Final = ("app", "application", "wsgi_app", "_app")
"""Where WSGI middleware keeps what it is around: Werkzeug's, WhiteNoise, python-socketio."""
_MAX_LAYERS: Final = 16
_MAX_SHOWN: Final = 200
"""Characters of the variable, and of an error about it."""
_REMEDY: Final = "correct the application, or install what it needs"
_VARIABLE_REMEDY: Final = (
    "its environment has no {0}. Set it; with these stacks, give it {0} by [secrets] or [variables] in onetrace.toml"
)
_LOADER_FILES: Final = frozenset({__file__, flask.cli.__file__})
"""The files whose frames begin the traceback of an error in the application."""
_PATCHING_REMEDIES: Final = {
    "gevent": "remove the call of `monkey.patch_all()`, or have gunicorn make it before,"
    " GUNICORN_CMD_ARGS='--worker-class gevent'",
    "eventlet": "remove the call of `eventlet.monkey_patch()`, for which gunicorn has no worker any more;"
    ' Flask-SocketIO needs none with `async_mode="threading"`',
}


class AppLoadError(Exception):
    """The application cannot be loaded. The message names the variable, its value, the cause and the remedy."""


def load_app(flask_app: str) -> Flask:
    """Return the application that `flask_app` names; by default that of `wsgi.py` or `app.py` in the working directory.

    WSGI middleware around an application, `app = ProxyFix(app)`, is one too: it is assigned to the `wsgi_app` of that.
    The debug flag stays as the application sets it: a server is no `flask run`. Raises `AppLoadError`.
    """
    setting = f"{Variable.FLASK_APP}={_cut(flask_app)!r}"
    path, patched_before = flask_app or _default_file(), _patched_by()
    try:
        with _app_run_disabled():
            app = ScriptInfo(path, set_debug_flag=False).load_app()
    except NoAppException as error:
        candidate = _named_object(path) if _is_invalid_app(error) else None
        unwrapped = _unwrapped(candidate)
        if unwrapped is None:
            raise AppLoadError(_not_found(setting, error, candidate)) from error
        app = unwrapped
    except BaseException as error:  # `pyo3`'s panics, for one: gunicorn would start the next worker without end
        raise AppLoadError(_error_in_app(setting, error)) from error
    library = _patched_by()
    if library is not None and patched_before is None:
        raise AppLoadError(
            f"{setting} replaces the standard library's threads by {library}'s while it is loaded, and the worker's own"
            f" threads would hang: {_PATCHING_REMEDIES[library]}"
        )
    return app


def _patched_by() -> str | None:
    """Return the library that has replaced the standard library's threads, None where they are its own."""
    monkey, patcher = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if monkey is not None and monkey.is_module_patched("threading"):
        return "gevent"
    return "eventlet" if patcher is not None and patcher.is_monkey_patched("thread") else None


@contextmanager
def _app_run_disabled() -> Iterator[None]:
    """Have `app.run()` return at once, with Flask's own warning: outside `if __name__ == "__main__"` it would block."""
    before = os.environ.get(_RUN_FROM_CLI_VARIABLE)
    os.environ[_RUN_FROM_CLI_VARIABLE] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_RUN_FROM_CLI_VARIABLE]
        else:
            os.environ[_RUN_FROM_CLI_VARIABLE] = before


def _default_file() -> str:
    """Return the file that Flask looks for; it would import a module of that name from anywhere else, too."""
    for name in DEFAULT_APP_FILES:
        if Path(name).is_file():
            return name
    raise AppLoadError(
        f"{Variable.FLASK_APP} is empty, and there is neither {' nor '.join(DEFAULT_APP_FILES)} in {Path.cwd()}:"
        f" set it, {_EXAMPLE}"
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _is_invalid_app(error: NoAppException) -> bool:
    return any(text in error.format_message() for text in _INVALID_APP_TEXTS)


def _named_object(path: str) -> Any:  # noqa: ANN401 - whatever the application's module has
    """Return what `path` names in a module that is imported, by default what Flask looks for; None if it is nothing."""
    file, *rest = re.split(r":(?![\\/])", path, maxsplit=1)  # as `ScriptInfo.load_app` does
    module = sys.modules.get(prepare_import(file))
    names = (rest[0].partition("(")[0].strip(),) if rest else _DEFAULT_NAMES
    return next((value for name in names if (value := getattr(module, name, None)) is not None), None)


def _unwrapped(outermost: Any) -> Flask | None:  # noqa: ANN401 - as above
    """Assign WSGI middleware to the application that it is around, and return that; None if there is none, or several.

    The innermost layer then calls the application's original `wsgi_app`, as `app.wsgi_app = Middleware(app.wsgi_app)`
    has it.
    """
    layer = outermost if _is_wsgi(outermost) else None
    for _ in range(_MAX_LAYERS):
        attributes: dict[str, Any] = getattr(layer, "__dict__", {})
        apps = [(name, value) for name, value in attributes.items() if isinstance(value, Flask)]
        if len(apps) == 1:
            [(name, app)] = apps
            setattr(layer, name, app.wsgi_app)
            app.wsgi_app = outermost  # type: ignore[method-assign]  # as Flask's documentation has it
            return app
        layer = next((attributes[name] for name in _INNER_APP_ATTRIBUTES if name in attributes), None)
        if layer is None or apps:
            return None
    return None


def _is_wsgi(middleware: Any) -> bool:  # noqa: ANN401 - as above
    """Return whether `middleware` is an object that can be called as WSGI has it, which an ASGI one cannot."""
    if isinstance(middleware, type) or not callable(middleware):
        return False
    if inspect.iscoroutinefunction(type(middleware).__call__):
        return False
    try:
        inspect.signature(middleware).bind({}, None)
    except (TypeError, ValueError):
        return False
    return True


def _not_found(setting: str, error: NoAppException, candidate: object) -> str:
    """Return the message of an application that Flask does not find, where it finds `candidate`."""
    cause, reason = error.__context__, error.format_message()
    if isinstance(cause, ImportError):
        if _own_frames(cause.__traceback__) is not None:
            return _error_in_app(setting, cause)
        return _not_importable(setting, cause)
    if isinstance(cause, TypeError):
        return f"{setting}: {reason} ({cause}) Pass what it needs as literals, `orders:create_app('production')`"
    message = f"{setting}: {_cut(reason)} Set it to a `flask.Flask`, or to the function that returns one, {_EXAMPLE}"
    if inspect.iscoroutinefunction(candidate):
        return f"{message}. {_ASYNC_FACTORY_HINT}"
    return f"{message}. {_UNSUPPORTED_APP_HINT}" if _is_invalid_app(error) else message


def _not_importable(setting: str, error: Exception) -> str:
    reason = _cut(str(error))
    return f"{setting} cannot be imported from {Path.cwd()} or an installed package: {reason}. Set it, {_EXAMPLE}"


def _error_in_app(setting: str, error: BaseException) -> str:
    """Return the message of an error of the application's own code, with the part of its traceback that is in it."""
    if isinstance(error, ValueError) and _own_frames(error.__traceback__) is None:  # no name that a module can have
        return _not_importable(setting, error)
    lines = traceback.format_exception(type(error), error, _own_frames(error.__traceback__))
    what = "exits" if isinstance(error, SystemExit) else f"raises {type(error).__name__}"
    missing = _missing_variable(error)
    remedy = _REMEDY if missing is None else _VARIABLE_REMEDY.format(_cut(missing))
    return f"{setting} {what} while it is loaded: {remedy}\n\n{''.join(lines)}"


def _missing_variable(error: BaseException) -> str | None:
    """Return the variable that a `KeyError` of `os.environ` itself names; None for any other error."""
    if not isinstance(error, KeyError):
        return None
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    raised_by_environ = frame.f_code is type(os.environ).__getitem__.__code__
    return str(error.args[0]) if raised_by_environ and frame.f_locals.get("self") is os.environ else None


def _own_frames(frames: TracebackType | None) -> TracebackType | None:
    """Return the frames from the first one on that is not of the loader; None where there is none."""
    while frames is not None and frames.tb_frame.f_code.co_filename in _LOADER_FILES:
        frames = frames.tb_next
    return frames
