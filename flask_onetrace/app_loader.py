"""Load the application that `FLASK_APP` names, as Flask itself does, and say why one cannot be loaded."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final

import flask.cli
from flask import Flask
from flask.cli import NoAppException, ScriptInfo

from flask_onetrace.contract import Variable

_EXAMPLE: Final = "for example `orders:create_app()` or `orders:app`, as `flask --app` takes it"
_DEFAULT_FILES: Final = ("wsgi.py", "app.py")
_IGNORES_RUN: Final = "FLASK_RUN_FROM_CLI"
"""Set by the `flask` command, and read by `Flask.run`."""
_NOT_OBTAINED: Final = "valid Flask application was not obtained"
"""Flask's words for an object of another class."""
_NO_FLASK_APP: Final = (
    "WSGI middleware around an application is observed with it if it is assigned to it,"
    " `app.wsgi_app = Middleware(app.wsgi_app)`; an ASGI application, such as FastAPI's, cannot be observed"
)
_NOT_OF_THE_APP: Final = frozenset({__file__, flask.cli.__file__})
"""The files whose frames begin the traceback of an error in the application."""


class AppLoadError(Exception):
    """The application cannot be loaded. The message names the variable, its value, the cause and the remedy."""


def load_app(flask_app: str) -> Flask:
    """Return the application that `flask_app` names; by default that of `wsgi.py` or `app.py` in the working directory.

    The debug flag stays as the application sets it: a server is no `flask run`. Raises `AppLoadError`.
    """
    shown = f"{Variable.FLASK_APP}={flask_app!r}"
    path, patched = flask_app or _default_file(), _are_threads_patched()
    try:
        with _calls_of_run_ignored():
            app = ScriptInfo(path, set_debug_flag=False).load_app()
    except NoAppException as error:
        raise AppLoadError(_not_found(shown, error)) from error
    except (Exception, SystemExit) as error:
        raise AppLoadError(_error_in_app(shown, error)) from error
    if _are_threads_patched() and not patched:
        raise AppLoadError(
            f"{shown} replaces the standard library's threads by gevent's while it is loaded, and the worker's own"
            " threads would hang: remove the call of `monkey.patch_all()`, or have gunicorn make it before,"
            " GUNICORN_CMD_ARGS='--worker-class gevent'"
        )
    return app


def _are_threads_patched() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("threading")


@contextmanager
def _calls_of_run_ignored() -> Iterator[None]:
    """Have `app.run()` return at once, with Flask's own warning: outside `if __name__ == "__main__"` it would block."""
    before = os.environ.get(_IGNORES_RUN)
    os.environ[_IGNORES_RUN] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_IGNORES_RUN]
        else:
            os.environ[_IGNORES_RUN] = before


def _default_file() -> str:
    """Return the file that Flask looks for; it would import a module of that name from anywhere else, too."""
    for name in _DEFAULT_FILES:
        if Path(name).is_file():
            return name
    raise AppLoadError(
        f"{Variable.FLASK_APP} is empty, and there is neither {' nor '.join(_DEFAULT_FILES)} in {Path.cwd()}:"
        f" set it, {_EXAMPLE}"
    )


def _not_found(shown: str, error: NoAppException) -> str:
    """Return the message of an application that Flask does not find."""
    cause, reason = error.__context__, error.format_message()
    if isinstance(cause, ImportError):
        if _own_frames(cause.__traceback__) is not None:
            return _error_in_app(shown, cause)
        return f"{shown} cannot be imported from {Path.cwd()} or an installed package: {cause}. Set it, {_EXAMPLE}"
    if isinstance(cause, TypeError):
        return f"{shown}: {reason} ({cause}) Pass what it needs as literals, `orders:create_app('production')`"
    message = f"{shown}: {reason} Set it to a `flask.Flask`, or to the function that returns one, {_EXAMPLE}"
    return f"{message}. {_NO_FLASK_APP}" if _NOT_OBTAINED in reason else message


def _error_in_app(shown: str, error: BaseException) -> str:
    """Return the message of an error of the application's own code, with the part of its traceback that is in it."""
    lines = traceback.format_exception(type(error), error, _own_frames(error.__traceback__))
    what = "exits" if isinstance(error, SystemExit) else f"raises {type(error).__name__}"
    return f"{shown} {what} while it is loaded: correct the application, or install what it needs\n\n{''.join(lines)}"


def _own_frames(frames: TracebackType | None) -> TracebackType | None:
    """Return the frames from the first one on that is not of the loader; None where there is none."""
    while frames is not None and frames.tb_frame.f_code.co_filename in _NOT_OF_THE_APP:
        frames = frames.tb_next
    return frames
