"""Name what an account and region holds once each, so that several environments share them.

The tutorial's names have no environment in them. One environment of an account and region can have them.
"""

import re
from dataclasses import dataclass
from typing import Final

from flask_onetrace.contract import APP_NAME, CONFIGURED_NAME_ANNOTATION, SERVICE_NAME, environment_prefix

_ENVIRONMENT: Final = re.compile(r"[a-z](?:[a-z0-9-]{0,15}[a-z0-9])?")
"""An X-Ray group or sampling rule has a name of 32 characters at most ("CreateGroup" and "SamplingRule", AWS X-Ray API
Reference), and the longest here is `Cruddur-<environment>-Health`."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one environment's resources. Raises `ValueError` for a malformed name of an environment."""

    environment: str
    tutorial: bool = False

    def __post_init__(self) -> None:
        if not _ENVIRONMENT.fullmatch(self.environment):
            raise ValueError(
                f"environment name {self.environment!r} is malformed: use up to 17 lower-case letters, digits and "
                "hyphens, a letter first and no hyphen last"
            )

    @property
    def xray_group(self) -> str:
        """The X-Ray group and sampling rule of the service; the others begin with it."""
        return APP_NAME if self.tutorial else environment_prefix(self.environment)

    @property
    def xray_service(self) -> str:
        """The name of the service's segments, by which sampling rules and groups tell environments apart.

        A rule matches services by name, and applies to the whole account and region ("Configuring sampling rules",
        AWS X-Ray Developer Guide). In OpenTelemetry the service has one name in all environments.
        """
        return SERVICE_NAME if self.tutorial else f"{SERVICE_NAME}-{self.environment}"

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
        return f"{self.xray_group}-{SERVICE_NAME}"

    @property
    def query_folder(self) -> str:
        """The folder in the console's list of saved queries: the part of a name before the slash."""
        return environment_prefix(self.environment)

    def access_log_bucket(self, account: str, region: str) -> str:
        """Return the bucket of the load balancer's access logs, whose name no other account may have either."""
        return f"{environment_prefix(self.environment).lower()}-alb-logs-{account}-{region}"

    @property
    def dashboard(self) -> str:
        """The CloudWatch dashboard."""
        return environment_prefix(self.environment)
