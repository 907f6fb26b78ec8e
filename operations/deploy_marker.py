"""Record a deploy at Honeycomb and Rollbar: the environment, its version and the time.

`make deploy` ends with it. A product without a key is skipped. A failure does not undo the deploy: it is printed with
what to do, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, NamedTuple

import requests
from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import Variable
from flask_onetrace.parsing import rollbar_endpoint
from infra.names import Names
from operations.deployment import aws_session, deployed_service
from operations.errors import MissingKeyError, OperatorError, without_credentials
from operations.honeycomb.client import ALL_DATASETS, connect
from operations.keys import find_key
from operations.selection import selected_names

_TIMEOUT: Final = (5.0, 30.0)


class Deploy(NamedTuple):
    """What is recorded; `at` in seconds since the epoch."""

    names: Names
    version: str
    at: int

    @property
    def environment(self) -> str:
        """The environment that was deployed to."""
        return self.names.environment


def main(
    arguments: Sequence[str] | None = None,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Record the deploy at both and print the outcomes; return 1 where one failed. `sleep` takes seconds."""
    parser = argparse.ArgumentParser(prog="python -m operations.deploy_marker", description=__doc__)
    parser.add_argument("--environment", required=True, help="the deployed environment of infra/environments.py")
    environment: str = parser.parse_args(arguments).environment
    try:
        names = selected_names(environment)
        service = deployed_service(aws_session(), names)
    except OperatorError as error:
        sys.stderr.write(f"{without_credentials(error)}\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(
            f"{without_credentials(error)}\n"
            f"Check that {environment!r} is deployed (make deploy) and your credentials are its own.\n"
        )
        return 1
    deploy = Deploy(names, service.version, int(now()))
    recorded = [
        _record("Honeycomb", deploy, lambda: _honeycomb_marker(deploy, sleep)),
        _record("Rollbar", deploy, lambda: _rollbar_deploy(deploy, service.variables[Variable.ROLLBAR_ENDPOINT])),
    ]
    return 0 if all(recorded) else 1


def _record(product: str, deploy: Deploy, send: Callable[[], None]) -> bool:
    """Return whether the product accepted it or has no key."""
    try:
        send()
    except MissingKeyError as error:
        sys.stdout.write(f"{product}: skipped. {without_credentials(error)}\n")
        return True
    except OperatorError as error:
        sys.stderr.write(f"{product}: the deploy succeeded but was not recorded. {without_credentials(error)}\n")
        return False
    moment = datetime.fromtimestamp(deploy.at, UTC)
    sys.stdout.write(
        f"{product}: recorded that {deploy.environment} runs {deploy.version} since {moment:%Y-%m-%dT%H:%M:%SZ}.\n"
    )
    return True


def _honeycomb_marker(deploy: Deploy, sleep: Callable[[float], None]) -> None:
    """Create a marker that every dataset shows (Honeycomb API reference, "Create a Marker")."""
    marker = {"type": "deploy", "message": f"{deploy.environment} {deploy.version}", "start_time": deploy.at}
    with connect(deploy.names, sleep) as client:
        client.post(f"/1/markers/{ALL_DATASETS}", marker)


def _rollbar_deploy(deploy: Deploy, endpoint: str) -> None:
    """Report the deploy (Rollbar API reference, "Report a deploy"), with the token and the version that items carry."""
    variable = Variable.ROLLBAR_ACCESS_TOKEN
    token = find_key(variable, deploy.names, f"Fill it in with make secrets, or set {variable}")
    body = {
        "environment": deploy.environment,
        "revision": deploy.version,
        "status": "succeeded",
        "comment": f"Since {deploy.at}, seconds since the epoch",
        **_local_username(),
    }
    try:
        url = rollbar_endpoint(endpoint).rstrip("/") + "/deploy"
    except ValueError as error:
        raise OperatorError(f"{Variable.ROLLBAR_ENDPOINT} of the task definition: {error}", "Deploy again") from None
    headers = {"X-Rollbar-Access-Token": token.reveal()}
    try:
        # requests would forward the token to a redirect's host: it drops only `Authorization`.
        response = requests.post(url, json=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise OperatorError(f"No response from {url} ({type(error).__name__})", "Check the network") from None
    if response.status_code == HTTPStatus.OK:
        return
    rejected = response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    remedy = f"Give {variable} a project token with the scope post_server_item (make secrets)"
    raise OperatorError(
        f"{url} answered {response.status_code}",
        remedy if rejected else "Report the deploy by hand, or deploy again later",
    )


def _local_username() -> dict[str, str]:
    """Return who deploys; nothing where the user id has no name, as in the containers of CI."""
    try:
        return {"local_username": getpass.getuser()}
    except (KeyError, OSError):  # Python up to 3.12, and later
        return {}


if __name__ == "__main__":
    sys.exit(main())
