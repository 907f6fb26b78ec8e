"""The task definition sets exactly the variables that the service's settings read."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask_onetrace.contract import SECRET_OF, SECRET_PLACEHOLDER, Variable
from flask_onetrace.settings import Settings
from tests.infra.assembly import Assembly
from tests.sample import CRUDDUR, names_of


class Recorder(Mapping[str, str]):
    """Environment variables that record which of them are read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values_ = dict(values)
        self.reads: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.reads.add(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the settings iterate over the environment instead of reading variables by name")

    def __len__(self) -> int:
        return len(self.values_)


def plain(assembly: Assembly) -> dict[str, str]:
    entries = assembly.service.container(CRUDDUR.container_name)["Environment"]
    return {each["Name"]: resolved(each["Value"]) for each in entries}


def resolved(value: Any) -> str:  # noqa: ANN401 - a text, or an intrinsic function of a template
    """Return what CloudFormation makes of a value in eu-west-1."""
    match value:
        case {"Ref": "AWS::Region"}:
            return "eu-west-1"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(resolved, parts))
    assert isinstance(value, str), value
    return value


def secret(assembly: Assembly) -> set[str]:
    return {each["Name"] for each in assembly.service.container(CRUDDUR.container_name)["Secrets"]}


def test_the_variables_set_are_exactly_those_that_the_settings_read(assembly: Assembly) -> None:
    recorder = Recorder(plain(assembly) | dict.fromkeys(secret(assembly), SECRET_PLACEHOLDER))
    Settings.from_env(recorder)
    assert set(plain(assembly)) | secret(assembly) == recorder.reads == {str(each) for each in Variable}


def test_a_variable_is_either_plain_or_secret(assembly: Assembly) -> None:
    assert secret(assembly) == {str(each) for each in SECRET_OF}
    assert not set(plain(assembly)) & secret(assembly)


def test_the_settings_accept_the_task_definitions_variables(assembly: Assembly) -> None:
    settings = Settings.from_env(plain(assembly))
    assert settings.aws_region == "eu-west-1"
    assert settings.trace_url == (
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#xray:traces/{xray_trace_id}"
    )
    assert settings.log_console is False
    assert settings.sampling_rule is not None
    names = names_of(assembly.environment)
    assert settings.sampling_rule.name == names.xray_group
    assert settings.sampling_rule.service_name == settings.xray_service_name == names.xray_service


def test_the_services_fallback_rule_has_the_rates_of_the_deployed_rule(assembly: Assembly) -> None:
    rules = [each["Properties"]["SamplingRule"] for each in assembly.observability.of_type("AWS::XRay::SamplingRule")]
    [rule] = [rule for rule in rules if rule["URLPath"] == "*"]
    fallback = Settings.from_env(plain(assembly)).sampling_rule
    assert fallback is not None
    assert (fallback.fixed_rate, fallback.reservoir_size) == (rule["FixedRate"], rule["ReservoirSize"])


def test_production_has_no_fault_routes(dev: Assembly, prod: Assembly) -> None:
    assert Settings.from_env(plain(dev)).fault_routes is True
    assert Settings.from_env(plain(prod)).fault_routes is False
