"""Any content of a description loads or is refused by one message with the file's name."""

from __future__ import annotations

import os
import random
from pathlib import Path

from infra.application import ApplicationError
from infra.application_file import FILE, load

BOOKINGS = Path(__file__).parent / "bookings"
SEED = int(os.environ.get("FUZZ_SEED", "1"))

KEYS = [
    "name",
    "service_name",
    "flask_app",
    "requirements",
    "dockerfile",
    "context",
    "health_command",
    "user",
    "read_only",
    "port",
    "variables",
    "health_check_path",
    "smoke_test",
    "secrets",
    "task_role",
    "local",
    "path",
    "status",
    "headers",
    "actions",
    "resources",
    "reason",
    "services",
    "before_start",
    "dev",
    "A",
    "PORT",
    "LOG_LEVEL",
    "WEB_THREADS",
    '""',
    '"\\u0000"',
    '"a',
    'b"',
    '"\\n"',
    "DATABASE_URL",
]
VALUES = [
    *[
        "true",
        "false",
        "0",
        "-1",
        "1",
        "4567",
        "65536",
        "1e400",
        "nan",
        '""',
        '"x"',
        '"."',
        '".."',
        '"/"',
        '"/etc"',
        '"\\u0000"',
        '"\\n"',
        '"{region}"',
        '"arn:aws:s3:::x"',
        '"s3:GetObject"',
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "[1]",
        '["x"]',
        '["arn:x"]',
        '[{actions=["s3:*"],resources=["*"]}]',
        "1979-05-27",
        '{A="1"}',
        '{dev={A="1"}}',
        "{A={B=1}}",
        "{x=[{}]}",
        '"\\U0001F600"',
        '["postgresql"]',
        '"{{resolve:x}}"',
        '"${Token[A.1]}"',
        '{PORT="1"}',
        '{headers={A="b"}}',
        "[{reason=1}]",
    ],
    f"0x{'f' * 5000}",
    f'"{"y" * 400}"',
    "1979-05-27 07:32:00",
    "'''a\nb'''",
]


GOOD = {
    "name": '"Orders"',
    "service_name": '"orders.api"',
    "flask_app": '"orders"',
    "port": "80",
    "variables": '{A="1"}',
    "secrets": '{B="entry"}',
    "local": '{variables={A="2"}}',
    "task_role": '[{actions=["s3:*"],resources=["*"]}]',
    "smoke_test": "{status=204}",
    "read_only": "false",
    "user": '"app"',
    "health_command": '["true"]',
    "A": '"1"',
    "DATABASE_URL": '"entry"',
    "dev": '{A="1"}',
}


def random_description(source: random.Random) -> str:
    """Return lines of keys and values in tables, most of them of the wrong kind."""

    def lines() -> list[str]:
        keys = source.sample(KEYS, source.choice((0, 1, 1, 2, 3)))
        return [f"{key} = {source.choice((GOOD.get(key, '1'), source.choice(VALUES)))}" for key in keys]

    tables = [f"[{key}]" for key in source.sample(KEYS, source.choice((0, 0, 0, 1, 2)))]
    tables += ["[[task_role]]"] * source.choice((0, 0, 1)) + ["[variables.dev]"] * source.choice((0, 0, 1))
    return "\n".join([*lines(), *(line for table in tables for line in (table, *lines()))])


def message_of(folder: Path, content: bytes) -> str | None:
    """Return the message with which the content is refused, None if it loads."""
    (folder / FILE).write_bytes(content)
    try:
        load(folder)
    except ApplicationError as error:
        return str(error)
    return None


def test_any_content_loads_or_is_refused_in_one_line_with_the_files_name(tmp_path: Path) -> None:
    source = random.Random(SEED)
    descriptions = [random_description(source) for _ in range(1500)]
    messages = {text: message_of(tmp_path, text.encode()) for text in descriptions}
    refused = {text: message for text, message in messages.items() if message is not None}
    assert len(messages) - len(refused) > 20
    assert {
        text: message for text, message in refused.items() if str(tmp_path / FILE) not in message or "\n" in message
    } == {}, f"FUZZ_SEED={SEED}"


def test_a_good_description_with_damage_loads_or_is_refused_with_the_files_name(tmp_path: Path) -> None:
    good, source = (BOOKINGS / FILE).read_bytes(), random.Random(SEED)
    for _ in range(1500):
        content = bytearray(good)
        for _ in range(source.randint(1, 4)):
            content[source.randrange(len(content))] = source.randrange(256)
        message = message_of(tmp_path, bytes(content))
        assert message is None or str(tmp_path / FILE) in message, f"FUZZ_SEED={SEED}"
