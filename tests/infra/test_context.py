"""The CDK context chooses environment, version and image, and a malformed value is rejected by its key."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from aws_cdk import App

from flask_onetrace.settings import Settings
from infra.application_file import load
from infra.context import ContextError, Deployment
from infra.domain import Domain, HostedZone
from infra.environments import DEV, ENVIRONMENTS, LOCAL, PROD
from infra.fingerprint import unversioned
from service import __version__
from tests.infra.conftest import CERTIFICATE, UNKNOWN_ENVIRONMENT, ZONE
from tests.sample import CRUDDUR


def deployment(**context: str) -> Deployment:
    return Deployment.from_context(App(context=context).node)


def test_the_default_is_dev_at_the_services_own_version_with_a_built_image() -> None:
    assert deployment() == Deployment(application=CRUDDUR, environment=DEV, version=__version__, image=None)


def test_the_default_version_of_another_application_follows_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    first = deployment(app=str(folder)).version
    assert first == unversioned(folder)
    (folder / "shop.py").touch()
    assert deployment(app=str(folder)).version not in {first, __version__}


def test_a_file_that_cannot_be_read_is_an_error_that_says_what_to_pass(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    refused = PermissionError(13, "Permission denied", "shop.py")
    with patch("infra.context.unversioned", side_effect=refused), pytest.raises(ContextError) as raised:
        deployment(app=str(tmp_path / "shop"))
    assert "'shop.py': pass -c version=" in str(raised.value)


def test_an_empty_value_means_the_default() -> None:
    assert deployment(environment="", version="", image="", plain_http="", alarm_email="") == deployment()


def test_version_and_image_are_read_from_the_context() -> None:
    release = deployment(environment="local", version="2.1.0-rc.1", image="registry.test:5000/backend-flask:2")
    assert release == Deployment(
        application=CRUDDUR, environment=LOCAL, version="2.1.0-rc.1", image="registry.test:5000/backend-flask:2"
    )


def test_the_application_is_that_of_the_folder_and_flask_app_replaces_the_descriptions() -> None:
    bookings = str(Path(__file__).parent / "bookings")
    assert deployment(app=bookings).application == load(Path(bookings))
    assert deployment(app=bookings, flask_app="other:app").application.flask_app == "other:app"
    assert deployment(app="").application == CRUDDUR


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("/nowhere", "APP='/nowhere' is no folder: set it to the folder of a Flask application"),
        ("~nobody-of-this-name/app", "home"),
    ],
)
def test_a_folder_that_is_none_is_refused(app: str, message: str) -> None:
    with pytest.raises(ContextError, match=message):
        deployment(app=app)


def test_a_description_that_does_not_go_with_the_environments_is_refused(tmp_path: Path) -> None:
    (tmp_path / "onetrace.toml").write_text('[variables.staging]\nA = "1"', encoding="utf-8")
    with pytest.raises(
        ContextError, match=r"\[variables\.staging\] is of an unknown environment: use one of local, dev"
    ):
        deployment(app=str(tmp_path))
    (tmp_path / "onetrace.toml").write_text('name = "An45678901234567"', encoding="utf-8")
    message = "environment name 'development' is malformed: use up to 8"
    with (
        patch.dict(ENVIRONMENTS, {"development": replace(DEV, name="development")}),
        pytest.raises(ContextError, match=message),
    ):
        deployment(app=str(tmp_path), environment="development")


def test_the_longest_version_is_accepted_by_the_service_too() -> None:
    longest = "0123456789" * 4
    assert deployment(version=longest).version == Settings.from_env({"SERVICE_VERSION": longest}).version == longest


def test_an_alarm_address_replaces_the_environments_own() -> None:
    assert deployment(alarm_email="team@example.com").environment.notifications.email == "team@example.com"


def test_an_environment_that_wants_tls_and_has_no_domain_is_refused_unless_plain_http_is_accepted() -> None:
    without_domain = replace(PROD, ingress=replace(PROD.ingress, domain=None, plain_http=False))
    with patch.dict(ENVIRONMENTS, prod=without_domain):
        with pytest.raises(ContextError, match=r"'prod' has no domain.* `domain` .* infra/env.* -c plain_http=yes"):
            deployment(environment="prod")
        accepted = deployment(environment="prod", plain_http="yes").environment
    assert accepted == replace(without_domain, ingress=replace(without_domain.ingress, plain_http=True))
    with pytest.raises(ContextError, match="'dev' has no domain"):
        deployment(plain_http="no")


def test_a_certificate_in_the_context_is_refused_because_the_next_deploy_might_forget_it() -> None:
    with pytest.raises(ContextError, match=r"certificate_arn is no longer read .* `domain` .* infra/environments\.py"):
        deployment(certificate_arn=CERTIFICATE)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "example"}, "domain name 'example' is malformed: write for example 'api.example.com'"),
        ({"name": "https://api.example.com"}, "is malformed"),
        ({"name": "API.example.com"}, "is malformed"),
        ({"name": "api.example.com"}, "needs a hosted_zone, or the certificate_arn"),
        ({"name": "api.example.org", "hosted_zone": ZONE}, "is not in the hosted zone 'example.com'"),
        ({"name": "notexample.com", "hosted_zone": ZONE}, "is not in the hosted zone 'example.com'"),
        ({"name": f"api.{'x' * 64}"}, "is malformed"),
        ({"name": "api.example.com", "certificate_arn": "arn:aws:iam::1:server-certificate/x"}, "is malformed"),
    ],
)
def test_a_domain_that_cannot_be_served_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Domain(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"zone_id": "", "name": "example.com"}, "zone_id '' is malformed: write for example 'Z"),
        ({"zone_id": "/hostedzone/Z1", "name": "example.com"}, "zone_id '/hostedzone/Z1' is malformed"),
        ({"zone_id": "Z1A2", "name": "example.com."}, "hosted zone 'example.com.' is malformed"),
        ({"zone_id": "Z1A2", "name": "Example.com"}, "hosted zone 'Example.com' is malformed"),
    ],
)
def test_a_hosted_zone_that_is_none_is_refused(values: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        HostedZone(**values)


@pytest.mark.parametrize(("value", "accepted"), [(True, True), (False, False)])
def test_plain_http_may_be_a_boolean_of_cdk_json(value: object, accepted: object) -> None:
    app = App(context={"environment": "prod", "plain_http": value})
    if accepted:
        assert Deployment.from_context(app.node).environment.ingress.plain_http
    else:
        with pytest.raises(ContextError, match="has no domain"):
            Deployment.from_context(app.node)


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("environment", UNKNOWN_ENVIRONMENT, f"pass -c environment=<{'|'.join(ENVIRONMENTS)}>"),
        ("plain_http", "maybe", "-c plain_http=yes"),
        ("alarm_email", "team", "write for example 'team@example.com'"),
        ("rollbar_items", "x", "write an address that begins with https://"),
        ("version", "1.0 beta", f"-c version={__version__}"),
        ("version", "v" * 41, f"-c version={__version__}, 40 characters at most"),
        ("image", "two words", "-c image=orders:latest"),
    ],
)
def test_a_malformed_value_is_rejected_with_key_value_and_remedy(key: str, value: str, remedy: str) -> None:
    with pytest.raises(ContextError) as error:
        deployment(**{key: value})
    assert str(error.value).startswith(f"{key} {value!r}")
    assert remedy in str(error.value)
