"""What people pass to make arrives as they wrote it: neither make nor a shell reads it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from flask_onetrace.contract import is_version
from infra.fingerprint import unversioned
from operations.cost.arguments import NUMBERS

ROOT = Path(__file__).parents[2]
TEXTS = ("echo $HOME $(id) ${PATH}", r"it's \$a b", 'a "quoted" `id`; #b', "$$", "a\nb")


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # With --old-file the installed environment is taken as it is, not renewed.
    return subprocess.run(
        ["make", "--silent", "--old-file=.venv/ready", *arguments],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if name != "MAKEFLAGS"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Return a program that prints its last argument and the variables that it is given."""
    path = tmp_path / "python"
    path.write_text(
        '#!/bin/sh\nfor last; do :; done\nprintf "%s|" "$last" "$APP" "$CMD" "$FLASK_APP" "$VERSION"\n', "utf-8"
    )
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("text", TEXTS)
def test_a_command_and_a_path_arrive_as_they_were_written(python: Path, text: str) -> None:
    variables = dict.fromkeys(("APP", "CMD", "FLASK_APP", "VERSION"), text)
    expected = "|".join([text] * 5) + "|"
    assert make("run", f"PY={python}", *(f"{name}={each}" for name, each in variables.items())).stdout == expected
    assert make("run", f"PY={python}", **variables).stdout == expected


@pytest.mark.parametrize("text", TEXTS)
def test_the_version_to_roll_back_to_arrives_as_it_was_written(python: Path, text: str) -> None:
    assert make("roll-back", f"PY={python}", f"TO={text}", "VERSION=1").stdout.startswith(f"{text}|")


@pytest.mark.parametrize("text", TEXTS)
def test_a_trace_id_and_a_filter_arrive_as_they_were_written(python: Path, text: str) -> None:
    assert make("trace", f"PY={python}", f"ID={text}").stdout.startswith(f"{text}|")
    assert make("traces", f"PY={python}", f"FILTER={text}").stdout.startswith(f"--filter={text}|")


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("traces",), "-m local traces"),
        (("traces", "JSON=1", "LIMIT=5"), '-m local traces --json --limit="$LIMIT"'),
        (("traces", "ENV=dev"), "-m operations.traces list --environment dev"),
        (("trace", "ID=1"), '-m local trace -- "$ID"'),
        (("trace", "FILE=a"), '-m local trace --file="$FILE" --'),
        (
            ("trace", "ID=1", "ENV=prod", "EXPORT=otlp"),
            '-m operations.traces show --environment prod --export="$EXPORT" -- "$ID"',
        ),
    ],
)
def test_traces_are_those_of_the_local_deployment_unless_env_is_given(arguments: tuple[str, ...], command: str) -> None:
    assert " ".join(make("-n", *arguments).stdout.replace("\\\n", " ").split()).endswith(command)


@pytest.mark.parametrize("text", TEXTS)
def test_what_the_cdk_gets_arrives_as_it_was_written(text: str) -> None:
    texts = [f"{name}={text}" for name in ("APP", "FLASK_APP", "VERSION", "REPOSITORY")]
    synth = make("synth", "CDK=printf '%s\\n'", *texts).stdout
    assert all(f"\n{name}={text}\n" in synth for name in ("app", "flask_app", "version"))
    assert f"\nrepository={text}\n" in make("deploy-roles", "CDK=printf '%s\\n'", *texts).stdout


def test_further_context_is_words_of_the_shell() -> None:
    synth = make("synth", "CDK=printf '%s\\n'", "CDK_CONTEXT=-c 'note=a $b' -c home=$HOME", "VERSION=1").stdout
    assert "\n-c\nnote=a $b\n-c\n" in synth
    assert f"\nhome={os.environ['HOME']}\n" in synth


def test_the_folder_of_the_version_is_the_one_that_was_written(tmp_path: Path) -> None:
    folder = tmp_path / "it's $a $(b)"
    folder.mkdir()
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "a"],
    ):
        subprocess.run(["git", "-C", folder, *command], check=True, timeout=60)
    subprocess.run(["git", "-C", folder, "tag", "v1$x"], check=True, timeout=60)
    assert "version=v1$x" in make("synth", "CDK=printf '%s\\n'", f"APP={folder}").stdout.splitlines()


@pytest.mark.parametrize("text", TEXTS)
def test_the_values_of_an_estimate_arrive_as_they_were_written(python: Path, text: str) -> None:
    for variable in (*(each.variable for each in NUMBERS), "REGION", "PRICES", "ASSEMBLY"):
        option = variable.lower().replace("_", "-")
        assert make("cost", f"PY={python}", f"{variable}={text}").stdout.startswith(f"--{option}={text}|")


def version_of(folder: Path) -> str:
    lines = make("synth", "CDK=printf '%s\\n'", f"APP={folder}").stdout.splitlines()
    [version] = [line.removeprefix("version=") for line in lines if line.startswith("version=")]
    return version


def test_outside_of_a_repository_the_version_follows_the_files_of_the_application(tmp_path: Path) -> None:
    folder = tmp_path / "it's $a"
    folder.mkdir()
    (folder / "shop.py").write_text("one", encoding="utf-8")
    first = version_of(folder)
    assert is_version(first)
    assert first == version_of(folder) == unversioned(folder)
    (folder / "shop.py").write_text("two", encoding="utf-8")
    assert version_of(folder) not in {first, "unversioned"}


def test_deploy_and_verify_agree_on_the_version_outside_of_a_repository(tmp_path: Path, python: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    assert make("verify", f"PY={python}", f"APP={folder}").stdout.endswith(f"|{version_of(folder)}|")


def test_a_python_that_cannot_be_run_leaves_the_version_unversioned(tmp_path: Path) -> None:
    assert "version=unversioned" in make("synth", "CDK=printf '%s\\n'", f"APP={tmp_path}", "PYTHON=no-such").stdout
