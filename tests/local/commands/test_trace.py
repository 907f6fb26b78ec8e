"""`make trace` and `make traces`, for what `make up` runs, and for an environment whose AWS is the emulated one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from flask_onetrace.contract import Output
from local.workspace.folders import CHECKOUT
from local.workspace.state import FakePorts, Record, Selected, State
from operations.traces.document import Place
from tests.local_environment import LocalEnvironment

pytestmark = [pytest.mark.timeout(300), pytest.mark.allow_hosts(["127.0.0.1"])]

ARRIVAL_SECONDS = 20.0
KEY, TOKEN = "sentinel-configuration-key", "sentinel-read-token"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    environment = LocalEnvironment(tmp_path_factory.mktemp("traces").resolve(), mode="process")
    try:
        environment.up()
        yield environment
    finally:
        environment.down()


def run(*arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=CHECKOUT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def local(environment: LocalEnvironment, *arguments: str) -> str:
    process = run("local", *arguments, environ=environment.environ)
    assert process.returncode == 0, process.stderr
    return process.stdout


def deployed(environment: LocalEnvironment, **keys: str) -> dict[str, str]:
    """Return the variables of a reader of an environment in an account: its credentials, and its keys."""
    ports = environment.ports
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **environment.aws.variables,
        "HONEYCOMB_API_URL": f"http://127.0.0.1:{ports.honeycomb}",
        "ROLLBAR_ENDPOINT": f"http://127.0.0.1:{ports.rollbar}/api/1/",
        **keys,
    }


@pytest.fixture(scope="module")
def failed(environment: LocalEnvironment) -> str:
    """Return the trace id of a request that failed, once it is in all four places."""
    trace_id = requests.get(f"{environment.url}/_onetrace/fault", timeout=10).headers["X-Trace-Id"]
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while time.monotonic() < deadline:
        if all(backend.find(trace_id) for backend in environment.backends.values()):
            return trace_id
        time.sleep(0.1)
    raise AssertionError(f"{trace_id} has not arrived in all places")


def test_one_trace_is_printed_with_all_four_places(environment: LocalEnvironment, failed: str) -> None:
    output = local(environment, "trace", failed)

    assert output.startswith("GET /_onetrace/fault  500  ")
    for text in (
        f"trace  {failed}",
        f"X-Ray  1-{failed[:8]}-{failed[8:]}",
        "Honeycomb  1 span   CloudWatch Logs  2 lines",
        "ERROR Exception on /_onetrace/fault [GET]: ",
        "ERROR GET /_onetrace/fault 500 in ",
        "X-Ray  1 segment",
        "cause         DeliberateError: this route fails on purpose",
        "Rollbar  1 item",
        "flask_onetrace/runtime_routes.py:",
    ):
        assert text in output, text
    assert "\x1b" not in output


def test_the_document_of_a_trace_has_all_four_places(environment: LocalEnvironment, failed: str) -> None:
    document = json.loads(local(environment, "trace", f"00-{failed}-{'1' * 16}-01", "--json"))

    assert list(document) == ["trace_id", "xray_trace_id", "request", "places"]
    assert document["trace_id"] == failed
    assert document["request"]["places"] == list(Place)
    assert document["request"]["exception"].startswith("DeliberateError: ")
    assert {name: len(each["items"]) for name, each in document["places"].items()} == {
        "honeycomb": 1,
        "xray": 1,
        "cloudwatch": 2,
        "rollbar": 1,
    }
    assert {each["absence"] for each in document["places"].values()} == {None}


@pytest.mark.parametrize("form", ["otlp", "xray"])
def test_an_exported_trace_is_shown_from_its_file(
    environment: LocalEnvironment, failed: str, form: str, tmp_path: Path
) -> None:
    file = tmp_path / "trace.json"
    file.write_text(local(environment, "trace", failed, "--export", form), "utf-8")

    shown = run(
        "local", "trace", "--file", str(file), environ={**environment.environ, "LOCAL_STATE_DIR": str(tmp_path)}
    )

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("GET /_onetrace/fault  500  ")
    assert f"trace  {failed}" in shown.stdout


def test_the_newest_requests_are_listed_and_filtered(environment: LocalEnvironment, failed: str) -> None:
    requests.get(f"{environment.url}/api/activities/home", timeout=10)

    table = local(environment, "traces", "--filter", "status:5xx route:/_onetrace/*").splitlines()
    listed = json.loads(
        local(environment, "traces", "--filter", "status:5xx -route:/api/*", "--json", "--limit", "500")
    )

    assert any(failed in each and " 500 " in each and "HXCR" in each for each in table)
    assert failed in {each["trace_id"] for each in listed}
    assert {each["status"] // 100 for each in listed} == {5}
    assert local(environment, "traces", "--filter", "status:418") == "No request matches.\n"
    mistyped = run("local", "traces", "--filter", "stats:5xx", environ=environment.environ)
    assert (mistyped.returncode, mistyped.stdout) == (0, "No request matches.\n")
    assert "note: no request has the attribute stats; did you mean status?\n" in mistyped.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trace",), "ID is empty. Pass ID=<trace id>, as make traces prints them, or FILE=trace.json"),
        (("trace", "12"), "ID is '12', which is no trace id."),
        (("trace", "1" * 32), f"No place has anything of trace {'1' * 32}. Copy the id from the header X-Trace-Id"),
        (("trace", "--file", "/none.json"), "FILE=/none.json cannot be read (No such file or directory)."),
        (("traces", "--filter", "status:x"), "The filter's term 'status:x' has the value 'x', which is no status."),
        (("traces", "--limit", "0"), "LIMIT is 0. Use 1 to 10000"),
    ],
)
def test_a_command_that_cannot_succeed_says_why_and_fails(
    environment: LocalEnvironment, arguments: tuple[str, ...], message: str
) -> None:
    process = run("local", *arguments, environ=environment.environ)

    assert process.returncode == 1
    assert process.stderr.startswith(f"error: {message}")


def test_a_deployed_environment_is_read_with_the_readers_credentials(
    environment: LocalEnvironment, failed: str
) -> None:
    keys = deployed(environment, HONEYCOMB_CONFIGURATION_KEY=KEY, ROLLBAR_READ_TOKEN=TOKEN)
    name = ("--environment", "local")

    shown = run("operations.traces", "show", *name, "--json", failed, environ=keys)
    listed = run("operations.traces", "list", *name, "--filter", f"trace:{failed}", environ=keys)

    assert shown.returncode == 0, shown.stderr
    document: dict[str, Any] = json.loads(shown.stdout)
    places = document["places"]
    assert [len(each["items"]) for each in places.values()] == [1, 1, 2, 1]
    of_fake = json.loads(local(environment, "trace", failed, "--json"))["places"]["honeycomb"]["items"][0]
    of_api = places["honeycomb"]["items"][0]
    assert of_api["attributes"] == of_fake["attributes"]
    assert of_api["events"][0]["attributes"] == of_fake["events"][0]["attributes"]
    assert all(each["url"].startswith("http") for each in places.values())
    assert "HXCR" in listed.stdout
    assert [KEY in text or TOKEN in text for text in (shown.stdout, shown.stderr, listed.stdout)] == [False] * 3


def test_without_keys_a_deployed_environment_says_which_variable_to_set(
    environment: LocalEnvironment, failed: str
) -> None:
    shown = run("operations.traces", "show", "--environment", "local", failed, environ=deployed(environment))
    listed = run("operations.traces", "list", "--environment", "local", environ=deployed(environment))

    assert (shown.returncode, listed.returncode) == (0, 0), shown.stderr + listed.stderr
    assert "ROLLBAR_READ_TOKEN is not set, so Rollbar cannot be read." in shown.stdout
    assert "note: Rollbar is not among the places: set ROLLBAR_READ_TOKEN to read it" in listed.stderr


def test_an_environment_that_is_not_deployed_is_named(environment: LocalEnvironment) -> None:
    shown = run("operations.traces", "show", "--environment", "dev", "1" * 32, environ=deployed(environment))

    assert shown.returncode == 1
    assert shown.stderr.startswith("error: ENV=dev is not deployed: there is no stack Cruddur-dev-Service.")


def test_nothing_is_up_and_the_emulator_has_died_are_told_apart(tmp_path: Path) -> None:
    environment = LocalEnvironment(tmp_path, mode="process")
    folder = environment.state_folder
    folder.mkdir()
    for arguments in (("trace", "1" * 32), ("traces",)):
        process = run("local", *arguments, environ=environment.environ)
        assert (process.returncode, process.stderr) == (1, "error: Nothing is running. Start with make up\n")

    state = State(
        processes=[Record("emulator", 2**22 + 1, 1.0)],
        application=Selected(name="Cruddur", folder=str(CHECKOUT / "service"), flask_app=None),
        gateway_port=1,
        load_balancer_port=1,
        fake_ports=FakePorts(honeycomb=1, honeycomb_eu=9, rollbar=1, daemon=1),
        outputs={Output.LOG_GROUP: "group"},
    )
    state.save(environment.folders.state_file)
    for arguments in (("trace", "1" * 32), ("traces",)):
        process = run("local", *arguments, environ=environment.environ)
        assert process.returncode == 1
        assert process.stderr.startswith("error: The AWS emulator (process 4194305) has died")
