"""The user of a request is the same in all four places, and no stranger can choose who that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask

from service import telemetry
from tests.telemetry.backends import Observatory, eventually
from tests.telemetry.conftest import AppMaker
from tests.telemetry.segments import ask, segment_of

OIDC = {"X-Amzn-Oidc-Identity": "64f9-worf"}


def users(observatory: Observatory, trace_id: str) -> list[object]:
    """Return who each sink says the user of a failed request is: the segment, span, log lines and item."""
    [span] = eventually(lambda: observatory.spans(trace_id), 1)
    [item] = eventually(lambda: observatory.items(trace_id), 1)
    lines = eventually(lambda: observatory.lines_of(trace_id), 2)
    return [
        segment_of(observatory, trace_id).get("user"),
        span["attributes"].get("user.id"),
        *(line.get("user_id") for line in lines),
        item.get("person", {}).get("id"),
    ]


def set_by_the_xray_sdk(user: str) -> None:
    xray_recorder.current_segment().set_user(user)


@pytest.mark.parametrize("name", [telemetry.identify, set_by_the_xray_sdk])
def test_who_is_named_by_a_handler_is_named_everywhere(
    name: Callable[[str], None], app: Flask, observatory: Observatory
) -> None:
    @app.get("/me")
    def me() -> str:
        name("first")
        name("worf")
        raise RuntimeError("no prune juice")

    assert users(observatory, ask(app, "/me", 500)) == ["worf"] * 5


def test_an_authenticating_load_balancers_user_is_named_everywhere(
    make_app: AppMaker, observatory: Observatory
) -> None:
    app = make_app({**observatory.environment, "FAULT_ROUTES": "true", "ALB_AUTHENTICATES": "true"})
    assert users(observatory, ask(app, "/api/fault", 500, OIDC)) == ["64f9-worf"] * 5


@pytest.mark.parametrize("setting", [{}, {"ALB_AUTHENTICATES": "false"}])
def test_a_forged_header_changes_nothing(setting: dict[str, str], make_app: AppMaker, observatory: Observatory) -> None:
    app = make_app({**observatory.environment, **setting, "FAULT_ROUTES": "true"})
    assert users(observatory, ask(app, "/api/fault", 500, OIDC)) == [None] * 5


def test_an_id_of_any_length_fits_where_a_sink_has_a_bound(app: Flask, observatory: Observatory) -> None:
    @app.get("/me")
    def me() -> str:
        telemetry.identify("w" * 1_000)
        raise RuntimeError("no prune juice")

    segment, span, *lines, person = users(observatory, ask(app, "/me", 500))
    assert (segment, person) == ("w" * 250, "w" * 40)
    assert {span, *lines} == {"w" * 1_000}


@pytest.mark.parametrize("name", [telemetry.identify, set_by_the_xray_sdk])
@pytest.mark.parametrize(
    ("user", "shown"), [(42, "42"), (UUID(int=7), str(UUID(int=7))), ("\udc80", "?")], ids=["number", "uuid", "lone"]
)
def test_an_id_of_any_kind_is_named_by_its_text(
    user: object, shown: str, name: Callable[[Any], None], app: Flask, observatory: Observatory
) -> None:
    @app.get("/me")
    def me() -> str:
        name(user)
        raise RuntimeError("no prune juice")

    assert users(observatory, ask(app, "/me", 500)) == [shown] * 5


def test_none_is_nobody(app: Flask, observatory: Observatory) -> None:
    @app.get("/me")
    def me() -> str:
        telemetry.identify("worf")
        telemetry.identify(None)
        raise RuntimeError("no prune juice")

    assert users(observatory, ask(app, "/me", 500)) == [None] * 5


def test_naming_a_user_outside_a_request_does_nothing() -> None:
    telemetry.identify("nobody")
    telemetry.annotate(key="value")
    assert telemetry.trace_id() is None
