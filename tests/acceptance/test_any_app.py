"""`make up APP=folder` runs an application that knows nothing of this project, and keeps it up through bad edits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_onetrace.contract import Variable
from local.service import revision
from tests.acceptance.conftest import address_of, copied_checkout, seconds_of
from tests.acceptance.shop import SECRET, Shop, current, groups, rules, version_of, write_shop

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("apps") / "shop"
    write_shop(folder)
    with copied_checkout(tmp_path_factory.mktemp("checkout")) as checkout:
        running = Shop(folder, checkout)
        code, running.first_output, errors = running.up()
        assert code == 0, running.first_output + errors
        running.url = address_of(running.first_output)
        yield running


def test_its_requests_are_in_all_four_places(shop: Shop) -> None:
    assert re.search(r"GET http://127\.0\.0\.1:\d+/things -> 200\n  trace id [0-9a-f]{32}\n", shop.first_output)
    for backend in ("Honeycomb", "X-Ray", "CloudWatch Logs"):
        assert len(re.findall(rf"^  {backend} +\d+ \w+: .*after", shop.first_output, re.MULTILINE)) == 2
    assert re.search(r"^  Rollbar +1 item: DeliberateError", shop.first_output, re.MULTILINE)


def test_it_runs_in_its_folder_with_its_own_modules_variables_and_secrets(shop: Shop) -> None:
    things = shop.get().json()

    assert things["greeting"] == "hello"
    assert things["modules"] == ["its own local", "its own service", "its own tests"]
    assert (things["colour"], things["secret"], things["region"]) == ("green", SECRET, "us-east-1")
    assert things["started"].startswith(f"green {shop.checkout.state}/venvs/shop-")


def test_its_links_lead_back_to_the_printed_address(shop: Shop) -> None:
    things = shop.get().json()

    assert things["host"] == f"{shop.url}/"
    assert things["external"] == f"{shop.url}/things"
    by_name = shop.get(Host=shop.url.removeprefix("http://").replace("127.0.0.1", "localhost")).json()
    assert by_name["host"] == f"{shop.url.replace('127.0.0.1', 'localhost')}/"


def test_another_name_for_its_address_is_refused(shop: Shop) -> None:
    port = shop.url.rpartition(":")[2]

    assert shop.get(Host=f"evil.test:{port}").status_code == 403
    assert shop.get(Origin="http://evil.test").status_code == 403


def test_no_secret_is_printed_or_on_a_command_line(shop: Shop) -> None:
    assert SECRET not in shop.first_output
    assert [line for line in shop.checkout.running_processes() if SECRET in line] == []
    definition = shop.aws.ecs.describe_task_definition(taskDefinition=current(shop))
    assert SECRET not in str(definition)


def test_an_edit_replaces_it_without_a_deploy_of_the_stacks_and_renews_the_version(shop: Shop) -> None:
    before = version_of(shop)
    with shop.edited("greeting.txt", "hello", "good evening"):
        code, output, errors = shop.up()
        assert (code, errors) == (0, "")
        assert seconds_of(output) < seconds_of(shop.first_output)
        assert "cdk deploy is not needed" in output
        assert shop.get().json()["greeting"] == "good evening"
        assert version_of(shop) != before
        spec = revision.spec_of(shop.aws, shop.checkout.recorded().outputs, current(shop))
        assert spec.environment[Variable.SERVICE_VERSION] == version_of(shop)
    assert shop.up()[0] == 0
    assert version_of(shop) == before


BROKEN = {
    "import": ("shop.py", "BROKEN = False", "import nowhere", "No module named 'nowhere'"),
    "health check": (
        "shop.py",
        'return {"ok": True}',
        "return 'ill', 500",
        "was not ready after 5 s: its health check GET /healthz returned 500, and the load balancer takes 2xx alone",
    ),
    "health check that raises": (
        "shop.py",
        'return {"ok": True}',
        "raise LookupError('empty')",
        "    LookupError: empty\nerror: The service was not ready after 5 s: its health check GET /healthz returned",
    ),
    "health check without its slash": (
        "shop.py",
        '@app.get("/healthz")',
        '@app.get("/healthz/")',
        'and the load balancer takes 2xx alone. Set health_check_path = "/healthz/"',
    ),
    "health check behind a login": (
        "shop.py",
        'return {"ok": True}',
        "return 'log in', 302, {'Location': '/login?next=/healthz'}",
        "GET /healthz returned 302 to /login?next=/healthz, and the load balancer takes 2xx alone",
    ),
    "smoke test": (
        "shop.py",
        '"greeting": Path',
        '"greeting": 1 / 0, "g": Path',
        "    ZeroDivisionError: division by zero\nerror: The smoke test failed. GET /things returned 500, expected 200",
    ),
    "smoke test behind a login": (
        "shop.py",
        '        if request.headers.get("X-Key")',
        "        if request.path == '/things':\n            return '', 302, {'Location': '/login?next=%2Fthings'}\n"
        '        if request.headers.get("X-Key")',
        "Set [smoke_test] status = 302, or a path that needs no login",
    ),
    "telemetry": (
        "onetrace.toml",
        'STRIPE_KEY = "planted',
        'OTEL_TRACES_EXPORTER = "none"\nSTRIPE_KEY = "planted',
        "is missing in Honeycomb",
    ),
    "before_start": ("onetrace.toml", "echo $COLOUR", "echo no tables >&2; false #", "no tables"),
}


UNREADY = {"health check", "health check that raises"}
"""Those for which a start waits."""


@pytest.mark.parametrize("fault", BROKEN)
def test_after_a_broken_edit_the_old_version_serves_on_and_the_emulated_aws_says_so(shop: Shop, fault: str) -> None:
    name, old, new, message = BROKEN[fault]
    assert shop.up()[0] == 0  # of the files as they are, whatever a test before has left
    state, task_definition, listeners = shop.checkout.recorded(), current(shop), rules(shop)
    log = shop.checkout.state / "logs" / "service.log"
    lines = log.read_text(encoding="utf-8")

    with shop.edited(name, old, new):
        code, output, errors = shop.up(**({"LOCAL_READY_SECONDS": "5"} if fault in UNREADY else {}))

    assert code == 1
    assert message in errors, errors
    assert "Rolled back" in output
    assert log.read_text(encoding="utf-8").startswith(lines), "the log is that of the version that serves"
    assert shop.get().json()["greeting"] == "hello"
    assert shop.checkout.recorded() == state
    assert (current(shop), rules(shop)) == (task_definition, listeners)
    assert groups(shop) == 1
    code, output, errors = shop.up()
    assert (code, errors) == (0, "")
    assert "The running service is up to date" in output


def test_requirements_that_the_runtime_does_not_work_with_are_named_with_both_versions(shop: Shop) -> None:
    with shop.added("requirements.txt", "gunicorn==23.0.0\n"):
        code, _, errors = shop.up()

    assert code == 1
    needed = r"gunicorn(>=27,<28|<28,>=27)"
    message = (
        rf"error: requirements\.txt installs gunicorn 23\.0\.0, but the runtime needs {needed}\. Remove it or change"
    )
    assert re.match(message, errors), errors
    assert shop.get().status_code == 200


def test_libraries_whose_instrumentation_is_missing_are_named(shop: Shop) -> None:
    with shop.added("requirements.txt", "redis\nhttpx\nopentelemetry-instrumentation-httpx\n"):
        code, output, errors = shop.up()

    assert (code, errors) == (0, "")
    lines = [line for line in output.splitlines() if "are not traced" in line]
    assert lines == [
        "calls of redis are not traced: add opentelemetry-instrumentation-redis==0.66b1 to requirements.txt"
    ]
    assert shop.up()[0] == 0


PROJECT = """
[project]
name = "shop"
version = "1"
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
py-modules = ["shop"]
"""


def test_a_project_is_installed_again_after_an_edit_of_what_it_requires_and_its_folder_stays_clean(shop: Shop) -> None:
    with shop.added("pyproject.toml", PROJECT), shop.added("requirements.txt", ".\n"):
        before = sorted(shop.folder.iterdir())
        assert shop.up()[0] == 0
        with shop.edited(
            "pyproject.toml", 'version = "1"', 'version = "1"\ndependencies = ["itsdangerous", "iniconfig"]'
        ):
            code, output, errors = shop.up()
            assert (code, errors) == (0, "")
            assert "Install the packages of Shop" in output
            assert shop.checkout.run("run", "python -c 'import iniconfig'").returncode == 0
        assert sorted(shop.folder.iterdir()) == before
    assert shop.up()[0] == 0


def test_a_failed_smoke_test_says_what_was_expected_what_came_and_under_which_trace_id(shop: Shop) -> None:
    with shop.edited("onetrace.toml", '"/things"', '"/nothing"'):
        _, _, errors = shop.up()

    assert re.search(r"GET /nothing returned 404, expected 200, trace id [0-9a-f]{32}: .*Not Found", errors), errors


def test_a_command_has_the_tasks_environment_the_apps_programs_and_the_terminal(shop: Shop) -> None:
    line = 'read name; echo "$name $COLOUR $STRIPE_KEY"; flask routes; pwd; exit 7'
    result = shop.checkout.run("run", line, stdin="from stdin\n")

    assert result.returncode == 7, result.stderr
    assert f"from stdin green {SECRET}\n" in result.stdout
    assert re.search(r"^things +GET +/things *$", result.stdout, re.MULTILINE)
    assert result.stdout.endswith(f"{shop.folder}\n")


def test_another_app_is_refused_while_it_is_up(shop: Shop) -> None:
    result = shop.checkout.run("up")

    assert result.returncode == 1
    assert f"Shop ({shop.folder}) is up, and APP selects Cruddur" in result.stderr
    assert re.search(r"make up APP=\S+/shop; LOCAL_STATE_DIR", result.stderr)
    assert shop.get().status_code == 200


@pytest.mark.parametrize("command", [["run", "pwd"], ["down"], ["status"], ["logs", "--no-follow"], ["ask"]])
def test_a_command_for_another_app_is_refused_while_it_is_up(shop: Shop, command: list[str], tmp_path: Path) -> None:
    another = shop.checkout.run(*command, APP=str(tmp_path))
    missing = shop.checkout.run(*command, APP=str(tmp_path / "nowhere"))

    assert (another.returncode, another.stdout) == (1, "")
    assert f"Shop ({shop.folder}) is up, and APP selects" in another.stderr
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith(f"error: APP='{tmp_path}/nowhere' is no folder. Set it")
    assert shop.get().status_code == 200


def test_a_command_for_the_app_that_is_up_is_run(shop: Shop) -> None:
    result = shop.checkout.run("run", "pwd", APP=str(shop.folder))

    assert (result.returncode, result.stdout) == (0, f"{shop.folder}\n")
    assert shop.checkout.run("status", APP=str(shop.folder)).returncode == 0


def test_status_names_it(shop: Shop) -> None:
    status = shop.checkout.run("status").stdout

    assert f"application     Shop ({shop.folder})" in status
    assert f"load balancer   {shop.url}/" in status
