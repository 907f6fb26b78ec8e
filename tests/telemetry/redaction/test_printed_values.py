"""Values are masked whole in the forms in which Python, SQL, HTTP and URLs print them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import pytest

from flask_onetrace.telemetry.redaction import NO_SECRETS, REDACTED
from flask_onetrace.telemetry.redaction.limits import MAX_MESSAGE, MAX_TEXT
from flask_onetrace.telemetry.sinks.rollbar.local_variables import bounded
from tests.cpu_time import LINEAR, growth, repeated

VALUE = "hunter2-5ecret"
Login = namedtuple("Login", "user password")
TEXTS = (
    'Authorization: Digest username="a", response="VALUE"',
    'Cookie: a="x"; session=VALUE',
    "token=UUID('VALUE')",
    "password=SecretStr('VALUE') and more",
    "{'password': bytearray(b'VALUE')}",
    "password='''VALUE'''",
    'password="""VALUE"""',
    "password='it''s VALUE'",
    'password="a""VALUE"',
    "Key (session_token)=(VALUE) already exists.",
    r"https:\/\/u:VALUE@host\/x",
    "404 for url: http://h/?u=https%3A%2F%2Fu%3AVALUE%40h",
    "404 for url: http://h/?f=%7B%22password%22%3A%22VALUE%22%7D",
)
QUERIES = (
    "a=%257B%2522password%2522%253A%2522VALUE%2522%257D&b=1",
    "b=https%253A%252F%252Fu%253AVALUE%2540h",
    "%252570assword=VALUE",
    "%2570assword=VALUE",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_printed_value_is_masked_whole(text: str) -> None:
    masked = NO_SECRETS.text(text.replace("VALUE", VALUE))
    assert VALUE not in masked
    assert REDACTED in masked


@pytest.mark.parametrize("query", QUERIES)
def test_a_value_is_masked_however_often_it_is_encoded(query: str) -> None:
    masked = NO_SECRETS.query(query.replace("VALUE", VALUE))
    assert VALUE not in masked
    assert REDACTED in masked


@pytest.mark.parametrize(
    "value",
    [
        {f"https://h/?api_key={VALUE}": 1},
        {f"token {VALUE} password={VALUE}": "x"},
        Login("u", VALUE),
        [Login("u", VALUE)],
        {"login": Login("u", VALUE)},
    ],
)
def test_names_and_named_tuples_are_redacted(value: Any) -> None:  # noqa: ANN401 - any value of a handler's
    result = repr(NO_SECRETS.value(value))
    variable = repr(bounded(lambda each: each, lambda: NO_SECRETS)(value))
    for text in (result, variable):
        assert f"={VALUE}" not in text
        assert f"'{VALUE}'" not in text
        assert REDACTED in text


@pytest.mark.parametrize("template", ["team=%s", "Authorization: Bearer %s", '{"password": "%s"}'])
def test_bytes_are_redacted_before_they_are_shortened(template: str) -> None:
    value = (template % ("x" * 60 + VALUE * 5)).replace("team", "password").encode()
    result = bounded(lambda each: each, lambda: NO_SECRETS)(value)
    assert isinstance(result, bytes)
    assert VALUE.encode() not in result


def test_a_cut_secret_does_not_move_into_view() -> None:
    token = "eyJ" + "x" * 600
    for gap in range(-40, 300, 7):
        filler = "y" * (MAX_TEXT + gap - len(token) - 30)
        text = f"{token} {filler} postgres://u:{VALUE}@{'h' * 400}"
        assert VALUE not in NO_SECRETS.text(text)


@pytest.mark.parametrize(
    "part", ["pin=a,", "token=a|", "password='", "secret=f(", "key (pin)=(", "a='''", "%3A", "://a:"]
)
def test_repeated_beginnings_take_linear_time(part: str) -> None:
    assert growth(lambda text: NO_SECRETS.text(text, MAX_MESSAGE), repeated(part), MAX_MESSAGE) < LINEAR
