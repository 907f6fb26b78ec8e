"""The image runs only the service: without root, installer, or a shell between the engine and gunicorn."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from flask_onetrace.contract import CONTAINER_PORT, SERVER_APP, SERVER_CONFIG, Variable
from infra.application import RUNTIME_HEALTH_COMMAND
from tests.container.compose import ROOT
from tests.container.dockerfile import exec_form, stages

DOCKERFILE = ROOT / "service" / "Dockerfile"
FINAL = stages(DOCKERFILE)[-1]


def test_hadolint_reports_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    process = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False, timeout=60)
    assert (process.returncode, process.stdout) == (0, "")


def test_each_base_image_is_pulled_by_a_version_tag() -> None:
    names = ["scratch", *re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)]
    pulled = [stage.base for stage in stages(DOCKERFILE) if stage.base not in names]
    assert len(pulled) == 2, "Python, and node for the page"
    assert all(re.fullmatch(r"public\.ecr\.aws/[a-z/]+:\d+\.\d+-\S+", each) for each in pulled)


def test_the_image_has_the_built_page_and_neither_node_nor_the_pages_sources() -> None:
    _, page, _, build, _ = stages(DOCKERFILE)
    assert "node:" in page.base
    assert page.all("RUN") == ["npm ci --no-audit --no-fund --no-update-notifier", "npm run build"]
    steps = [rest for _, rest in build.instructions]
    assert steps.index("rm -r service/web") < steps.index("--from=page /page/dist service/web/dist")
    assert FINAL.all("COPY") == ["--from=system / /", "--from=build /image/ /"]


def test_the_service_runs_as_a_numeric_user_that_is_not_root() -> None:
    user, group = map(int, FINAL.only("USER").split(":"))
    assert user > 0
    assert group > 0


def test_nothing_runs_as_root_after_the_user_is_set() -> None:
    keywords = [keyword for keyword, _ in FINAL.instructions]
    assert not {"RUN", "COPY", "ADD"} & set(keywords[keywords.index("USER") :])


def test_the_image_has_a_system_in_which_nothing_is_installed_and_the_installer_is_removed() -> None:
    _, _, system, _, _ = stages(DOCKERFILE)
    [run] = system.all("RUN")
    assert "python -m pip uninstall --yes --root-user-action ignore pip" in run.split(" && ")
    assert " install " not in run
    assert not FINAL.all("RUN")


def test_only_wheels_that_match_their_hashes_are_installed() -> None:
    (install,) = (run for stage in stages(DOCKERFILE) for run in stage.all("RUN") if " install " in run)
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    assert "--no-cache-dir" in install


def test_gunicorn_is_process_one_with_the_runtimes_configuration() -> None:
    assert exec_form(FINAL.only("CMD")) == ["gunicorn", "--config", SERVER_CONFIG, SERVER_APP]
    assert not FINAL.all("ENTRYPOINT")


def test_the_runtimes_configuration_and_application_are_modules() -> None:
    for name in (SERVER_CONFIG.removeprefix("python:"), SERVER_APP.partition(":")[0]):
        assert find_spec(name) is not None


def test_the_health_check_is_the_task_definitions() -> None:
    options, _, command = FINAL.only("HEALTHCHECK").partition(" CMD ")
    assert exec_form(command) == list(RUNTIME_HEALTH_COMMAND)
    assert {"--interval=10s", "--timeout=5s", "--retries=3"} <= set(options.split())


def test_the_port_of_the_contract_is_exposed() -> None:
    assert FINAL.only("EXPOSE") == str(CONTAINER_PORT)


def test_the_service_listens_on_every_interface_of_the_container() -> None:
    assert f"{Variable.BIND_HOST}=0.0.0.0" in FINAL.only("ENV").split()


def test_the_folder_that_fargate_mounts_is_a_volume() -> None:
    assert exec_form(FINAL.only("VOLUME")) == ["/tmp"]  # noqa: S108 - the container's own
