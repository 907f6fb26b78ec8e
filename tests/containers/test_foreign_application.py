"""Any application in the image: what it says where it cannot start, what it sends before it ends, what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flask_onetrace.contract import STOP_TIMEOUT_SECONDS
from tests.containers.conftest import Images
from tests.containers.containers import running
from tests.telemetry.backends import KEYS, FakeBackends

pytestmark = [pytest.mark.timeout(900), pytest.mark.allow_hosts(["127.0.0.1"])]

APP_LOAD_ERROR = 4
"""gunicorn's exit code for an application that cannot be loaded (docs/adopt.md)."""
SECRET = "postgresql://user:sentinel-pa55word@db.test/orders"

BAD: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "missing module": ("", {"FLASK_APP": "shop:app"}, ("FLASK_APP", "shop")),
    "failing import": ("import nothing_of_this_name", {"FLASK_APP": "shop"}, ("FLASK_APP", "nothing_of_this_name")),
    "syntax error": ("def app(:", {"FLASK_APP": "shop"}, ("FLASK_APP", "shop.py")),
    "no such name": ("", {"FLASK_APP": "shop:application"}, ("FLASK_APP", "application")),
    "no Flask app": ("app = lambda environ, start: []", {"FLASK_APP": "shop"}, ("FLASK_APP", "flask.Flask")),
    "failing factory": (
        "import os\ndef create_app():\n    raise RuntimeError('no database at ' + os.environ['DATABASE_URL'])",
        {"FLASK_APP": "shop", "DATABASE_URL": SECRET},
        ("FLASK_APP", "RuntimeError", "no database at"),
    ),
    "no name": ("", {"FLASK_APP": ""}, ("FLASK_APP",)),
    "setting": ("", {"FLASK_APP": "shop", "HEALTH_CHECK_PATH": "healthz"}, ("HEALTH_CHECK_PATH", "healthz")),
}


@pytest.mark.parametrize("case", BAD)
def test_an_application_that_cannot_start_ends_the_container_with_one_message(
    case: str, images: Images, tmp_path: Path
) -> None:
    text, variables, words = BAD[case]
    tmp_path.chmod(0o755)
    if text:
        (tmp_path / "shop.py").write_text(text, encoding="utf-8")
    with running(images.orders, variables, "--volume", f"{tmp_path}:/app:ro") as container:
        code = container.until_exit()
        output = "".join(container.output())
    assert code == APP_LOAD_ERROR, output
    assert [word for word in words if word not in output] == [], output
    assert "sentinel" not in output
    assert output.count("Traceback") <= 1, output


def test_sigterm_delivers_what_the_last_second_left(images: Images, backends: FakeBackends) -> None:
    variables = {**backends.environment, **backends.aws, "FLASK_APP": "bookings"}
    with running(images.bookings, variables) as container:
        container.until_answer()
        trace_ids = [container.get(f"/bookings/{number}").headers["X-Trace-Id"] for number in range(20)]
        failed = container.get("/fault")
        code, seconds = container.stop()
    assert (code, failed.status_code) == (0, 500)
    assert seconds < STOP_TIMEOUT_SECONDS
    for trace_id in [*trace_ids, failed.headers["X-Trace-Id"]]:
        assert backends.spans(trace_id)
        assert backends.segments_of(trace_id)
        assert backends.lines_of(trace_id)
    assert backends.items(failed.headers["X-Trace-Id"])


@pytest.mark.parametrize("name", ["sample", "bookings"])
def test_a_container_without_any_sink_starts_and_stops_at_once(name: str, images: Images) -> None:
    with running(getattr(images, name), {}) as container:
        container.until_answer()
        code, seconds = container.stop()
    assert code == 0
    assert seconds < STOP_TIMEOUT_SECONDS / 2


def test_each_line_of_the_log_is_a_json_object_without_a_key(images: Images) -> None:
    variables = {"HONEYCOMB_API_KEY": KEYS["HONEYCOMB_API_KEY"], "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with running(images.bookings, variables) as container:
        container.until_answer()
        trace_id = container.get("/bookings/7").headers["X-Trace-Id"]
        container.get("/fault")
        container.stop()
        lines, output = container.log_lines(), container.output()
    messages = [each.get("message") for each in lines if each.get("trace_id") == trace_id]
    assert "booking 7 was shown" in messages
    assert any("the booking is lost" in json.dumps(each) for each in lines)
    assert output[0] == ""
    assert KEYS["HONEYCOMB_API_KEY"] not in output[1]
