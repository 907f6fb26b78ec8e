"""Write applications that know nothing of telemetry into a folder, and load them from there."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION
from flask_onetrace.wsgi import observed_app

Load = Callable[..., Flask]
"""Loads the application that a FLASK_APP names, with further variables."""


def write(folder: Path, name: str, source: str) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(source), encoding="utf-8")


@contextmanager
def forgetting(folder: Path) -> Iterator[None]:
    """Forget at the end the modules that were imported from `folder`, and no others: telemetry imports some too."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


@contextmanager
def loading(variables: dict[str, str]) -> Iterator[Load]:
    """Load applications into this process, which are shut down at the end."""
    apps = []

    def load(flask_app: str, **others: str) -> Flask:
        app = observed_app(Settings.from_env({**variables, **others, "FLASK_APP": flask_app}))
        apps.append(app)
        return app

    try:
        yield load
    finally:
        for app in apps:
            app.extensions[EXTENSION].shutdown()
