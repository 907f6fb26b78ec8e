"""Route a Flask app's requests through its middleware without a reference cycle.

`app.wsgi_app = Middleware(app.wsgi_app)`, Flask's documented way, makes an app refer to itself, so that only the
garbage collector can free it. Here the app's class becomes a subclass, which holds the middleware.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Flask
from werkzeug.exceptions import HTTPException

from flask_onetrace.telemetry.context.handled_exception import note_handled
from flask_onetrace.telemetry.context.trace_scope import current_scope
from flask_onetrace.telemetry.middleware import TraceMiddleware, serve

EXTENSION: Final = "onetrace"
"""The key of an app's telemetry in `app.extensions`."""
_CURRENT_EXCEPTION: Final = object()
"""The default of `do_teardown_request`, which Flask has a private object for."""


def refuse_traced(app: Flask) -> None:
    """Raise `RuntimeError` for an app that is traced already."""
    if EXTENSION in app.extensions:
        raise RuntimeError(
            f"telemetry is installed in the app {app.name!r} already, and each request would be traced twice: "
            "call init_app once for each app, where it is created"
        )


def trace_requests(app: Flask, middleware: TraceMiddleware) -> None:
    """Wrap `app` in `middleware`, which is that of its extension."""
    try:
        traced = _traced_class(type(app))
    except Exception:  # noqa: BLE001 - a hook of the application's class, which may want arguments
        app.wsgi_app = middleware.wrap(app.wsgi_app)  # type: ignore[assignment, method-assign]  # Flask's documented way
        return
    app.__class__ = traced
    # A new dict: that of an instance whose class was changed is slow to look up in.
    app.__dict__ = {**vars(app), "trace_middleware": middleware}
    if "wsgi_app" in vars(app):  # wrapped in another middleware, which calls the original method
        app.wsgi_app = middleware.wrap(app.wsgi_app)  # type: ignore[assignment, method-assign]  # Flask's documented way


def _traced_class(base: type[Flask]) -> type[Flask]:
    """Return the traced subclass of `base`, the same for all its apps."""
    if hasattr(base, "untraced_wsgi_app"):
        return base
    for subclass in base.__subclasses__():
        if "untraced_wsgi_app" in vars(subclass):
            return subclass

    class TracedApp(base):  # type: ignore[misc, valid-type]  # a class that is known at run time only
        # Under a second name: `super()` is slow before Python 3.12.
        untraced_wsgi_app = base.wsgi_app
        untraced_teardown_request = base.do_teardown_request
        untraced_find_error_handler = base._find_error_handler

        wsgi_app = serve

        def do_teardown_request(self, exc: Any = _CURRENT_EXCEPTION) -> None:  # noqa: ANN401 - an exception, or none
            """Report what Flask does not handle, such as `SystemExit`, while its request is the current one."""
            # Not `app.teardown_request`: Flask inspects each of those functions in every request.
            if exc is None:
                self.untraced_teardown_request(None)
            elif exc is _CURRENT_EXCEPTION:
                self.untraced_teardown_request()
            else:
                if not isinstance(exc, Exception):
                    self.extensions[EXTENSION].report_in_request(exc)
                self.untraced_teardown_request(exc)

        # Private, and not `handle_user_exception`, which would be a frame of each exception that has no handler.
        def _find_error_handler(self, e: Exception, *blueprints: Any) -> Any:  # noqa: ANN401 - as Flask has them
            """Note what an error handler may turn into a response; an `HTTPException` is one already."""
            handler = self.untraced_find_error_handler(e, *blueprints)
            scope = current_scope()
            if handler is not None and scope is not None and not isinstance(e, HTTPException):
                note_handled(scope, e)
            return handler

    TracedApp.__name__, TracedApp.__qualname__, TracedApp.__module__ = base.__name__, base.__qualname__, base.__module__
    return TracedApp
