"""Tell Honeycomb and Rollbar which version was deployed, and when: `python -m operations.deploy_marker`.

`make deploy` ends with it. The deploy is done by then, whatever becomes of the markers: a product without a key is
left out, and one that refuses is named with the remedy.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, NamedTuple

import boto3
import requests
from botocore.exceptions import BotoCoreError, ClientError

from operations.deployment import Deployed, deployed
from operations.honeycomb.client import Honeycomb, find_url
from operations.honeycomb.errors import HoneycombError, NoKeyError
from operations.honeycomb.key import find_key
from operations.honeycomb.retry import Patience
from service.contract import SECRET_PLACEHOLDER, SecretName, Variable, secret_name

ENVIRONMENT_WIDE: Final = "__all__"
"""The dataset whose markers show in every dataset of a Honeycomb environment."""
_TIMEOUT: Final = (5.0, 30.0)


class Deploy(NamedTuple):
    """What is told: `at` in seconds since the epoch."""

    environment: str
    version: str
    at: int


class NotToldError(Exception):
    """A product was not told, for the reason that the message gives."""


def main(
    arguments: Sequence[str] | None = None,
    *,
    now: Callable[[], float] = time.time,
    wait: Callable[[float], None] = time.sleep,
) -> int:
    """Tell both, and print what each was told; returns 1 where one refused. `wait` takes seconds."""
    parser = argparse.ArgumentParser(prog="python -m operations.deploy_marker", description=__doc__)
    parser.add_argument("--environment", required=True, help="the environment that was deployed: dev or prod")
    environment: str = parser.parse_args(arguments).environment
    # Unlike the CDK and the AWS command line, boto3 does not read AWS_REGION.
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    try:
        found = deployed(session, environment)
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(
            f"{error}\nCheck that {environment!r} is deployed (make deploy) and your credentials its own.\n"
        )
        return 1
    deploy = Deploy(environment, found.version, int(now()))
    told = [
        _said("Honeycomb", deploy, lambda: _tell_honeycomb(deploy, session, wait)),
        _said("Rollbar", deploy, lambda: _tell_rollbar(deploy, session, found)),
    ]
    return 0 if all(told) else 1


def _said(product: str, deploy: Deploy, tell: Callable[[], None]) -> bool:
    """Return whether the product took it or has no key."""
    try:
        tell()
    except NoKeyError as error:
        sys.stdout.write(f"{product}: no marker. {error}\n")
        return True
    except (NotToldError, HoneycombError) as error:
        sys.stderr.write(f"{product}: no marker, the deploy itself is done. {error}\n")
        return False
    moment = datetime.fromtimestamp(deploy.at, UTC)
    sys.stdout.write(f"{product}: {deploy.environment} runs {deploy.version} since {moment:%Y-%m-%dT%H:%M:%SZ}.\n")
    return True


def _tell_honeycomb(deploy: Deploy, session: boto3.Session, wait: Callable[[float], None]) -> None:
    """Make an environment-wide marker (Honeycomb API reference, "Create a Marker")."""
    key = find_key(os.environ, deploy.environment, lambda: session.client("secretsmanager"))
    marker = {"type": "deploy", "message": f"{deploy.environment} {deploy.version}", "start_time": deploy.at}
    with closing(Honeycomb(find_url(os.environ), key, Patience(wait))) as honeycomb:
        honeycomb.make(f"/1/markers/{ENVIRONMENT_WIDE}", marker)


def _tell_rollbar(deploy: Deploy, session: boto3.Session, found: Deployed) -> None:
    """Report the deploy (Rollbar API reference, "Report a deploy"), by the token and the version that items carry."""
    token = _rollbar_token(session, deploy.environment)
    body = {
        "environment": deploy.environment,
        "revision": deploy.version,
        "status": "succeeded",
        "comment": f"Since {deploy.at}, seconds since the epoch",
        **_local_username(),
    }
    url = found.variables[Variable.ROLLBAR_ENDPOINT].rstrip("/") + "/deploy"
    headers = {"X-Rollbar-Access-Token": token}
    try:
        # Another host would be handed the token: requests takes back `Authorization` alone.
        answer = requests.post(url, json=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise NotToldError(f"{url} gave no answer ({type(error).__name__}). Check the network.") from None
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotToldError(
            f"{url} answered {answer.status_code}. Give {Variable.ROLLBAR_ACCESS_TOKEN} a project token that may"
            " post_server_item (make secrets)."
        )
    if answer.status_code != HTTPStatus.OK:
        raise NotToldError(f"{url} answered {answer.status_code}. Report the deploy by hand, or deploy again later.")


def _local_username() -> dict[str, str]:
    """Return who deploys; nothing where the user id has no name, as in the containers of CI."""
    try:
        return {"local_username": getpass.getuser()}
    except (KeyError, OSError):  # Python up to 3.12, and later
        return {}


def _rollbar_token(session: boto3.Session, environment: str) -> str:
    given = os.environ.get(Variable.ROLLBAR_ACCESS_TOKEN, "").strip()
    if given:
        return given
    name = secret_name(environment, SecretName.ROLLBAR_ACCESS_TOKEN)
    try:
        stored = session.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"].strip()
    except (BotoCoreError, ClientError) as error:
        raise NotToldError(f"The secret {name} cannot be read ({type(error).__name__}).") from error
    if stored in {"", SECRET_PLACEHOLDER}:
        raise NoKeyError(f"The secret {name} is not filled in", "Fill it in by make secrets, if you use Rollbar")
    return stored


if __name__ == "__main__":
    sys.exit(main())
