"""What an extension signals as an exception is one if Flask would say so too."""

from __future__ import annotations

import pytest
from flask import Flask, abort, got_request_exception, make_response
from werkzeug.exceptions import HTTPException

from tests.telemetry.backends import FakeBackends
from tests.telemetry.tracing import flush


@pytest.mark.parametrize(("status", "items"), [(400, 0), (404, 0), (500, 1), (503, 1)])
@pytest.mark.parametrize("with_response", [False, True], ids=["by code", "by response"])
def test_a_response_that_flask_restx_signals_is_an_error_item_if_it_is_a_failure(
    app: Flask, backends: FakeBackends, status: int, items: int, *, with_response: bool
) -> None:
    # Flask-RESTX does so for each exception that it has no handler for.
    @app.get("/aborts")
    def aborts() -> HTTPException:
        try:
            abort(make_response("no", status) if with_response else status)
        except HTTPException as error:
            got_request_exception.send(app, exception=error)
            return error

    with app.test_client().get("/aborts", buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    flush(app)
    assert response.status_code == status
    assert len(backends.items(trace_id)) == items
    [span] = backends.spans(trace_id)
    assert len(span["events"]) == items
