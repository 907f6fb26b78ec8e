"""Parse and validate the names that an application chooses: of services, headers, paths and metrics.

The parsers are as those of `parsing`. Where a name is not set, it is derived from the service's.
"""

from __future__ import annotations

import re

from flask_onetrace.masking import masked

_LONGEST_NAME = 255
_NO_NAMESPACE = re.compile(r"[^A-Za-z0-9._#:-]")
_LONGEST_IN_NAMESPACE = 100
"""Characters of the service's and of the environment's name each, of the 255 that a namespace can have."""


def service_name(text: str) -> str:
    """Read the `service.name` of spans: printable, 255 characters at most."""
    if not text.isprintable() or len(text) > _LONGEST_NAME:
        raise ValueError(f"{masked(text)} is not a service name: set up to {_LONGEST_NAME} printable characters")
    return text


def url_path(text: str) -> str:
    """Read the path of a URL as requests have it once it is decoded, without a query: `/healthz`."""
    if not re.fullmatch(r"/[^\s?#%\\]*", text) or not text.isprintable():
        raise ValueError(f"{masked(text)} is not a path: set for example `/healthz`, without host and query")
    return text


def header_name(text: str) -> str:
    """Read the name of a request header, which WSGI keeps apart from others: letters, digits and hyphens."""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,128}", text):
        raise ValueError(f"{masked(text)} is not the name of a header: use letters, digits and hyphens, as `X-User`")
    return text


def metrics_namespace(text: str) -> str:
    """Read a CloudWatch namespace, which is not one of AWS's own ("PutMetricData", Amazon CloudWatch API Reference)."""
    if not re.fullmatch(r"[A-Za-z0-9._#/-][A-Za-z0-9._#:/-]{0,254}", text) or text.startswith("AWS/"):
        raise ValueError(
            f"{masked(text)} is not a namespace: use letters, digits and ._-/#: , 255 at most, as `Orders/Telemetry`"
        )
    return text


def namespace_of(service: str, environment: str) -> str:
    """Return the namespace of a service's metrics in an environment, `orders-prod/Telemetry`."""
    names = (_NO_NAMESPACE.sub("-", each[:_LONGEST_IN_NAMESPACE]) for each in (service, environment))
    return f"{'-'.join(names).lstrip(':')}/Telemetry"


def segment_name_of(service: str) -> str:
    """Return the name of a service's X-Ray segments: its own, as far as a segment can have it."""
    return re.sub(r"[^\w .:/%&#=+\-@]", "", service)[:200] or "unnamed"
