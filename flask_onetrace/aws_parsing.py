"""Parse and validate the variables that name what is AWS's: regions, log groups, segments, daemons.

The parsers are as those of `parsing`.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask_onetrace.masking import masked
from flask_onetrace.parsing import PartlyUsableError, base_url, port
from flask_onetrace.telemetry.config import DaemonAddress


def aws_region(text: str) -> str:
    """Read the name of an AWS region, as `us-east-1`."""
    if re.fullmatch(r"[a-z]{2,5}(-[a-z]{2,12}){1,3}-\d{1,2}", text):
        return text
    message = f"{masked(text)} is not an AWS region: set for example `us-east-1`"
    if re.fullmatch(r"[a-z][a-z-]{0,30}", text):  # as botocore does: an emulator takes any
        raise PartlyUsableError(message, text, "it as it is, for an emulator")
    raise ValueError(message)


def load_balancer_arn(text: str) -> str:
    """Read the ARN of an application load balancer (Elastic Load Balancing, Service Authorization Reference)."""
    if not re.fullmatch(
        r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/app/[A-Za-z0-9-]{1,32}/[0-9a-f]+", text
    ):
        raise ValueError(
            f"{masked(text)} is not the ARN of an application load balancer: set for example "
            "`arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/name/50dc6c495c0c9188`"
        )
    return text


issuer = base_url("https://idp.example.com")
_keys_url = base_url("https://public-keys.auth.elb.us-east-1.amazonaws.com")


def public_keys_url(text: str) -> str:
    """Read the base URL of load balancers' public keys: whoever could change a key could be any user, so by TLS."""
    parts = urlsplit(_keys_url(text))
    if parts.scheme != "https" and parts.hostname != "127.0.0.1":
        raise ValueError(f"{masked(text)} is not an https URL: set one, or nothing for AWS's own keys")
    return text


def daemon_address(text: str) -> DaemonAddress:
    """Read `host:port`, or `tcp:host:port udp:host:port` in any order.

    The two forms of `AWS_XRAY_DAEMON_ADDRESS` in "Configuring the X-Ray SDK for Python".
    """
    parts = text.split()
    if len(parts) == 1 and not text.startswith(("tcp:", "udp:")):
        return DaemonAddress(udp=_host_and_port(text), tcp=_host_and_port(text))
    by_protocol = {part[:3]: part[4:] for part in parts}
    if len(parts) != 2 or set(by_protocol) != {"tcp", "udp"}:  # noqa: PLR2004 - one of each
        raise ValueError(_address_error(text))
    return DaemonAddress(udp=_host_and_port(by_protocol["udp"]), tcp=_host_and_port(by_protocol["tcp"]))


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, number = text.rpartition(":")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+|\[[0-9a-fA-F:.]+\]", host):
        raise ValueError(_address_error(text))
    try:
        return host.strip("[]"), port(number)
    except ValueError:
        raise ValueError(_address_error(text)) from None


def _address_error(text: str) -> str:
    return (
        f"{masked(text)} is not an address with a port from 1 to 65535: "
        "set `127.0.0.1:2000` or `tcp:127.0.0.1:2000 udp:127.0.0.1:2000`"
    )


def segment_name(text: str) -> str:
    r"""Read an X-Ray segment name: letters, digits, white space and ``_.:/%&#=+\-@``, 200 at most.

    The rule is documented under `name` in "AWS X-Ray segment documents".
    """
    if not re.fullmatch(r"[\w\s.:/%&#=+\\\-@]{1,200}", text):
        raise ValueError(
            f"{masked(text)} is not a segment name: use at most 200 letters, digits, white space and _.:/%&#=+\\-@"
        )
    return text


def origin(text: str) -> str:
    """Read the kind of AWS resource that runs the service, as `AWS::ECS::Fargate` (`origin`, segment documents)."""
    if not re.fullmatch(r"AWS(::[A-Za-z0-9]+)+", text):
        raise ValueError(
            f"{masked(text)} is not a kind of AWS resource: set for example `AWS::ECS::Fargate`, or nothing"
        )
    return text


def log_group_name(text: str) -> str:
    """Read a log group's name: letters, digits and ``_-/.#``, 512 at most ("CreateLogGroup", CloudWatch Logs API)."""
    if not re.fullmatch(r"[A-Za-z0-9_\-/.#]{1,512}", text):
        raise ValueError(
            f"{masked(text)} is not a log group name: use letters, digits and _-/.#, 512 characters at most"
        )
    return text
