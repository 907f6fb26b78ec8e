"""Credentials that the environment holds for libraries reach no sink."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
import requests

from flask_onetrace.telemetry.redaction import REDACTED
from tests.telemetry.backends import FakeBackends
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import flush, wait_until

AWS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PROXY_PASSWORD = "p/w#0rd-of-the-proxy"
DATABASE_PASSWORD = "correct-horse-battery"


def test_a_handlers_error_that_quotes_them_shows_them_at_no_sink(
    make_app: AppFactory, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", AWS_KEY)
    monkeypatch.setenv("HTTPS_PROXY", f"http://ops:{quote(PROXY_PASSWORD, safe='')}@proxy.internal:3128")
    monkeypatch.setenv("DATABASE_URL", f"postgres://app:{DATABASE_PASSWORD}@db.internal:5432/app")
    app = make_app(backends.environment)

    @app.get("/fails")
    def fails() -> str:
        try:
            return requests.get(f"http://127.0.0.1:1/?key={quote(AWS_KEY, safe='')}", timeout=1).text
        except requests.RequestException as error:
            raise RuntimeError(f"{AWS_KEY} {PROXY_PASSWORD} postgres://app:{DATABASE_PASSWORD}@db") from error

    trace_id = app.test_client().get("/fails", buffered=True).headers["X-Trace-Id"]
    flush(app)
    assert wait_until(lambda: all(sent(backends, trace_id)))
    for each in sent(backends, trace_id):
        text = json.dumps(each)
        assert REDACTED in text
        secrets = AWS_KEY, quote(AWS_KEY, safe=""), PROXY_PASSWORD, DATABASE_PASSWORD
        assert [secret for secret in secrets if secret in text] == []


def sent(backends: FakeBackends, trace_id: str) -> list[list[dict[str, object]]]:
    """Return what each sink got of the trace."""
    lines = [line for line in backends.logs.lines if line.get("trace_id") == trace_id]
    return [backends.spans(trace_id), backends.segments_of(trace_id), lines, backends.items(trace_id)]
