"""Secrets in free text are recognised by their shape, and nothing else in it changes."""

from __future__ import annotations

import logging
import random

import pytest

from flask_onetrace.telemetry.redaction import NO_SECRETS, REDACTED
from flask_onetrace.telemetry.redaction.limits import MAX_MESSAGE, MAX_TEXT
from flask_onetrace.telemetry.redaction.log_messages import message_of
from tests.cpu_time import LINEAR, cpu_seconds, growth, repeated

VALUE = "hunter2-5ecret"
NAMED = (
    "password=VALUE",
    "password: VALUE",
    "api_key = 'VALUE'",
    '{"password": "VALUE"}',
    "{'user_password': 'VALUE', 'page': 2}",
    '{\\"password\\": \\"VALUE\\"}',
    "ImmutableMultiDict([('password', 'VALUE'), ('page', '2')])",
    "Creds(user='x', password='VALUE')",
    "Authorization: Bearer VALUE",
    "Authorization: Basic VALUE",
    "Cookie: a=b; sid=VALUE; x=1",
    "use --password VALUE now",
    "--token=VALUE",
    "<password>VALUE</password>",
    "https://u:VALUE@host/path",
    "postgres://u:p@VALUE@h/db",
    "https://VALUE@github.com",
    "https://h/cb?code=VALUE&page=2",
    "next=https%3A%2F%2Fx%3Ftoken%3DVALUE",
    "bearer VALUE",
    "card number: VALUE",
    "API key: VALUE",
    "user[password]=VALUE&page=2",
    "password[]=VALUE",
    "session={'id': 'VALUE'}",
    "pass%77ord=VALUE",
    "tokens=['VALUE', 'b']",
    "b'password=VALUE'",
    'EnvironHeaders([("X-Api-Key", "VALUE")])',
    "password=VALUE;page=2",
    "password => VALUE",
    "password=\nVALUE",
    "-----BEGIN RSA PRIVATE KEY-----\nVALUE\n-----END RSA PRIVATE KEY----- after",
    "Set-Cookie: sid=VALUE; Path=/; HttpOnly",
    "[('Authorization', 'Basic VALUE')]",
    "X_API_KEY:VALUE",
    '"credentials": {"a": "VALUE", "b": [1]}, "page": 2',
    "session.id=VALUE",
    "jdbc:mysql://h/db?user=a&password=VALUE",
    "http://h/#access_token=VALUE&x=1",
    "db.password: VALUE",
)
SHAPED = (
    "card 4111 1111 1111 1111 12/26",
    "4111-1111-1111-1111",
    "pay 378282246310005 now",
    "3 5555555555554444",
    "x,4242424242424242,y",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_abcdefghijklmnop1234",
    "sk_live_51Habcdefghijk",
    "xoxb-1234-abcd-efgh",
    "hcaik_01hq0123456789abc",
    "dXNlcjpwYXNzd29yZA==: Basic dXNlcjpwYXNzd29yZA==",
    "glpat-abcdefgh1234",
)
HARMLESS = (
    'app.secret_key = os.environ["SECRET_KEY"]',
    "password = form['password']",
    "2026-11-28T09:02:26.123456+00:00",
    "at 1764320546123456789 ns",
    "token_count=5 page=2",
    "Hello CloudWatch! from  /api/activities/notifications",
    "basic usage of it",
    "Basic authentication",
    "bearer token",
    "author: me",
    "GET /api/x 200",
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "26e12864-1c26-5c3a-9658-97a10f8fea67",
    "http://host:8080/a?e=a@b.c",
    "KeyError: 'password'",
    "password=None",
    "mailto a@b.c",
    "+49 1512 3456789",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "risk-assessment-of-aaaaaaaaaaaaaaaaaa",
    "the basic example",
    "shop.auth_status: fine",
    "4539578763621486ab",
    "a4539578763621486",
    "127.0.0.1:8000",
    "state: open",
    "code: 5",
    "SELECT * FROM t WHERE a = 'b'",
)


@pytest.mark.parametrize("template", NAMED)
def test_the_value_behind_the_name_of_a_secret_is_masked(template: str) -> None:
    masked = NO_SECRETS.text(template.replace("VALUE", VALUE))
    assert VALUE not in masked
    assert REDACTED in masked
    assert NO_SECRETS.text(masked) == masked


@pytest.mark.parametrize(
    "template", ["password=true-VALUE", "token: null.VALUE", "api_key=None/VALUE", "pwd=falseVALUE"]
)
def test_a_value_that_begins_as_a_literal_is_masked(template: str) -> None:
    assert VALUE not in NO_SECRETS.text(template.replace("VALUE", VALUE))


@pytest.mark.parametrize(
    ("template", "arguments"),
    [
        ("*** password %s ***", (f"{VALUE} {VALUE}",)),
        ("%*d %-*.*s token %s", (5, 7, 9, 2, "padded", f"{VALUE} {VALUE}")),
        ("100%% of %.*f, password is %r", (1, 0.5, f"{VALUE} {VALUE}")),
        ("secret=%*s", (50, f"{VALUE} {VALUE}")),
    ],
)
def test_an_argument_behind_the_name_of_a_secret_is_masked(template: str, arguments: tuple[object, ...]) -> None:
    record = logging.LogRecord("shop", logging.INFO, "", 0, template, arguments, None)
    message = message_of(record, NO_SECRETS)
    assert VALUE not in message
    assert REDACTED in message


@pytest.mark.parametrize("name", ["X-Secret.date", "x_secret.accept", "HTTP_X_SECRET.DATE"])
def test_a_header_that_ends_like_a_harmless_one_is_masked(name: str) -> None:
    assert NO_SECRETS.value({"headers": {name: VALUE}}) == {"headers": {name: REDACTED}}


@pytest.mark.parametrize("text", SHAPED)
def test_tokens_and_card_numbers_are_masked_wherever_they_are(text: str) -> None:
    masked = NO_SECRETS.text(text)
    assert REDACTED in masked
    assert NO_SECRETS.text(masked) == masked


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert NO_SECRETS.text(text) == text


@pytest.mark.parametrize("seed", range(20))
def test_ids_times_and_numbers_are_never_masked(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(200):
        number = draw.choice([draw.randrange(10**12), 1_700_000_000_000_000_000 + draw.randrange(10**17)])
        text = f"in {number} ns, {number / 7}, trace {draw.getrandbits(128) | 0xA:032x}, {1.7e12 + draw.random():.3f}"
        assert NO_SECRETS.text(text) == text


PROSE = "The order 41 of ann was shipped to her house. "
PROSE_TIMES = 60
"""The slowest of these texts takes 15 times as long as prose does."""
PATHOLOGICAL = (
    "a=b&",
    "://",
    "://a:b",
    "@://a:b",
    "<a>",
    "%3D",
    "a.a.",
    "4",
    "4 ",
    "4111 ",
    "eyJ",
    "password=(",
    "('a',",
    "-",
    "--a ",
    "password='",
    "\\",
    " ",
    "xox",
    "bearer ",
    "key: ",
    "[( ",
    "x%",
    "-----BEGIN PRIVATE KEY-----",
)


@pytest.mark.parametrize("part", PATHOLOGICAL)
@pytest.mark.parametrize("ends", [("", ""), ("@a%3D", "=</"), ("password=", "@")], ids=["alone", "parts", "secret"])
def test_no_text_takes_long(part: str, ends: tuple[str, str]) -> None:
    def work(text: str) -> str:
        return NO_SECRETS.text(text, MAX_MESSAGE)

    def make(size: int) -> str:
        return ends[0] + repeated(part)(size - len(ends[0]) - len(ends[1])) + ends[1]

    assert growth(work, make, MAX_MESSAGE) < LINEAR
    assert cpu_seconds(work, make, MAX_MESSAGE) < PROSE_TIMES * cpu_seconds(work, repeated(PROSE), MAX_MESSAGE)


@pytest.mark.parametrize("length", [MAX_TEXT - 10, MAX_TEXT + 10, 50_000_000])
def test_a_long_text_is_cut_and_no_secret_is_cut_in_two(length: int) -> None:
    text = "x" * (MAX_TEXT - 20) + " card 4111 1111 1111 1111 " + "x" * (length - MAX_TEXT + 20)
    masked = NO_SECRETS.text(text)
    assert len(masked) <= MAX_TEXT
    assert "4111" not in masked
    assert masked.endswith("…") == (len(text) - len("4111 1111 1111 1111") + len(REDACTED) > MAX_TEXT)


def test_ids_of_digits_and_letters_are_no_card_numbers_on_any_python() -> None:
    draw = random.Random(3)
    for _ in range(3_000):  # of which some have thirteen digits and more in a row
        text = "-".join(
            "".join(draw.choice("0123456789" * 3 + "abcdef") for _ in range(size)) for size in (8, 4, 4, 4, 12)
        )
        masked = NO_SECRETS.text(text)
        assert [each for each in masked.replace(REDACTED, "").split("-") if each not in text] == []
