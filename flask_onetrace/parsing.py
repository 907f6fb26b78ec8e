"""Parse and validate the text of environment variables.

Every parser takes the stripped, non-empty text and returns the value, or raises `ValueError` with the rest of the
message "VARIABLE: ...": the value, which only `masked` may show, and what to set instead. It raises `PartlyUsableError`
where a part of the value can be used: a variable that other tools read too is then read as that part.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from flask_onetrace.contract import (
    HONEYCOMB_API,
    LONGEST_VERSION,
    ROLLBAR_API,
    SECRET_PLACEHOLDER,
    TRACE_ID_FIELD,
    XRAY_TRACE_ID_FIELD,
)
from flask_onetrace.masking import masked
from flask_onetrace.origins import is_origin
from flask_onetrace.telemetry.config import SamplingRule, Secret
from flask_onetrace.telemetry.context.hosts import canonical_host

MAX_PORT = 65535
_MAX_DIGITS = 9
_MAX_PROCESSES = 999
_HOST_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)


class SettingsError(ValueError):
    """The environment has invalid values. The message has one line per variable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("invalid settings:\n  " + "\n  ".join(problems))
        self.problems = tuple(problems)


class PartlyUsableError(ValueError):
    """A value is malformed in part: `usable` is the rest, of the parser's type, and `substitute` describes it."""

    def __init__(self, message: str, usable: Any, substitute: str) -> None:  # noqa: ANN401 - of the parser's type
        super().__init__(message)
        self.usable = usable
        self.substitute = substitute


def plain_text(text: str) -> str:
    """Read any text that can be sent as UTF-8."""
    if not is_unicode(text):
        raise ValueError(f"{masked(text)} has bytes that are not UTF-8: set it as UTF-8")
    return text


def is_unicode(text: str) -> bool:
    """Return whether `text` can be encoded as UTF-8: it has no surrogates for undecodable bytes (PEP 383)."""
    return text == text.encode(errors="replace").decode()


def boolean(text: str) -> bool:
    """Read `true` or `false`; "false" means false."""
    values = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if text.lower() not in values:
        raise ValueError(f"{masked(text)} is neither true nor false: set `true` or `false`")
    return values[text.lower()]


def process_count(text: str) -> int:
    """Read a number of processes or threads, 1 to 999."""
    if not _is_number(text) or not 1 <= int(text) <= _MAX_PROCESSES:
        raise ValueError(f"{masked(text)} is not a whole number from 1 to {_MAX_PROCESSES}: set for example `2`")
    return int(text)


def natural_number(text: str) -> int:
    """Read a whole number of 0 or more."""
    if not _is_number(text):
        raise ValueError(f"{masked(text)} is not a whole number of 0 or more: set for example `10`")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


def port(text: str) -> int:
    """Read a TCP port, 1 to 65535."""
    if not _is_number(text) or not 1 <= int(text) <= MAX_PORT:
        raise ValueError(f"{masked(text)} is not a port: set a number from 1 to {MAX_PORT}")
    return int(text)


def seconds(maximum: float) -> Callable[[str], float]:
    """Accept a duration in seconds, above 0 and at most `maximum`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 < value <= maximum:  # rejects nan too
            raise ValueError(f"{masked(text)} is not a number of seconds up to {maximum:g}: set for example `10`")
        return value

    return parse


def choice(*allowed: str) -> Callable[[str], str]:
    """Accept one of `allowed`."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{masked(text)} is not supported: set one of {', '.join(allowed)}")
        return text

    return parse


def choices(*allowed: str) -> Callable[[str], frozenset[str]]:
    """Accept a comma-separated subset of `allowed`."""

    def parse(text: str) -> frozenset[str]:
        names = frozenset(part.strip() for part in text.split(",") if part.strip())
        if unknown := sorted(names.difference(allowed)):
            message = f"{masked(text)} contains {masked(unknown[0])}, which is not supported"
            known = names.intersection(allowed)
            raise PartlyUsableError(f"{message}: set one of {', '.join(allowed)}", known, ", ".join(sorted(known)))
        return names

    return parse


def log_level(text: str) -> str:
    """Read the name of a logging level, or one of its aliases in `logging`."""
    levels = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    name = {"WARN": "WARNING", "FATAL": "CRITICAL"}.get(text.upper(), text.upper())
    return name if name in levels else choice(*levels)(text)


_TRACE_URL_EXAMPLE = f"https://ui.example.com/traces/{TRACE_ID_FIELD}"


def trace_url(text: str) -> str:
    """Accept the http or https URL of a trace's page, with a field in the place of the trace id."""
    filled = text.replace(TRACE_ID_FIELD, "0").replace(XRAY_TRACE_ID_FIELD, "0")
    try:
        parts = urlsplit(filled)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not text.isprintable() or {" ", "\\", '"', "<", ">"} & set(text):
        raise ValueError(f"{masked(text)} is not a URL: set for example `{_TRACE_URL_EXAMPLE}`")
    if "@" in parts.netloc:
        raise ValueError(f"the URL contains a user name or password: set for example `{_TRACE_URL_EXAMPLE}`")
    if filled == text or {"{", "}"} & set(filled):
        fields = f"{TRACE_ID_FIELD} or {XRAY_TRACE_ID_FIELD}"
        raise ValueError(f"{masked(text)} has no place for the id, or other braces: set a URL with {fields}")
    return text


def base_url(example: str) -> Callable[[str], str]:
    """Accept the http or https URL of an API, to which paths are appended: without credentials, query and fragment."""

    def parse(text: str) -> str:
        try:
            parts = urlsplit(text)
            is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_usable = False
        if not is_usable or not text.isprintable() or " " in text or "\\" in text:
            raise ValueError(f"{masked(text)} is not a URL: set for example `{example}`")
        if "@" in parts.netloc:
            raise ValueError("the URL contains a user name or password: set credentials in the header or key variable")
        if {"?", "#"} & set(text):
            raise ValueError(f"{masked(text)} has a query or fragment: set credentials in the header or key variable")
        return text

    return parse


otlp_endpoint = base_url(f"{HONEYCOMB_API}` or `http://127.0.0.1:4318")
rollbar_endpoint = base_url(ROLLBAR_API)


def client_id(text: str) -> str:
    """Read an OAuth client id: printable ASCII without spaces, 255 characters at most."""
    if not re.fullmatch(r"[!-~]{1,255}", text):
        raise ValueError(f"{masked(text)} is not a client id: set the one that the identity provider shows")
    return text


def origins(text: str) -> frozenset[str]:
    """Read a comma-separated list of web origins as browsers send them, `https://app.example.com`."""
    values = frozenset(each.strip().removesuffix("/") for each in text.split(",") if each.strip())
    for each in sorted(values):
        if "@" in each:
            raise ValueError("an origin contains a user name or password: set scheme, host and port alone")
        if not is_origin(each):
            raise ValueError(
                f"{masked(each)} is not an origin as browsers send it: set scheme and host in lower case, without path,"
                " wildcard, trailing dot or the scheme's own port, as `https://app.example.com`"
            )
    return values


def field_names(text: str) -> frozenset[str]:
    """Read a comma-separated list of names of fields, headers or parameters, as `x-session-key, pin`."""
    names = frozenset(each.strip() for each in text.split(",") if each.strip())
    for each in sorted(names):
        if not re.fullmatch(r"[A-Za-z0-9_.\-]{2,64}", each):
            raise ValueError(
                f"{masked(each)} is not a name: use 2 to 64 letters, digits and _.-, as `x-session-key,pin`"
            )
    return names


def instrumentation_names(text: str) -> frozenset[str]:
    """Read a comma-separated list of OpenTelemetry's instrumentations, as `redis, sqlalchemy`; `*` means all."""
    names = frozenset(each.strip() for each in text.split(",") if each.strip())
    malformed = {each for each in names - {"*"} if not re.fullmatch(r"[A-Za-z0-9_.\-]{2,64}", each)}
    if malformed:
        message = f"{masked(min(malformed))} is not the name of an instrumentation: set for example `redis,sqlalchemy`"
        raise PartlyUsableError(message, names - malformed, ", ".join(sorted(names - malformed)))
    return names


def host_names(text: str) -> frozenset[str]:
    """Read a comma-separated list of hosts, as `orders.internal, 10.0.0.7, .svc.internal`, without schemes and ports.

    `.svc.internal` means every host below `svc.internal`, and not that one itself. IPv6 addresses may have brackets.
    """
    names = frozenset(each.strip() for each in text.split(",") if each.strip())
    hosts = {each: _host_or_suffix(each) for each in sorted(names)}
    for each, host in hosts.items():
        if host is None:
            raise ValueError(
                f"{masked(each)} is not a host name: set for example `orders.internal`, without scheme and port"
            )
    return frozenset(filter(None, hosts.values()))


def _host_or_suffix(text: str) -> str | None:
    """Return the host as `canonical_host` does, a suffix with its dot; None for anything else."""
    if _is_address(text.strip("[]")):
        return canonical_host(text)
    host = text.lower().removesuffix(".")
    labels = host.removeprefix(".").split(".")
    # A number at the end would make a suffix a part of an address.
    if not all(map(_HOST_LABEL.fullmatch, labels)) or (host.startswith(".") and labels[-1].isdigit()):
        return None
    return host if text.isascii() else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def bind_host(text: str) -> str:
    """Read the IP address to listen on, or `localhost`. An IPv6 address gets brackets, which gunicorn needs."""
    address = text.removeprefix("[").removesuffix("]")
    if text != "localhost" and not _is_address(address):
        raise ValueError(f"{masked(text)} is not an IP address: set for example `127.0.0.1` or `0.0.0.0`")
    return f"[{address}]" if ":" in address else address


def secret(text: str) -> Secret[str]:
    """Read a key or token. No message shows its value."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(
            "the value (not shown) has a space or a character outside printable ASCII: paste the key again"
        )
    if text[0] in "\"'" or text[-1] in "\"'":
        raise ValueError("the value (not shown) has a quotation mark at an end: paste the key without it")
    return Secret(text, is_placeholder=text == SECRET_PLACEHOLDER)


def secret_headers(text: str) -> Secret[Mapping[str, str]]:
    """Read `key=value,key2=value2` with percent-encoded values.

    The format of `OTEL_EXPORTER_OTLP_HEADERS` in OpenTelemetry's "OTLP Exporter Configuration".
    Header names are lower-cased. A header with an empty value is omitted, as `x-honeycomb-team=` where
    the key is not exported.
    """
    headers: dict[str, str] = {}
    problem: ValueError | None = None
    for pair in filter(None, (part.strip() for part in text.split(","))):
        try:
            headers |= _secret_header(*pair.partition("="))
        except ValueError as error:
            problem = error
    value: Secret[Mapping[str, str]] = Secret(headers, is_placeholder=SECRET_PLACEHOLDER in headers.values())
    if problem is not None and not headers:
        raise problem
    if problem is not None:
        raise PartlyUsableError(str(problem), value, f"its {len(headers)} well-formed headers")
    return value


def _secret_header(name: str, equals: str, value: str) -> dict[str, str]:
    if not equals or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name.strip()):
        raise ValueError("the value (not shown) is not a list of headers: set `x-honeycomb-team=<key>`")
    return {name.strip().lower(): secret(unquote(value.strip())).reveal()} if value.strip() else {}


def version(text: str) -> str:
    """Read a version, 40 characters at most: `LONGEST_VERSION` names the source of that limit."""
    usable = text.encode(errors="replace").decode()[:LONGEST_VERSION]
    if len(text) > LONGEST_VERSION:
        message = f"{masked(text)} has {len(text)} characters: set {LONGEST_VERSION} at most, for example `1.0.0`"
        raise PartlyUsableError(message, usable, f"its first {LONGEST_VERSION} characters")
    if usable != text:
        message = f"{masked(text)} has bytes that are not UTF-8: set for example `1.0.0`"
        raise PartlyUsableError(message, usable, "a question mark for each of them")
    return text


def sampling_rule(text: str) -> SamplingRule:
    """Read the JSON of an X-Ray sampling rule ("SamplingRule", X-Ray API reference), bare or under `SamplingRule`."""
    try:
        document = json.loads(text)
        rule = document.get("SamplingRule", document)
        unknown = [name for name in ("Attributes",) if rule.get(name)]
        unknown += [name for name in ("ResourceARN",) if rule.get(name, "*") != "*"]
        parsed = SamplingRule(
            name=str(rule["RuleName"]),
            fixed_rate=float(rule["FixedRate"]),
            reservoir_size=int(rule["ReservoirSize"]),
            service_name=str(rule.get("ServiceName", "*")),
            host=str(rule.get("Host", "*")),
            http_method=str(rule.get("HTTPMethod", "*")),
            url_path=str(rule.get("URLPath", "*")),
        )
    # Without the error, whose message may quote the value.
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        reason = f"no {error.args[0]}" if isinstance(error, KeyError) else type(error).__name__
        raise ValueError(
            f"{masked(text)} is not a sampling rule ({reason}): set the JSON of aws/json/xray.json on one line"
        ) from None
    if unknown:
        raise ValueError(
            f"{masked(text)}: a local rule cannot match {' or '.join(unknown)}, which the service does not know when it"
            " decides: remove it, or leave the rule to X-Ray"
        )
    if not 0 <= parsed.fixed_rate <= 1 or parsed.reservoir_size < 0:
        raise ValueError(f"{masked(text)}: FixedRate must be 0 to 1 and ReservoirSize 0 or more")
    return parsed
