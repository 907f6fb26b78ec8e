"""Run a program in a process of its own: instrumentations patch their libraries once per process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.container.compose import ROOT

_PREAMBLE = """
import json, sys
import warnings
warnings.simplefilter("error", ResourceWarning)

def new_app(**variables):
    from service.factory import create_app
    from flask_onetrace.settings import Settings
    from tests.telemetry.tracing import SpanRecorder
    honeycomb = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "LOG_CONSOLE": "false"}
    app = create_app(Settings.from_env({**honeycomb, **variables}))
    app.recorder = SpanRecorder(app)
    app.add_url_rule("/view", "view", lambda: app.view())
    return app

def spans_of(app, view):
    # The first word of the name, and the module, of each span within the request, in the order in which they ended.
    app.view = view
    with app.test_client().get("/view", buffered=True) as response:
        assert response.status_code == 200, response.status
    *inner, server = app.recorder.take()
    assert server.kind.name == "SERVER", server.name
    package = "opentelemetry.instrumentation."
    modules = [each.instrumentation_scope.name for each in inner]
    names = [each.removeprefix(package).split(".")[0 if each.startswith(package) else -1] for each in modules]
    return [[each.name.partition(" ")[0].lower(), name] for each, name in zip(inner, names)]

def detail():
    from flask_onetrace.telemetry import instrumentations
    return instrumentations.detail()

def support_any_version():
    from flask_onetrace.telemetry.instrumentations import discovery
    discovery.get_dist_dependency_conflicts = lambda distribution: None

def finish(result):
    print("\\n" + json.dumps(result), flush=True)
"""


def run(program: str, *arguments: object, environ: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - what the program gives to `finish`
    """Return what `program` passes to `finish`. It finds `arguments` in `sys.argv`, as JSON."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _PREAMBLE + program]
    result = subprocess.run(
        [*command, *map(json.dumps, arguments)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])
