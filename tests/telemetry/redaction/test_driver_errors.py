"""Messages of database drivers keep what happened to which column, and lose the value."""

from __future__ import annotations

import random

import pytest

from flask_onetrace.telemetry.redaction import NO_SECRETS
from flask_onetrace.telemetry.redaction.limits import MAX_MESSAGE
from tests.cpu_time import LINEAR, growth, repeated

VALUE = "planted"
POSTGRESQL = "duplicate key value violates unique constraint"
MESSAGES = {
    f'{POSTGRESQL} "users_pkey"\nDETAIL:  Key (email)=({VALUE}) already exists.': (
        f'{POSTGRESQL} "users_pkey"\nDETAIL:  Key (email)=(?) already exists.'
    ),
    f"Key (lower(email))=({VALUE}) is not present in table": None,
    f'null value in column "a"\nDETAIL:  Failing row contains (1, {VALUE}, null).': None,
    f"Failing row contains (1, {VALUE}).": "Failing row contains (?).",
    f"invalid input syntax for type integer: \"{VALUE}\"\nLINE 1: SELECT '{VALUE}'::int\n               ^": (
        'invalid input syntax for type integer: "?"\nLINE 1: ?'
    ),
    f'syntax error at or near "{VALUE}"\nLINE 1: {VALUE}\n        ^': 'syntax error at or near "?"\nLINE 1: ?',
    f"invalid input syntax for type json\nCONTEXT:  unnamed portal parameter $1 = '{VALUE}'": None,
    f'date/time field value out of range: "{VALUE}"': 'date/time field value out of range: "?"',
    f'value "{VALUE}" is out of range for type integer': 'value "?" is out of range for type integer',
    f"(1062, \"Duplicate entry '{VALUE}' for key 'users.email'\")": None,
    f"(1366, \"Incorrect integer value: '{VALUE}' for column 'a' at row 1\")": None,
    f"(1064, \"You have an error in your SQL syntax near '{VALUE}' at line 1\")": None,
    f'E11000 duplicate key error collection: shop.users dup key: {{ email: "{VALUE}" }}': None,
    f'near "{VALUE}": syntax error': 'near "?": syntax error',
    (
        f"UNIQUE constraint failed: users.email\n[SQL: INSERT INTO users VALUES ('{VALUE}')]\n"  # noqa: S608 - a message
        f"[parameters: ('{VALUE}', 'a]b')]\n(Background on this error at: https://sqlalche.me/e/21/gkpj)"
    ): (
        "UNIQUE constraint failed: users.email\n[SQL: INSERT INTO users VALUES (?)]\n"
        "[parameters: REDACTED]\n(Background on this error at: https://sqlalche.me/e/21/gkpj)"
    ),
    f"boom\n[SQL: SELECT '{VALUE}']": "boom\n[SQL: SELECT ?",
    f'time zone "{VALUE}" not recognized': 'time zone "?" not recognized',
    f'fts5: syntax error near "{VALUE}"': 'fts5: syntax error near "?"',
    f"(1690, \"BIGINT value is out of range in '({VALUE} + 1)'\")": "(1690, \"BIGINT value is out of range in '?'\")",
    f"invalid input for query argument $1: '{VALUE}' ('str' object cannot be interpreted as an integer)": (
        "invalid input for query argument $1: ?"
    ),
    f"invalid input for query argument $2 in element #0 of executemany() sequence: '{VALUE}' (no integer)": None,
    f"batch op errors occurred, full error: {{'writeErrors': [{{'op': {{'email': '{VALUE}'}}}}], 'nInserted': 0}}": (
        "batch op errors occurred, full error: {?}"
    ),
    f"Failed to parse number '{VALUE}' in $convert with no onError value": (
        "Failed to parse number '?' in $convert with no onError value"
    ),
    f"Command # 1 (LPUSH {VALUE} (x)) of pipeline caused error: WRONGTYPE Operation": (
        "Command # 1 (?) of pipeline caused error: WRONGTYPE Operation"
    ),
    f"unknown command 'FOO', with args beginning with: '{VALUE}' 'x' ": (
        "unknown command 'FOO', with args beginning with: ? "
    ),
    (
        f"Parameter validation failed:\nInvalid type for parameter Item.a, value: {VALUE}, type: <class 'str'>, "
        f"valid types: <class 'dict'>\nInvalid type for parameter Item.b, value: [{VALUE}], type: <class 'list'>, "
        f"valid types: <class 'dict'>\nInvalid range for parameter Limit, value: {VALUE}, valid min value: 1"
    ): (
        "Parameter validation failed:\nInvalid type for parameter Item.a, value: ?, type: <class 'str'>, valid "
        "types: <class 'dict'>\nInvalid type for parameter Item.b, value: ?, type: <class 'list'>, valid types: "
        "<class 'dict'>\nInvalid range for parameter Limit, value: ?, valid min value: 1"
    ),
    f"Invalid type for parameter Body, value: {VALUE * 2_000}, type: <class 'str'>": None,
    f"1 validation error detected: Value '{VALUE}' at 'key' failed to satisfy constraint: Member": (
        "1 validation error detected: Value '?' at 'key' failed to satisfy constraint: Member"
    ),
    f'Non ascii characters found in S3 metadata for key "é", value: "{VALUE}".  \nS3 metadata can only': (
        'Non ascii characters found in S3 metadata for key "é", value: "?".  \nS3 metadata can only'
    ),
    f'Could not connect to the endpoint URL: "https://b.s3.amazonaws.com/{VALUE}/a.jpg"': (
        'Could not connect to the endpoint URL: "https://b.s3.amazonaws.com/?"'
    ),
    f"JSON path error near '{VALUE}'": "JSON path error near '?'",
    f"bad JSON path: '{VALUE}'": "bad JSON path: '?'",
    f"Failed to upload /tmp/a to photos/{VALUE}: An error occurred (AccessDenied) when calling PutObject": (
        "Failed to upload ?: An error occurred (AccessDenied) when calling PutObject"
    ),
}


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_loses_its_values(message: str) -> None:
    shown = NO_SECRETS.text(message)
    assert VALUE not in shown
    assert shown == (MESSAGES[message] or shown)
    assert NO_SECRETS.text(shown) == shown


@pytest.mark.parametrize(
    "message",
    [
        'bad value "x" given',
        "a value: 'x'",
        'not near "home"',
        "key (a)=(b)",
        "LINE 1: x",
        "HINT: look",
        "value: 'x' for",
    ],
)
def test_other_messages_stay_as_they_are(message: str) -> None:
    assert NO_SECRETS.text(message) == message


def test_no_value_of_a_long_message_is_left() -> None:
    draw = random.Random(11)
    for _ in range(500):
        noise = "".join(draw.choices("()[]{}'\"=:; \n.,éE", k=draw.randrange(600)))
        value = f"{noise}{VALUE}{noise}"
        detail = f"DETAIL:  Key (email)=({value}) already exists."
        message = f"{POSTGRESQL}\n{detail}\n\n[SQL: SELECT %s]\n[parameters: ({value!r},)]"
        assert VALUE not in NO_SECRETS.text(message), value


@pytest.mark.parametrize(
    "part",
    [
        *("[SQL: ", "[parameters: ", "DETAIL:  ", "Key (a)=(", " value: '", 'near "', "dup key: {", "\nLINE 1: "),
        *(", full error: {", "Command # 1 (", "Invalid type for parameter a, value: ", "Value '", "Failed to upload "),
    ],
)
def test_hostile_messages_take_linear_time(part: str) -> None:
    assert growth(lambda message: NO_SECRETS.text(message, MAX_MESSAGE), repeated(part), MAX_MESSAGE) < LINEAR
