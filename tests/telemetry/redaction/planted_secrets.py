"""The places where an application can put a secret, and a route that puts some there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

import requests
import rollbar
from aws_xray_sdk.core import xray_recorder
from flask import Flask, request
from opentelemetry import trace

from flask_onetrace import telemetry
from flask_onetrace.telemetry import current_scope

NAMES = (
    "token",
    "api_key",
    "jwt",
    "sig",
    "X-Amz-Signature",
    "AWSAccessKeyId",
    "password",
    "confirmPassword",
    "stripeApiKey",
    "X-My-Auth-Token",
    "client_secret",
    "sessionid",
    "card_number",
    "one_time_code",
    "CSRF_TOKEN",
)
NEIGHBOUR = "page"
logger = logging.getLogger("shop.leaks")
tracer = trace.get_tracer("shop")

Secrets = Mapping[str, str]
"""Values by name; the neighbour, which is no secret, is one of them."""


@dataclass
class Account:
    """An object whose `repr` shows its fields."""

    name: str
    password: str = field(default="")


class Login(NamedTuple):
    """A named tuple, which the SDK shows as text."""

    password: str
    page: str


def _message(secrets: Secrets) -> str:
    return ", ".join(f"{name}={value}" for name, value in secrets.items())


def log_message(secrets: Secrets) -> None:
    logger.warning("refused: " + _message(secrets))  # noqa: G003 - a message that the application has formatted


def log_arguments(secrets: Secrets) -> None:
    for name, value in secrets.items():
        logger.warning(f"refused {name}=%s in %d ms", value, 5)  # noqa: G004 - the name is the case
        logger.warning(f"with the {name} %s", f"{value} and {value}")  # noqa: G004 - as above


def log_mapping(secrets: Secrets) -> None:
    logger.warning("got %s", dict(secrets))
    logger.warning("form %s", list(secrets.items()))


def log_extra(secrets: Secrets) -> None:
    logger.warning("refused", extra={"fields": {"order": [{"payment": dict(secrets)}], **secrets}})


def log_exception(secrets: Secrets) -> None:
    try:
        raise ValueError(_message(secrets))  # noqa: TRY301 - the exception is the case
    except ValueError:
        logger.exception("refused")


def span_attribute(secrets: Secrets) -> None:
    with tracer.start_as_current_span("inner") as span:
        span.set_attributes(secrets)
        span.set_attribute("payload", _message(secrets))
        span.set_attribute("nested", {"deep": [dict(secrets)]})


def server_span_attribute(secrets: Secrets) -> None:
    trace.get_current_span().set_attributes(secrets)
    trace.get_current_span().set_attribute("url.full", "https://example.com/?" + urlencode(secrets))


def event_attribute(secrets: Secrets) -> None:
    with tracer.start_as_current_span("inner") as span:
        span.add_event("refused", dict(secrets))
        span.add_link(trace.SpanContext(1, 2, is_remote=True), dict(secrets))
        span.set_status(trace.StatusCode.ERROR, _message(secrets))


def span_name(secrets: Secrets) -> None:
    for name, value in secrets.items():
        with tracer.start_as_current_span(f"GET /?{name}={value}"):
            pass


def annotation(secrets: Secrets) -> None:
    telemetry.annotate(**secrets)
    with xray_recorder.in_subsegment("inner") as subsegment:
        for name, value in secrets.items():
            subsegment.put_annotation(name.replace("-", "_"), value)


def xray_metadata(secrets: Secrets) -> None:
    with xray_recorder.in_subsegment("inner") as subsegment:
        subsegment.put_metadata("order", {"payment": dict(secrets), "account": Account("a", secrets["password"])})
        subsegment.put_metadata("text", _message(secrets), "shop")
        for name, value in secrets.items():
            subsegment.put_metadata(name, value)
        if isinstance(sql := getattr(subsegment, "sql", None), dict):
            sql["sanitized_query"] = _message(secrets)
    xray_recorder.current_segment().put_metadata("payment", dict(secrets))


def xray_url(secrets: Secrets) -> None:
    with xray_recorder.in_subsegment("api.example.com", namespace="remote") as subsegment:
        subsegment.put_http_meta("url", "https://api.example.com/?" + urlencode(secrets))


def outgoing_query(secrets: Secrets) -> None:
    requests.get(request.headers["X-Request-Id"], params=dict(secrets), timeout=60)


def report_message(secrets: Secrets) -> None:
    rollbar.report_message("refused " + _message(secrets), "warning", extra_data={"payment": dict(secrets)})


def person(secrets: Secrets) -> None:
    request.rollbar_person = {"id": "1", **secrets}  # type: ignore[attr-defined]  # what Rollbar's SDK reads
    telemetry.identify(_message(secrets)[:200])
    rollbar.report_message("with a person")


def local_variable(secrets: Secrets) -> None:
    """Raise with the secrets in local variables, of which the SDK shows ten at each level."""
    names = [name for name in secrets if name != NEIGHBOUR]
    groups = [{name: secrets[name] for name in (*names[start : start + 5], NEIGHBOUR)} for start in range(0, 15, 5)]
    order = {"payments": groups}
    environ = {f"HTTP_{name.upper()}": value for name, value in list(secrets.items())[:5]}
    address = {"QUERY_STRING": urlencode(groups[0]), "RAW_URI": "/?" + urlencode(groups[1])}
    account = Login(secrets["password"], secrets[NEIGHBOUR])
    password, api_key, client_secret = (secrets[name] for name in ("password", "api_key", "client_secret"))
    _charge(secrets["token"], card_number=secrets["card_number"], given=(order, environ, address, account))
    raise AssertionError(password, api_key, client_secret)


def _charge(token: str, *, card_number: str, given: object) -> None:
    raise RuntimeError(f"refused {len(token)} {len(card_number)} {type(given)}")


def exception_message(secrets: Secrets) -> None:
    raise RuntimeError(_message(secrets))


def exception_note(secrets: Secrets) -> None:
    error = RuntimeError("refused")
    for name, value in secrets.items():
        error.add_note(f"{name}: {value}")
    raise error


def exception_cause(secrets: Secrets) -> None:
    try:
        raise KeyError(_message(secrets))  # noqa: TRY301 - as above
    except KeyError as error:
        raise RuntimeError("refused") from error


def exception_group(secrets: Secrets) -> None:
    raise ExceptionGroup("refused", [ValueError(f"{name}={value}") for name, value in secrets.items()])


def _error(secrets: Secrets) -> None:  # noqa: ARG001 - the secrets are in the request
    raise RuntimeError("refused")


@dataclass(frozen=True)
class Place:
    """What the handler does, how the request carries the secrets, and where its neighbour is shown."""

    handle: Callable[[Secrets], None]
    send: Callable[[Secrets], dict[str, Any]] = lambda _: {}
    shown_in: tuple[str, ...] = ()


_SPANS = ("honeycomb", "console")
_EVERYWHERE = ("honeycomb", "xray", "cloudwatch", "rollbar", "console")

PLACES: dict[str, Place] = {
    "incoming query": Place(
        _error, lambda secrets: {"query_string": dict(secrets)}, ("honeycomb", "rollbar", "console")
    ),
    "header": Place(_error, lambda secrets: {"headers": dict(secrets)}),
    "referer": Place(
        _error, lambda secrets: {"headers": {"Referer": "https://x.example/?" + urlencode(secrets)}}, ("rollbar",)
    ),
    "cookie": Place(_error, lambda secrets: {"headers": {"Cookie": "; ".join(f"{k}={v}" for k, v in secrets.items())}}),
    "form field": Place(_error, lambda secrets: {"data": dict(secrets)}, ("rollbar",)),
    "JSON body": Place(_error, lambda secrets: {"json": {"payment": dict(secrets)}}),
    "outgoing query": Place(outgoing_query, shown_in=_SPANS),
    "local variable": Place(local_variable, shown_in=("rollbar",)),
    "exception message": Place(exception_message, shown_in=_EVERYWHERE),
    "exception note": Place(exception_note, shown_in=("honeycomb", "cloudwatch", "console")),
    "exception cause": Place(exception_cause, shown_in=_EVERYWHERE),
    "exception group": Place(exception_group, shown_in=("honeycomb", "cloudwatch", "console")),
    "log message": Place(log_message, shown_in=("cloudwatch", "console")),
    "log arguments": Place(log_arguments, shown_in=("cloudwatch", "console")),
    "log mapping": Place(log_mapping, shown_in=("cloudwatch", "console")),
    "log extra": Place(log_extra, shown_in=("cloudwatch", "console")),
    "log exception": Place(log_exception, shown_in=("cloudwatch", "console")),
    "span attribute": Place(span_attribute, shown_in=("xray", *_SPANS)),
    "attribute of the server span": Place(server_span_attribute, shown_in=("xray", *_SPANS)),
    "event, link and status": Place(event_attribute, shown_in=_SPANS),
    "span name": Place(span_name, shown_in=("xray", *_SPANS)),
    "annotation": Place(annotation, shown_in=("xray", *_SPANS)),
    "X-Ray metadata": Place(xray_metadata, shown_in=("xray",)),
    "X-Ray URL": Place(xray_url, shown_in=("xray",)),
    "report_message": Place(report_message, shown_in=("rollbar",)),
    "person": Place(person, shown_in=("rollbar",)),
}


def add_route(app: Flask, secrets_of: Callable[[str], Secrets]) -> None:
    """Add the route: `X-Correlation-Id` names the place."""

    @app.route("/leak", methods=["GET", "POST"])
    def leak() -> str:
        place = request.headers["X-Correlation-Id"]
        request.form  # noqa: B018 - reads the body, as a handler does
        PLACES[place].handle(secrets_of(place))
        scope = current_scope()
        return scope.trace_hex if scope is not None else ""
