"""A request's user id is the same in all four back ends and cannot be forged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask

from flask_onetrace import telemetry
from tests.telemetry.authentication.key_endpoint import KeyEndpoint
from tests.telemetry.authentication.tokens import SIGNER, USER, SigningKey
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id, segment_of

FORGED = {"X-Amzn-Oidc-Identity": USER, "X-Amzn-Oidc-Data": SigningKey().token()}


def user_ids(backends: FakeBackends, trace_id: str) -> list[object]:
    """Return the user id of a failed request's segment, span, two log lines and item, in this order."""
    [span] = eventually(lambda: backends.spans(trace_id), 1)
    [item] = eventually(lambda: backends.items(trace_id), 1)
    lines = eventually(lambda: backends.lines_of(trace_id), 2)
    return [
        segment_of(backends, trace_id).get("user"),
        span["attributes"].get("user.id"),
        *(line.get("user_id") for line in lines),
        item.get("person", {}).get("id"),
    ]


def set_user_by_xray_sdk(user: str) -> None:
    xray_recorder.current_segment().set_user(user)


@pytest.mark.parametrize("identify", [telemetry.identify, set_user_by_xray_sdk])
def test_the_user_identified_by_a_handler_is_in_every_back_end(
    identify: Callable[[str], None], app: Flask, backends: FakeBackends
) -> None:
    @app.get("/me")
    def me() -> str:
        identify("first")
        identify("worf")
        raise RuntimeError("no prune juice")

    assert user_ids(backends, get_trace_id(app, "/me", 500)) == ["worf"] * 5


def test_an_authenticating_load_balancers_user_is_in_every_back_end(
    make_app: AppFactory, backends: FakeBackends, endpoint: KeyEndpoint
) -> None:
    variables = {**SIGNER, "ALB_PUBLIC_KEYS_URL": endpoint.url, "FAULT_ROUTES": "true"}
    app = make_app({**backends.environment, **variables})
    claims = {"X-Amzn-Oidc-Data": endpoint.add(SigningKey()).token()}
    assert user_ids(backends, get_trace_id(app, "/api/fault", 500, claims)) == [USER] * 5


@pytest.mark.parametrize("signer", [{}, SIGNER], ids=["no load balancer that authenticates", "one that has not signed"])
def test_forged_identity_and_claims_are_ignored(
    signer: dict[str, str], make_app: AppFactory, backends: FakeBackends, endpoint: KeyEndpoint
) -> None:
    variables = {**signer, "ALB_PUBLIC_KEYS_URL": endpoint.url, "FAULT_ROUTES": "true"}
    app = make_app({**backends.environment, **variables})
    assert user_ids(backends, get_trace_id(app, "/api/fault", 500, FORGED)) == [None] * 5


def test_a_long_user_id_is_cut_to_each_sinks_limit(app: Flask, backends: FakeBackends) -> None:
    @app.get("/me")
    def me() -> str:
        telemetry.identify("w" * 1_000)
        raise RuntimeError("no prune juice")

    segment, span, *lines, person = user_ids(backends, get_trace_id(app, "/me", 500))
    assert (segment, person) == ("w" * 250, "w" * 40)
    assert {span, *lines} == {"w" * 255 + "…"}


@pytest.mark.parametrize("identify", [telemetry.identify, set_user_by_xray_sdk])
@pytest.mark.parametrize(
    ("user", "text"), [(42, "42"), (UUID(int=7), str(UUID(int=7))), ("\udc80", "?")], ids=["number", "uuid", "lone"]
)
def test_a_user_id_of_any_type_is_converted_to_text(
    user: object, text: str, identify: Callable[[Any], None], app: Flask, backends: FakeBackends
) -> None:
    @app.get("/me")
    def me() -> str:
        identify(user)
        raise RuntimeError("no prune juice")

    assert user_ids(backends, get_trace_id(app, "/me", 500)) == [text] * 5


def test_identify_none_clears_the_user(app: Flask, backends: FakeBackends) -> None:
    @app.get("/me")
    def me() -> str:
        telemetry.identify("worf")
        telemetry.identify(None)
        raise RuntimeError("no prune juice")

    assert user_ids(backends, get_trace_id(app, "/me", 500)) == [None] * 5


def test_identify_and_annotate_outside_a_request_do_nothing() -> None:
    telemetry.identify("nobody")
    telemetry.annotate(key="value")
    assert telemetry.trace_id() is None
