"""Find the deployment to verify: an environment's stack, or the one behind a URL."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final
from urllib.parse import SplitResult, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import RUNTIME_PROBE_PATH, Output
from infra.application import Application, Request
from infra.environment_names import ALL, LOCAL
from operations.deployment import NO_SUCH_STACK, aws_session
from operations.diagnosis.causes import wrong_region
from operations.errors import OperatorError
from operations.selection import selected_names
from operations.traces.connect import deployment_of
from operations.traces.deployment import Deployment
from operations.verification.document import Verification
from operations.verification.subject import Subject

_LOAD_BALANCER: Final = re.compile(r"[^.]+\.([a-z]{2}(?:-[a-z]+)+-\d)\.elb\.amazonaws\.com(?:\.cn)?")
"""The host name of an Application Load Balancer, with its region ("DNS name", its User Guide)."""
_SEARCH: Final = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
_SEARCHES: Final = 16


class MissingStackError(OperatorError):
    """The environment's stack is not in the region of the credentials; `stack` and `region` name both."""

    def __init__(self, error: OperatorError, stack: str, region: str) -> None:
        super().__init__(error.problem, error.remedy)
        self.stack = stack
        self.region = region


def subject_of_environment(environment: str, version: str) -> Subject:
    """Return a deployed environment. Raises `OperatorError`, of which `MissingStackError` is one."""
    names = selected_names(environment)
    try:
        deployment = deployment_of(environment)
    except OperatorError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and cause.response.get("Error", {}).get("Code") == NO_SUCH_STACK:
            region = aws_session().region_name or ""
            raise MissingStackError(error, names.service_stack, region) from error
        raise
    if not deployment.url:
        raise OperatorError(
            f"The service stack of {environment!r} has no output {Output.URL}",
            f"Check that {environment!r} is deployed (make deploy) and your credentials are its own",
        )
    return Subject(
        url=deployment.url,
        name=f"{names.application.name} {environment}",
        application=names.application,
        environment=environment,
        deployment=deployment,
        expected_version=version or None,
        expected_environment=environment,
        has_login=has_login(environment),
    )


def subject_of_url(url: str, version: str) -> Subject:
    """Return what answers at a URL, with its deployment where the credentials can read a stack that has it."""
    parts = _parts_of(url)
    # Without its query, which may hold a token.
    url = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
    deployment = _deployment_at(url)
    environment = deployment.names.environment if deployment else ""
    application = deployment.names.application if deployment else _application()
    return Subject(
        url=url,
        name=f"{application.name} {environment}".rstrip() if deployment else parts.netloc,
        application=application,
        environment=environment,
        deployment=deployment,
        expected_version=version or None,
        expected_environment=environment or None,
        has_login=bool(environment) and has_login(environment),
    )


def _parts_of(url: str) -> SplitResult:
    """Return the parts of a URL. Raises `OperatorError`, which shows no credentials, for another text."""
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and not parts.username and parts.port != 0:
            return parts
    except ValueError:  # brackets that are no IPv6 address, or a port that is none
        pass
    shown = url.rpartition("@")[2].partition("?")[0]
    raise OperatorError(f"URL={shown!r} is no URL of a service", "Write URL=https://shop.example.com")


def _application() -> Application:
    """Return the selected application; without a selection, one whose smoke test every service with the runtime has."""
    application = selected_names(ALL[-1]).application
    return replace(application, smoke_test=Request(path=RUNTIME_PROBE_PATH)) if application.is_sample else application


def no_stack(error: MissingStackError) -> Verification:
    """Return the outcome of a stack that is not there: perhaps another region has it."""
    found = region_of_stack(error.stack, error.region)
    return Verification(
        url="",
        name=error.stack,
        problems=[error.problem],
        diagnoses=[wrong_region.no_stack(error.stack, error.region, found)],
    )


def region_of_stack(stack: str, region: str) -> str | None:
    """Return another region of the account that has the stack; None where none does that may be asked."""
    session = aws_session()
    others = [each for each in session.get_available_regions("cloudformation") if each != region]

    def has_stack(other: str) -> bool:
        client = session.client("cloudformation", region_name=other, config=_SEARCH)
        try:
            return bool(client.describe_stacks(StackName=stack)["Stacks"])
        except (BotoCoreError, ClientError):
            return False

    with ThreadPoolExecutor(max_workers=_SEARCHES) as pool:
        return next((other for other, has in zip(others, pool.map(has_stack, others), strict=True) if has), None)


def has_login(environment: str) -> bool:
    """Return whether users log in at the environment's load balancer."""
    from infra.environments import ENVIRONMENTS  # noqa: PLC0415 - it starts the CDK

    declared = ENVIRONMENTS.get(environment)
    return declared is not None and declared.ingress.authentication is not None


def region_of_url(url: str) -> str | None:
    """Return the region in the host name of a load balancer, None for another host."""
    match = _LOAD_BALANCER.fullmatch((urlsplit(url).hostname or "").lower())
    return match[1] if match else None


def _deployment_at(url: str) -> Deployment | None:
    """Return the environment whose stack has the URL or its load balancer, None where no credentials can tell."""
    session = aws_session()
    if session.get_credentials() is None:
        return None
    session = boto3.Session(region_name=region_of_url(url) or session.region_name)
    if not session.region_name:
        return None
    for environment in (each for each in ALL if each != LOCAL):
        try:
            deployment = deployment_of(environment, session)
        except OperatorError:
            continue
        hosts = {urlsplit(deployment.url).hostname, deployment.outputs.get(Output.LOAD_BALANCER_DNS_NAME, "").lower()}
        if urlsplit(url).hostname in hosts:
            return deployment
    return None
