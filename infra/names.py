"""Name what an account and region holds once each, so that several applications and environments share them.

The tutorial's names have no environment in them. One environment of an account and region can have them.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from flask_onetrace.contract import CONFIGURED_NAME_ANNOTATION, SECRET_SOURCES, SecretName
from infra.application import Application, ApplicationError

APPLICATION_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")
"""Without a hyphen: the first one of a name is where the environment begins, so that no two applications share one."""
_ENVIRONMENT: Final = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_LONGEST: Final = 24
"""Characters of both together. An X-Ray group or sampling rule has a name of 32 characters at most ("CreateGroup" and
"SamplingRule", AWS X-Ray API Reference), and the longest here is `<application>-<environment>-Health`; the bucket of
access logs has at most 63 ("General purpose bucket naming rules", Amazon S3 User Guide)."""
LONGEST_APPLICATION: Final = 16
"""Characters of an application's name, which leave 8 to an environment's."""


def default_name(folder: Path) -> str:
    """Return a name made of the folder's: `order-service` becomes `OrderService`.

    Of one that is too long, and of one without Latin letters, four digits of its hash tell it from others.
    """
    text = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", folder.name))
    text = text if text[:1].isalpha() else f"App{text}"
    if len(text) <= LONGEST_APPLICATION and folder.name.isascii():
        return text
    digits = hashlib.sha256(folder.name.encode(errors="surrogateescape")).hexdigest()[:4]
    return f"{text[: LONGEST_APPLICATION - len(digits)]}{digits}"


def check_environment_names(names: Iterable[str]) -> None:
    """Raise `ApplicationError` if the name of an environment ends with a hyphen and the name of another.

    Segments are `<service>-<environment>`: those of `shop-dev` in `eu` would be those of `shop` in `dev-eu`.
    """
    names = list(names)
    for longer, shorter in product(names, names):
        if longer.endswith(f"-{shorter}"):
            raise ApplicationError(
                f"environment {longer!r} ends as the name of environment {shorter!r}, so X-Ray cannot tell their"
                " services apart",
                "rename one of them (infra/environments.py)",
            )


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the resources of one application in one environment. Raises `ApplicationError` for a bad name."""

    application: Application
    environment: str
    tutorial: bool = False

    def __post_init__(self) -> None:
        name, room = self.application.name, _LONGEST - len(self.application.name)
        if not APPLICATION_NAME.fullmatch(name) or len(name) > LONGEST_APPLICATION:
            raise ApplicationError(
                f"application name {name!r} is malformed",
                f"use up to {LONGEST_APPLICATION} letters and digits, a letter first (`name` in its onetrace.toml)",
            )
        if not _ENVIRONMENT.fullmatch(self.environment) or len(self.environment) > room:
            raise ApplicationError(
                f"environment name {self.environment!r} is malformed",
                f"use up to {room} lower-case letters, digits and hyphens, a letter first and no hyphen last; "
                f"{_LONGEST} characters are its own and those of the application's name {name!r}",
            )

    @property
    def prefix(self) -> str:
        """What the names of the resources begin with, `<application>-<environment>`."""
        return f"{self.application.name}-{self.environment}"

    def resource(self, name: str) -> str:
        """Return the name of a stack or an alarm, `<application>-<environment>-<name>`."""
        return f"{self.prefix}-{name}"

    @property
    def observability_stack(self) -> str:
        """The stack that outlives the service."""
        return self.resource("Observability")

    @property
    def service_stack(self) -> str:
        """The stack that runs the service."""
        return self.resource("Service")

    @property
    def xray_group(self) -> str:
        """The X-Ray group and sampling rule of the service; the others begin with it."""
        return self.application.name if self.tutorial else self.prefix

    @property
    def xray_service(self) -> str:
        """The name of the service's segments, by which sampling rules and groups tell environments apart.

        A rule matches services by name, and applies to the whole account and region ("Configuring sampling rules",
        AWS X-Ray Developer Guide). In OpenTelemetry the service has one name in all environments.
        """
        name = self.application.service_name
        return name if self.tutorial else f"{name}-{self.environment}"

    @property
    def xray_filter(self) -> str:
        """The filter expression that matches the service's traces."""
        return f'service("{self.xray_service}")'

    @property
    def xray_filter_with_renamed(self) -> str:
        """The filter expression that matches as well the segments that are named after their host."""
        return f'({self.xray_filter} OR annotation.{CONFIGURED_NAME_ANNOTATION} = "{self.xray_service}")'

    @property
    def log_group(self) -> str:
        """The CloudWatch log group that holds the application's log lines."""
        return f"{self.xray_group}-{self.application.service_name}"

    @property
    def query_folder(self) -> str:
        """The folder in the console's list of saved queries: the part of a name before the slash."""
        return self.prefix

    @property
    def metrics_namespace(self) -> str:
        """The CloudWatch namespace of the metrics that come from log lines."""
        return f"{self.prefix}/Telemetry"

    def access_log_bucket(self, account: str, region: str) -> str:
        """Return the bucket of the load balancer's access logs, whose name no other account may have either."""
        return f"{self.prefix.lower()}-alb-logs-{account}-{region}"

    @property
    def dashboard(self) -> str:
        """The CloudWatch dashboard."""
        return self.prefix

    def secret(self, entry: SecretName | str) -> str:
        """Return the full Secrets Manager name of an entry, `<environment>/<application>/<entry>` in lower case."""
        return f"{self.environment}/{self.application.slug}/{entry}"

    @property
    def own_secrets(self) -> Mapping[str, str]:
        """The full names of the application's own secrets, by the variable that ECS fills from each."""
        return {variable: self.secret(entry) for variable, entry in self.application.secrets.items()}

    @property
    def secrets(self) -> Mapping[str, str]:
        """The full names of all secrets, by the variable that `make secrets` reads each from: the sinks' keys first."""
        return {variable: self.secret(entry) for variable, entry in SECRET_SOURCES.items()} | dict(self.own_secrets)
