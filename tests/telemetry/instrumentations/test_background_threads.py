"""The application's threads continue its request; the telemetry's own keep none in memory."""

from __future__ import annotations

import pytest

from tests.telemetry.instrumentations.programs import run

PROGRAM = """
import time, weakref
from threading import Event, Thread
from flask_onetrace import telemetry
from flask_onetrace.telemetry.export.threads import new_thread

app = new_app()
scopes, seen = [], []
has_started, may_end = Event(), Event()

def run():
    seen.append(telemetry.trace_id())
    has_started.set()
    may_end.wait()

def start():
    scopes.append(weakref.ref(telemetry.current_scope()))
    thread = {thread}
    thread.start()
    assert has_started.wait(10)
    return ""

app.view = start
with app.test_client().get("/view", buffered=True) as response:
    trace_id = response.headers["X-Trace-Id"]
app.extensions[telemetry.EXTENSION].flush(1)
app.recorder.take()
time.sleep(0.2)
finish([seen == [trace_id], scopes[0]() is not None])
may_end.set()
"""


@pytest.mark.parametrize(
    ("thread", "continues"),
    [("Thread(target=run, daemon=True)", True), ('new_thread("test", run)', False)],
    ids=["the application's", "the telemetry's"],
)
def test_only_a_thread_of_the_application_continues_its_request(thread: str, *, continues: bool) -> None:
    assert run(PROGRAM.format(thread=thread)) == [continues, continues]


def test_no_background_thread_of_an_app_starts_within_a_request(  # the queues start theirs with the first item
) -> None:
    program = """
import threading
app = new_app(ROLLBAR_ACCESS_TOKEN="fake-token", ROLLBAR_ENDPOINT="http://127.0.0.1:9/", CLOUDWATCH_LOG_GROUP="group",
              AWS_REGION="us-east-1", AWS_XRAY_DAEMON_ADDRESS="127.0.0.1:9", LOG_CONSOLE="true", FAULT_ROUTES="true")
for path in ("/api/activities/home", "/rollbar/test", "/api/fault"):
    app.test_client().get(path, buffered=True).close()
threads = [each for each in threading.enumerate() if each.name.startswith("telemetry-")]
finish([len(threads) >= 4, [each.name for each in threads if each._otel_context]])
"""
    assert run(program, environ={"AWS_EC2_METADATA_DISABLED": "true"}) == [True, []]
