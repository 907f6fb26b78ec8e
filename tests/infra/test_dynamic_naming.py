"""`xray_url` turns on dynamic naming in the service and in the X-Ray groups at once."""

import dataclasses

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from flask_onetrace.contract import CONFIGURED_NAME_ANNOTATION
from flask_onetrace.settings import Settings
from infra.context import Deployment
from infra.environments import DEV, ENVIRONMENTS, Environment
from infra.observability_stack import ObservabilityStack
from infra.service_environment import service_variables
from tests.sample import CRUDDUR, names_of

PATTERN = "*4567-workspace.example.com*"


def filters_of(environment: Environment) -> dict[str, str]:
    template = Template.from_stack(
        ObservabilityStack(App(), "Stack", environment=environment, names=names_of(environment.name))
    )
    groups = [each["Properties"] for each in template.find_resources("AWS::XRay::Group").values()]
    return {group["GroupName"]: group["FilterExpression"] for group in groups}


def xray_url_of(environment: Environment) -> str | None:
    deployment = Deployment(application=CRUDDUR, environment=environment, version="1", image=None)
    return Settings.from_env(service_variables(deployment, region="us-east-1")).xray_url


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))
def test_dynamic_naming_is_off_in_every_environment(environment: Environment) -> None:
    assert xray_url_of(environment) is None
    assert filters_of(environment)[names_of(environment.name).xray_group] == names_of(environment.name).xray_filter


def test_the_pattern_is_set_in_the_service_and_widens_the_groups() -> None:
    environment = dataclasses.replace(DEV, telemetry=dataclasses.replace(DEV.telemetry, xray_url=PATTERN))
    assert xray_url_of(environment) == PATTERN
    either = f'(service("Backend-Flask-dev") OR annotation.{CONFIGURED_NAME_ANNOTATION} = "Backend-Flask-dev")'
    assert filters_of(environment) == {
        "Cruddur-dev": either,
        "Cruddur-dev-Faults": f"{either} AND fault",
        "Cruddur-dev-Slow": f"{either} AND responsetime > 1",
    }
