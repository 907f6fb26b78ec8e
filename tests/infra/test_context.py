"""The CDK context chooses environment, version and image, and a malformed value is rejected by its key."""

import pytest
from aws_cdk import App

from infra.context import ContextError, Deployment
from infra.environments import DEV, ENVIRONMENTS, PROD
from service import __version__
from service.settings import Settings
from tests.infra.conftest import CERTIFICATE, UNKNOWN_ENVIRONMENT


def deployment(**context: str) -> Deployment:
    return Deployment.from_context(App(context=context).node)


def test_the_default_is_dev_at_the_services_own_version_with_a_built_image() -> None:
    assert deployment() == Deployment(environment=DEV, version=__version__, image=None)


def test_an_empty_value_means_the_default() -> None:
    assert deployment(environment="", version="", image="", certificate_arn="", alarm_email="") == deployment()


def test_version_and_image_are_read_from_the_context() -> None:
    release = deployment(environment="prod", version="2.1.0-rc.1", image="registry.test:5000/backend-flask:2")
    assert release == Deployment(environment=PROD, version="2.1.0-rc.1", image="registry.test:5000/backend-flask:2")


def test_the_longest_version_is_accepted_by_the_service_too() -> None:
    longest = "0123456789" * 4
    assert deployment(version=longest).version == Settings.from_env({"SERVICE_VERSION": longest}).version == longest


def test_a_certificate_and_an_alarm_address_replace_the_environments_own() -> None:
    environment = deployment(certificate_arn=CERTIFICATE, alarm_email="team@example.com").environment
    assert (environment.certificate_arn, environment.alarm_email) == (CERTIFICATE, "team@example.com")


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("environment", UNKNOWN_ENVIRONMENT, f"pass -c environment=<{'|'.join(ENVIRONMENTS)}>"),
        ("certificate_arn", "arn:aws:iam::123456789012:server-certificate/x", "-c certificate_arn=arn:aws:acm:"),
        ("alarm_email", "team", "-c alarm_email=team@example.com"),
        ("version", "1.0 beta", f"-c version={__version__}"),
        ("version", "v" * 41, f"-c version={__version__}, 40 characters at most"),
        ("image", "two words", "-c image=backend-flask:latest"),
    ],
)
def test_a_malformed_value_is_rejected_with_key_value_and_remedy(key: str, value: str, remedy: str) -> None:
    with pytest.raises(ContextError) as error:
        deployment(**{key: value})
    assert str(error.value).startswith(f"{key} {value!r}")
    assert remedy in str(error.value)
