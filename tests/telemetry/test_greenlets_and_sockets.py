"""An application on gevent's worker, and one with Flask-SocketIO, are served and observed as any other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Final

from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.gunicorn_server import serve

HEALTH: Final = "/_onetrace/health"
CONCURRENT: Final = 12
GEVENT: Final = """
    import logging, threading, time

    from flask import Flask
    from gevent import monkey

    from flask_onetrace import span, trace_id

    app = Flask("shop")

    @app.get("/wait")
    def wait():
        before = trace_id()
        with span("wait"):
            time.sleep(0.1)
            logging.getLogger("shop").warning("waited")
        assert monkey.is_module_patched("threading")
        return {"before": before, "after": trace_id(), "thread": threading.current_thread().name}

    @app.get("/fail")
    def fail():
        raise LookupError("no tea")
"""
SOCKETIO: Final = """
    from flask import Flask
    from flask_socketio import SocketIO

    app = Flask("shop")
    sockets = SocketIO(app, async_mode="threading")

    @app.get("/")
    def index():
        return "shop"
"""


def variables(backends: FakeBackends, folder: Path, program: str) -> dict[str, str]:
    (folder / "shop.py").write_text(dedent(program))
    own = {"FLASK_APP": "shop", "HEALTH_CHECK_PATH": HEALTH, "PYTHONWARNINGS": "ignore"}
    return {**backends.environment, **backends.aws, **own}


def test_greenlets_of_gevents_worker_keep_to_their_own_traces(backends: FakeBackends, tmp_path: Path) -> None:
    environment = variables(backends, tmp_path, GEVENT)
    # An idle connection, as each response here keeps one, must not cost the last flush.
    options = ("--worker-class", "gevent", "--graceful-timeout", "6")
    environment["TELEMETRY_SHUTDOWN_DEADLINE"] = "3"
    with serve(environment, *options, folder=tmp_path) as server, ThreadPoolExecutor(CONCURRENT) as pool:
        responses = list(pool.map(server.get, ["/wait"] * CONCURRENT))
        failure = server.get("/fail")
        code, _, output = server.stop()
    assert code == 0, output
    ids = [each.headers["X-Trace-Id"] for each in responses]
    assert len(set(ids)) == CONCURRENT
    for trace_id, response in zip(ids, responses, strict=True):
        assert (response.json()["before"], response.json()["after"]) == (trace_id, trace_id)
        assert {each["name"] for each in backends.spans(trace_id)} == {"GET /wait", "wait"}
        assert [each["message"] for each in backends.lines_of(trace_id)] == ["waited", "GET /wait 200"]
    assert failure.status_code == 500
    assert len(eventually(lambda: backends.items(failure.headers["X-Trace-Id"]), 1)) == 1


def test_an_application_with_flask_socketio_is_observed_with_its_polling_transport(
    backends: FakeBackends, tmp_path: Path
) -> None:
    with serve(variables(backends, tmp_path, SOCKETIO), folder=tmp_path) as server:
        index, handshake = server.get("/"), server.get("/socket.io/?EIO=4&transport=polling")
        code, _, output = server.stop()
    assert code == 0, output
    assert (index.status_code, index.text) == (200, "shop")
    assert (handshake.status_code, handshake.text[:8]) == (200, '0{"sid":')
    for response in (index, handshake):
        [span] = backends.spans(response.headers["X-Trace-Id"])
        assert span["kind"] == "server"
