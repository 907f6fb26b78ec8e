"""A variable of the contract is set by a description only where it may be, and to a value that the service accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_onetrace.contract import Variable
from infra.application_variables import OVERRIDABLE, SECRET_OVERRIDABLE
from tests.infra.application_files import described, refusal

VALID = {
    Variable.LOG_LEVEL: "DEBUG",
    Variable.REDACT_NAMES: "pin-code",
    Variable.FRONTEND_URL: "https://app.example.com",
    Variable.BACKEND_URL: "https://api.example.com",
    Variable.TRACE_URL: "https://ui.example.com/acme/{trace_id}?tab=spans#{xray_trace_id}",
    Variable.OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: "redis",
    Variable.OTEL_EXPORTER_OTLP_ENDPOINT: "https://otlp.example.com",
    Variable.OTEL_EXPORTER_OTLP_HEADERS: "x-team=a",
    Variable.OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    Variable.ROLLBAR_ENDPOINT: "https://rollbar.example.com/api/1/",
}
"""A valid value of each variable that does not take 1."""


@pytest.mark.parametrize("variable", sorted(OVERRIDABLE))
def test_a_choice_of_the_application_is_accepted(tmp_path: Path, variable: Variable) -> None:
    value = VALID.get(variable, "1")
    assert described(tmp_path, f'[variables]\n{variable} = "{value}"').variables == {variable: value}


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LOG_LEVEL", "verbose", "'verbose' is not supported: set one of DEBUG"),
        ("USER_HEADER", "X User", "'X User' is not the name of a header: use letters"),
        ("FRONTEND_URL", "https://app.example.com/app", "'https://app.example.com/app' is not an origin"),
        ("TAIL_SAMPLING_PER_SECOND", "-1", "'-1' is not a whole number of 0 or more"),
    ],
)
@pytest.mark.parametrize("table", ["variables", "variables.prod"])
def test_a_value_that_the_service_rejects_at_its_start_is_refused(
    tmp_path: Path, table: str, variable: str, value: str, message: str
) -> None:
    expected = f"{table}.{variable} would be rejected by the service at its start: {message}"
    assert refusal(tmp_path, f'[{table}]\n{variable} = "{value}"').startswith(expected)


def test_an_empty_value_is_accepted_as_the_service_does(tmp_path: Path) -> None:
    assert described(tmp_path, '[variables]\nLOG_LEVEL = ""').variables == {"LOG_LEVEL": ""}


@pytest.mark.parametrize("variable", sorted(set(Variable) - OVERRIDABLE))
def test_every_other_variable_of_the_contract_is_refused(tmp_path: Path, variable: Variable) -> None:
    assert refusal(tmp_path, f'[variables]\n{variable} = "1"').startswith(f"variables.{variable} cannot be set here: ")


@pytest.mark.parametrize("variable", sorted(set(Variable) - SECRET_OVERRIDABLE))
def test_no_variable_of_the_runtime_is_filled_from_an_entry_of_the_applications(
    tmp_path: Path, variable: Variable
) -> None:
    assert refusal(tmp_path, f'[secrets]\n{variable} = "entry"').startswith(f"secrets.{variable} cannot be set here: ")
