from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flask_onetrace.contract import SECRET_SOURCES, Variable
from operations import secrets
from operations.secrets import read_keys, read_line

ROOT = Path(__file__).parents[2]
KEY = "fake-honeycomb-key-c0ffee"


def test_a_key_in_the_environment_is_not_prompted_for() -> None:
    prompts: list[str] = []

    def ask(variable: str) -> str:
        prompts.append(variable)
        return "typed"

    variable, *others = SECRET_SOURCES
    keys = read_keys({variable: KEY}, ask)

    assert keys == {variable: KEY, **dict.fromkeys(others, "typed")}
    assert prompts == others


def test_an_empty_answer_leaves_an_entry_as_it_is() -> None:
    assert read_keys({"HONEYCOMB_API_KEY": " "}, lambda _: "  ") == {}


@pytest.mark.parametrize("text", [f"{KEY}\nfake-token\n", f"HONEYCOMB_API_KEY={KEY}\nROLLBAR_ACCESS_TOKEN=fake-token"])
def test_keys_are_read_from_standard_input_line_by_line(text: str) -> None:
    source = io.StringIO(text)

    keys = read_keys({}, lambda variable: read_line(variable, source))

    assert keys == {Variable.HONEYCOMB_API_KEY: KEY, Variable.ROLLBAR_ACCESS_TOKEN: "fake-token"}


@pytest.mark.parametrize(
    ("answer", "confirmed"),
    [("y", True), ("", False), ("n", False)],
)
def test_what_the_shell_has_exported_is_named_and_confirmed_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    confirmed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert secrets._confirmed("prod", ["DATABASE_URL"], is_approved=False) is confirmed
    assert capsys.readouterr().out == "Read from the environment: DATABASE_URL.\n"
    assert secrets._confirmed("prod", [], is_approved=False)


def test_spaces_are_a_part_of_an_applications_secret_and_not_of_a_sinks_key() -> None:
    environ = {"HONEYCOMB_API_KEY": f" {KEY} ", "PASSPHRASE": " open sesame "}
    assert read_keys(environ, lambda _: "", environ) == {"HONEYCOMB_API_KEY": KEY, "PASSPHRASE": " open sesame "}


def run(*arguments: str, key: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operations.secrets", *arguments],
        env={"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
        | ({"HONEYCOMB_API_KEY": key} if key else {}),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_key_nothing_is_stored_and_the_remedy_is_named() -> None:
    process = run("--environment", "dev")

    assert process.returncode == 1
    assert " or ".join(SECRET_SOURCES) in process.stderr


def test_a_key_is_never_taken_as_an_argument() -> None:
    assert run("--environment", "dev", "--honeycomb-api-key", KEY).returncode == 2


def test_without_a_terminal_what_is_exported_is_stored_only_where_that_is_approved() -> None:
    process = run("--environment", "dev", key=KEY)

    assert process.returncode == 1
    assert process.stdout == "Read from the environment: HONEYCOMB_API_KEY.\n"
    assert "nothing was stored\nPass APPROVAL=never to store them" in process.stderr
    assert KEY not in process.stdout + process.stderr


def test_a_failure_is_one_message_without_the_key() -> None:
    process = run("--environment", "dev", "--approval", "never", key=KEY)

    assert process.returncode == 1
    assert "make deploy" in process.stderr
    assert "Traceback" not in process.stderr
    assert KEY not in process.stdout + process.stderr


APPROVED = {"secrets": ("--approval", "never")}


@pytest.mark.parametrize(
    "proxy",
    [
        "http://ops:hunter2-hunter2@127.0.0.1:1",
        "http://ops:hunter2-hunter2@127.0.0.1:x",
        "ops:hunter2-hunter2@",
        "a://b:hunter2-hunter2@c",
    ],
)
@pytest.mark.parametrize("module", ["secrets", "deploy_marker", "honeycomb"])
def test_no_command_prints_a_proxys_password(module: str, proxy: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", f"operations.{module}", "--environment", "dev", *APPROVED.get(module, ())],
        env={
            "PATH": os.environ["PATH"],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "fake",
            "AWS_SECRET_ACCESS_KEY": "fake-secret-key",
            "AWS_MAX_ATTEMPTS": "1",
            "HTTPS_PROXY": proxy,
            "HONEYCOMB_API_KEY": KEY,
            "HONEYCOMB_CONFIGURATION_KEY": KEY,
            "HONEYCOMB_API_URL": "https//user:hunter2-hunter2@api.honeycomb.io" if module == "honeycomb" else "",
        },
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 1
    output = process.stdout + process.stderr
    assert [secret for secret in ("hunter2", "fake-secret-key", KEY) if secret in output] == []
    assert "Traceback" not in output
