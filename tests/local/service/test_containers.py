"""What differs in the containers of this machine from those of AWS."""

from __future__ import annotations

import io
import random
import string
from dataclasses import replace
from pathlib import Path

import pytest

from infra.application_file import load
from local.backing_services.emulated_aws import EmulatedAws
from local.containers.settings import AgentSettings, BeforeStart
from local.deploy.helper_images import HelperImages
from local.service.containers import _report, agent_settings
from local.service.host_ports import host_ports
from local.service.task import ResolvedTask, TaskSpec
from local.workspace.folders import CHECKOUT, Folders
from local.workspace.report import Report
from local.workspace.session import Session
from local.workspace.state import FakePorts

AWS = EmulatedAws(4566, "administrators-secret")
PORTS = FakePorts(honeycomb=1001, honeycomb_eu=1009, rollbar=1002, daemon=1003)
CONSOLE_PORT = 1005
IMAGES = HelperImages(relay="relay:1", stand_ins={"public/xray:3": "stand-in:1"})
VALUES = {
    "API_KEY": "own-secret",
    "DATABASE_URL": "postgresql://orders:database-password@127.0.0.1:5433/orders",
    "REDIS_URL": "redis://localhost:6379/0",
    "FRONTEND_URL": "http://localhost:8080",
}


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def session(tmp_path: Path, output: io.StringIO) -> Session:
    session = Session.fresh(Folders(tmp_path), {}, Report(output))
    session.state.console_port = CONSOLE_PORT
    session.selected = load(CHECKOUT / "examples" / "orders")
    return session


@pytest.fixture
def settings(session: Session) -> AgentSettings:
    return agent_settings(session, AWS, PORTS, IMAGES, VALUES)


def test_the_settings_are_the_addresses_of_this_machine_and_the_local_values(settings: AgentSettings) -> None:
    assert settings == AgentSettings(
        relay_image="relay:1",
        images={"public/xray:3": "stand-in:1"},
        environment={
            "": {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
            "orders": {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1001",
                "TRACE_URL": f"http://127.0.0.1:{CONSOLE_PORT}/traces/{{trace_id}}",
                "ROLLBAR_ENDPOINT": "http://127.0.0.1:1002/api/1/",
                # The others are secrets of the description: the emulated Secrets Manager has them.
                "REDIS_URL": "redis://localhost:6379/0",
                "FRONTEND_URL": "http://localhost:8080",
            },
        },
        files={"xray-daemon": {"/etc/amazon/xray/cfg.yaml": "Version: 2\nEndpoint: http://127.0.0.1:4566\n"}},
        # Not 8080, on which the application itself listens.
        host_ports=(1001, 1002, 4566, 5433, 6379),
        before_start=BeforeStart(container="orders", command="flask prepare", environment=AWS.credentials),
    )


def test_the_settings_survive_their_file_which_only_its_owner_reads(settings: AgentSettings, tmp_path: Path) -> None:
    file = tmp_path / "agent.json"
    settings.save(file)

    assert AgentSettings.load(file) == settings
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_is_printed_names_each_difference_and_no_secret(
    session: Session, settings: AgentSettings, output: io.StringIO
) -> None:
    secret = replace(
        settings,
        environment={**settings.environment, "orders": {**settings.environment["orders"], "TOKEN": "own-secret"}},
    )
    spec = TaskSpec(task_definition="arn:aws:ecs:r:a:task-definition/Orders:7", environment={}, secrets={})
    _report(session, secret, ResolvedTask(spec, {"ROLLBAR_ENDPOINT": "https://api.rollbar.com/api/1/"}))

    text = output.getvalue()
    for each in (
        "Orders:7",
        "4566",
        "1001",
        "REDIS_URL",
        "TOKEN",
        "cfg.yaml",
        "stand-in:1",
        "6379",
        "deployed: https://api.rollbar",
    ):
        assert each in text
    for each in ("own-secret", "database-password", "administrators-secret"):
        assert each not in text
        assert each not in repr(settings)


@pytest.mark.parametrize(
    ("value", "ports"),
    [
        ("redis://localhost:6379/0", {6379}),
        ("postgresql+psycopg://me:pass@127.0.0.1:5432/db?host=127.0.0.1:5433", {5432, 5433}),
        ("LOCALHOST:80,[::1]:81", {80, 81}),
        ("http://example.com:8080", set()),
        ("127.0.0.1", set()),
        ("127.0.0.1:0", set()),
        ("localhost:65536", set()),
        ("localhost:123456", set()),
        ("localhost:port", set()),
        ("", set()),
    ],
)
def test_the_ports_that_a_value_names_on_this_machine_are_found(value: str, ports: set[int]) -> None:
    assert host_ports([value]) == ports


@pytest.mark.parametrize("seed", range(20))
def test_any_text_around_an_address_leaves_its_port_found(seed: int) -> None:
    rng = random.Random(seed)
    port = rng.randint(1, 65535)
    text = "".join(rng.choices(string.ascii_letters + "/@?=&, ", k=8))

    assert host_ports([f"{text}://127.0.0.1:{port}/{text}"]) == {port}
