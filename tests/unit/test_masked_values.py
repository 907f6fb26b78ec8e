"""A credential in any variable, pasted bare or within a URL, is in no message and in no `repr`."""

from __future__ import annotations

import os
import random
import runpy
import string
import subprocess
import sys
import traceback
from collections.abc import Callable
from urllib.parse import quote

import pytest

from flask_onetrace import healthcheck
from flask_onetrace.contract import SERVER_APP, SERVER_CONFIG, Variable
from flask_onetrace.masking import masked
from flask_onetrace.parsing import SettingsError
from flask_onetrace.settings import Settings

SHAPES: dict[str, Callable[[str], str]] = {
    "bare": str,
    "URL": lambda secret: f"https://user:{secret}@example.com/path",
    "URL with the password alone": lambda secret: f"https://:{secret}@example.com",
    "URL with a key as the user": lambda secret: f"https://{secret}@example.com",
    "URL without a colon": lambda secret: f"https//user:{secret}@example.com",
    "URL without slashes": lambda secret: f"https:user:{secret}@example.com",
    "URL without a scheme": lambda secret: f"user:{secret}@example.com:4318",
    "URL without a host": lambda secret: f"https://user:{secret}@",
    "URL with a bad port": lambda secret: f"https://user:{secret}@example.com:http",
    "URL with an encoded at sign": lambda secret: f"https://user:{secret}%40example.com",
    "encoded password": lambda secret: f"https://user:{quote(secret, safe='')}x@example.com",
    "other scheme": lambda secret: f"postgres://app:{secret}@db.internal:5432/app",
    "FTP": lambda secret: f"ftp://u:{secret}@example.com",
    "two URLs": lambda secret: f"https://app.example.com,https://user:{secret}@example.com",
    "query": lambda secret: f"https://example.com/v1?api_key={secret}",
    "later parameter": lambda secret: f"https://example.com/v1?a=b&token={secret}&c=d",
    "fragment": lambda secret: f"https://example.com/#{secret}",
    "path": lambda secret: f"https://example.com/{secret}/v1",
    "host": lambda secret: f"https://{secret}.example.com/a/b?c",
    "header": lambda secret: f"x-honeycomb-team={secret}",
    "bearer": lambda secret: f"Bearer {secret}",
    "JSON": lambda secret: f'{{"RuleName":"a","FixedRate":"{secret}","ReservoirSize":1}}',
    "JSON of another kind": lambda secret: f'{{"password": "{secret}"}}',
    "JSON that ends early": lambda secret: f'{{"RuleName": "{secret}"',
    "address": lambda secret: f"127.0.0.1:{secret}",
    "two addresses": lambda secret: f"tcp:127.0.0.1:2000 udp:{secret}:2000",
    "list": lambda secret: f"otlp,{secret}",
    "with a space": lambda secret: f"{secret} x",
    "two lines": lambda secret: f"x\n{secret}",
    "quoted": lambda secret: f'"{secret}"',
}
ALPHABETS = {
    "Honeycomb": (string.ascii_letters + string.digits, 22),
    "hex": ("0123456789abcdef", 32),
    "AWS": (string.ascii_letters + string.digits + "+/", 40),
    "lower-case letters": (string.ascii_lowercase, 24),
    "base64url": (string.ascii_letters + string.digits + "-_", 43),
}
PASSWORDS = {
    "short": (string.ascii_lowercase + string.digits, 8),
    "with delimiters": (string.ascii_letters + string.digits + "/?#:@!$&", 12),
}
IN_USER_INFO = [name for name in SHAPES if "URL" in name and "bare" not in name] + [
    "other scheme",
    "FTP",
    "query",
    "header",
]


def planted() -> list[tuple[str, str, str]]:
    """Draw secrets of each alphabet in each shape: shape, secret, text."""
    draw = random.Random(20261128)
    keys = [
        ("".join(draw.choices(alphabet, k=length)), SHAPES) for alphabet, length in ALPHABETS.values() for _ in "123"
    ]
    passwords = [
        ("x1" + "".join(draw.choices(alphabet, k=length)), IN_USER_INFO)
        for alphabet, length in PASSWORDS.values()
        for _ in "123"
    ]
    return [(shape, secret, SHAPES[shape](secret)) for secret, shapes in keys + passwords for shape in shapes]


def parts(secret: str) -> list[str]:
    """Return the secret's halves: showing either counts as showing it."""
    middle = len(secret) // 2
    return [secret[:middle], secret[middle:]]


@pytest.mark.parametrize("name", Variable)
def test_a_planted_credential_is_in_no_error_and_in_no_repr(name: str) -> None:
    for shape, secret, text in planted():
        try:
            output = repr(Settings.from_env({name: text}))
        except SettingsError as error:
            output = "".join(traceback.format_exception(error)) + repr(error) + repr(error.problems)
        assert [part for part in parts(secret) if part in output] == [], f"{shape}: {output}"


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("name", sorted(set(Variable) - {Variable.PORT}))
def test_neither_gunicorns_configuration_nor_the_health_check_prints_one(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "1")  # where nothing answers
    for shape, secret, text in planted()[::11]:
        monkeypatch.setenv(name, text)
        assert healthcheck.main() == 1
        try:
            runpy.run_path("flask_onetrace/gunicorn_conf.py")
        except SystemExit as end:
            sys.stderr.write(str(end.code))
        output = "".join(capsys.readouterr())
        assert [part for part in parts(secret) if part in output] == [], f"{shape}: {output}"


@pytest.mark.parametrize(
    "command",
    [
        ["gunicorn", "--config", SERVER_CONFIG, SERVER_APP],
        ["flask_onetrace.healthcheck"],
    ],
)
def test_a_process_whose_every_variable_holds_one_prints_none(command: list[str]) -> None:
    secret = "hcaik_01hq8t9z6v3x5w7y2n4m"
    names = set(Variable) - {
        Variable.WEB_CONCURRENCY  # gunicorn reads it before its configuration, and quotes it in a traceback
    }
    proxy = f"http://user:{secret}@127.0.0.1:1"
    environment: dict[str, str] = dict.fromkeys(map(str, names), f"https//user:{secret}@example.com")
    process = subprocess.run(
        [sys.executable, "-m", *command],
        env={**environment, "PATH": os.environ["PATH"], "HTTP_PROXY": proxy},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode != 0
    assert "invalid settings" in process.stderr
    assert secret not in process.stdout + process.stderr


@pytest.mark.parametrize(
    "text",
    [
        "verbose", "us-east-1", "Cruddur-Backend-Flask", "api.honeycomb.io", "https//api.honeycomb.io",
        "https://app.example.com/path", "tcp:127.0.0.1:2000 udp:xray-daemon:2000", "AWS::ECS::Fargate",
        "10s", "127.0.0.1:99999",
    ],
)  # fmt: skip
def test_what_cannot_be_a_credential_is_shown(text: str) -> None:
    assert masked(text) == repr(text)


def test_only_the_credential_within_a_url_is_masked() -> None:
    assert masked("postgres://app:p/w@db.internal:5432/app") == "'postgres://***@db.internal:5432/app'"
    assert masked("https://example.com/v1?api_key=a") == "'https://example.com/v1?***'"
    assert masked("no " * 40) == repr(("no " * 40)[:64] + "…")
    assert masked("word " * 300) == "'***' (1500 characters, masked: it may be a credential)"


ENVIRONMENT = {
    "AWS_SECRET_ACCESS_KEY": ("/Jalrx/0000000000", ["/Jalrx/0000000000"]),
    "AWS_SESSION_TOKEN": ("FwoGZXIvYXdzE", ["FwoGZXIvYXdzE"]),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": ("Basic abcdefgh", ["Basic abcdefgh"]),
    "PGPASSWORD": ("correcthorse", ["correcthorse"]),
    "HTTPS_PROXY": ("http://ops:p%40ssw0rd@proxy:3128", ["p%40ssw0rd", "p@ssw0rd"]),
    "all_proxy": ("ops:p/a#s@w0rd@proxy:3128", ["p/a#s@w0rd"]),
    "DATABASE_URL": ("postgres://app:p?ssw0rd@db:5432/app?sslmode=require", ["p?ssw0rd"]),
    "REDIS_URL": ("redis://:hunter2hunter@cache:6379", ["hunter2hunter"]),
    "AMQP": ("amqp://a:pw111111@b,amqp://c:pw222222@d", ["pw111111", "pw222222"]),
    "STORAGE": ("AccountName=a;AccountKey=abcd1234==;Suffix=b", ["abcd1234=="]),
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": (
        "x-honeycomb-team=k1k2k3k4k5,x-honeycomb-dataset=Backend-Flask",
        ["k1k2k3k4k5"],
    ),
    "STRIPE_KEY": ("sk_live_1234", ["sk_live_1234"]),
}


def test_the_credentials_that_libraries_find_in_the_environment_are_secrets_too() -> None:
    environ = {name: text for name, (text, _) in ENVIRONMENT.items()}
    harmless = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
        "SSL_KEY": "/etc/key.pem",
        "SORT_KEY": "created_at",
        "HTTP_PROXY": "http://proxy:3128",
        "PATH": "/usr/bin:/bin",
        "PS1": "$ ",
        "BYTES_TOKEN": "\udcff",
    }
    settings = Settings.from_env({**environ, **harmless})
    assert settings.secrets() == {name: tuple(values) for name, (_, values) in ENVIRONMENT.items()}
    assert settings == Settings.from_env({})
    assert [value for _, values in ENVIRONMENT.values() for value in values if value in repr(settings)] == []


def test_those_of_the_process_are_secrets_whatever_mapping_the_settings_come_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    assert Settings.from_env({}).secrets() == {"AWS_SECRET_ACCESS_KEY": ("wJalrXUtnFEMI",)}


def test_a_setting_is_not_taken_for_a_librarys_credential() -> None:
    headers = "x-honeycomb-team=k1k2k3k4k5,x-honeycomb-dataset=Backend-Flask"
    settings = Settings.from_env({"OTEL_EXPORTER_OTLP_HEADERS": headers})
    assert "Backend-Flask" not in {value for values in settings.secrets().values() for value in values}
