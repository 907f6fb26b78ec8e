"""Parse and validate the text of environment variables.

Every parser takes the stripped, non-empty text and returns the value, or raises `ValueError` with
the rest of the message "VARIABLE: ...": the value (never a secret's) and what to set instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from service.contract import HONEYCOMB_API, LONGEST_VERSION, SECRET_PLACEHOLDER
from service.origins import is_origin
from service.telemetry.config import DaemonAddress, SamplingRule, Secret

MAX_PORT = 65535


class SettingsError(ValueError):
    """The environment has invalid values. The message has one line per variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("invalid settings:\n  " + "\n  ".join(problems))
        self.problems = tuple(problems)


def boolean(text: str) -> bool:
    """Read `true` or `false`; "false" means false."""
    values = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if text.lower() not in values:
        raise ValueError(f"{text!r} is neither true nor false: set `true` or `false`")
    return values[text.lower()]


def positive_integer(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ValueError(f"{text!r} is not a whole number of 1 or more: set for example `2`")
    return int(text)


def port(text: str) -> int:
    """Read a TCP port, 1 to 65535."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_PORT:
        raise ValueError(f"{text!r} is not a port: set a number from 1 to {MAX_PORT}")
    return int(text)


def positive_seconds(text: str) -> float:
    """Read a duration in seconds, above 0 and at most an hour."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - one hour, and the comparison also rejects nan
        raise ValueError(f"{text!r} is not a number of seconds: set for example `10`")
    return seconds


def choice(*allowed: str) -> Callable[[str], str]:
    """Accept one of `allowed`."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{text!r} is not supported: set one of {', '.join(allowed)}")
        return text

    return parse


def choices(*allowed: str) -> Callable[[str], frozenset[str]]:
    """Accept a comma-separated subset of `allowed`."""

    def parse(text: str) -> frozenset[str]:
        names = frozenset(part.strip() for part in text.split(",") if part.strip())
        if unknown := sorted(names.difference(allowed)):
            raise ValueError(
                f"{text!r} contains {unknown[0]!r}, which is not supported: set one of {', '.join(allowed)}"
            )
        return names

    return parse


def log_level(text: str) -> str:
    """Read the name of a logging level."""
    return choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")(text.upper())


def http_url(text: str) -> str:
    """Read an http or https URL with a host and no credentials in it."""
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError(f"{text!r} is not a URL: set for example `{HONEYCOMB_API}`")
    if parts.username or parts.password:
        raise ValueError("the URL contains a user name or password: set credentials in the header or key variable")
    return text


def origins(text: str) -> frozenset[str]:
    """Read a comma-separated list of web origins as browsers send them, `https://app.example.com`."""
    values = frozenset(each.strip().removesuffix("/") for each in text.split(",") if each.strip())
    for each in sorted(values):
        if "@" in each:
            raise ValueError("an origin contains a user name or password: set scheme, host and port alone")
        if not is_origin(each):
            raise ValueError(
                f"{each!r} is not an origin as browsers send it: set scheme and host in lower case, without path,"
                " wildcard, trailing dot or the scheme's own port, as `https://app.example.com`"
            )
    return values


def field_names(text: str) -> frozenset[str]:
    """Read a comma-separated list of names of fields, headers or parameters, as `x-session-key, pin`."""
    names = frozenset(each.strip() for each in text.split(",") if each.strip())
    for each in sorted(names):
        if not re.fullmatch(r"[A-Za-z0-9_.\-]{2,64}", each):
            raise ValueError(f"{each!r} is not a name: use 2 to 64 letters, digits and _.-, as `x-session-key,pin`")
    return names


def host_names(text: str) -> frozenset[str]:
    """Read a comma-separated list of host names, as `orders.internal, 10.0.0.7`, without schemes and ports."""
    names = frozenset(each.strip().lower() for each in text.split(",") if each.strip())
    for each in sorted(names):
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.\-]{0,252})", each):
            raise ValueError(f"{each!r} is not a host name: set for example `orders.internal`, without scheme and port")
    return names


def secret(text: str) -> Secret[str]:
    """Read a key or token. No message shows its value."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(
            "the value (not shown) has a space or a character outside printable ASCII: paste the key again"
        )
    return Secret(text, is_placeholder=text == SECRET_PLACEHOLDER)


def secret_headers(text: str) -> Secret[Mapping[str, str]]:
    """Read `key=value,key2=value2` with percent-encoded values.

    The format of `OTEL_EXPORTER_OTLP_HEADERS` in OpenTelemetry's "OTLP Exporter Configuration".
    Header names are lower-cased. A header with an empty value is omitted, as `x-honeycomb-team=` where
    the key is not exported.
    """
    headers: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = pair.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name.strip()):
            raise ValueError("the value (not shown) is not a list of headers: set `x-honeycomb-team=<key>`")
        if value.strip():
            headers[name.strip().lower()] = secret(unquote(value.strip())).reveal()
    return Secret(headers, is_placeholder=SECRET_PLACEHOLDER in headers.values())


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
    except ValueError as error:
        raise ValueError(_address_error(text)) from error


def _address_error(text: str) -> str:
    return (
        f"{text!r} is not an address with a port from 1 to 65535: "
        "set `127.0.0.1:2000` or `tcp:127.0.0.1:2000 udp:127.0.0.1:2000`"
    )


def segment_name(text: str) -> str:
    r"""Read an X-Ray segment name: letters, digits, white space and ``_.:/%&#=+\-@``, 200 at most.

    The rule is documented under `name` in "AWS X-Ray segment documents".
    """
    if not re.fullmatch(r"[\w\s.:/%&#=+\\\-@]{1,200}", text):
        raise ValueError(
            f"{text!r} is not a segment name: use at most 200 letters, digits, white space and _.:/%&#=+\\-@"
        )
    return text


def version(text: str) -> str:
    """Read a version, 40 characters at most: `LONGEST_VERSION` names the source of that limit."""
    if len(text) > LONGEST_VERSION:
        raise ValueError(f"{text!r} has {len(text)} characters: set {LONGEST_VERSION} at most, for example `1.0.0`")
    return text


def origin(text: str) -> str:
    """Read the kind of AWS resource that runs the service, as `AWS::ECS::Fargate` (`origin`, segment documents)."""
    if not re.fullmatch(r"AWS(::[A-Za-z0-9]+)+", text):
        raise ValueError(f"{text!r} is not a kind of AWS resource: set for example `AWS::ECS::Fargate`, or nothing")
    return text


def log_group_name(text: str) -> str:
    """Read a log group's name: letters, digits and ``_-/.#``, 512 at most ("CreateLogGroup", CloudWatch Logs API)."""
    if not re.fullmatch(r"[A-Za-z0-9_\-/.#]{1,512}", text):
        raise ValueError(f"{text!r} is not a log group name: use letters, digits and _-/.#, 512 characters at most")
    return text


def sampling_rule(text: str) -> SamplingRule:
    """Read the JSON of an X-Ray sampling rule ("SamplingRule", X-Ray API reference), bare or under `SamplingRule`."""
    try:
        document = json.loads(text)
        rule = document.get("SamplingRule", document)
        parsed = SamplingRule(
            name=str(rule["RuleName"]),
            fixed_rate=float(rule["FixedRate"]),
            reservoir_size=int(rule["ReservoirSize"]),
            service_name=str(rule.get("ServiceName", "*")),
            host=str(rule.get("Host", "*")),
            http_method=str(rule.get("HTTPMethod", "*")),
            url_path=str(rule.get("URLPath", "*")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{text!r} is not a sampling rule ({error}): set the JSON of aws/json/xray.json on one line"
        ) from error
    if not 0 <= parsed.fixed_rate <= 1 or parsed.reservoir_size < 0:
        raise ValueError(f"{text!r}: FixedRate must be 0 to 1 and ReservoirSize 0 or more")
    return parsed
