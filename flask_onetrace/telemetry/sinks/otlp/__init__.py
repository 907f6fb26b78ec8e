"""Send spans to Honeycomb, or to any collector, by OTLP over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from flask_onetrace.telemetry.config import Secret
from flask_onetrace.telemetry.sink import ServiceInfo, Sink, unset_reason, without_package

NAME: Final = "honeycomb"

TEAM_HEADER: Final = "x-honeycomb-team"


_NO_HEADERS: Final[Secret[Mapping[str, str]]] = Secret({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """On with an endpoint and, for Honeycomb itself, a key. `otlp_protocol` is `http/json` or `http/protobuf`."""

    otel_sdk_disabled: bool = False
    otlp_endpoint: str | None = None
    otlp_headers: Secret[Mapping[str, str]] = _NO_HEADERS
    otlp_protocol: str = "http/json"
    trace_exporters: frozenset[str] = frozenset({"otlp"})
    honeycomb_api_key: Secret[str] | None = None
    unusable_variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where spans are posted."""
        return f"{(self.otlp_endpoint or '').rstrip('/')}/v1/traces"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with them, the key included."""
        headers = dict(self.otlp_headers.reveal())
        if self.honeycomb_api_key is not None:
            headers.setdefault(TEAM_HEADER, self.honeycomb_api_key.reveal())
        return headers

    @property
    def off_because(self) -> str | None:
        """Why no spans are sent; None where they are."""
        if self.otel_sdk_disabled:
            return "OTEL_SDK_DISABLED is true"
        if self.otlp_endpoint is None:
            return unset_reason("OTEL_EXPORTER_OTLP_ENDPOINT", self.unusable_variables)
        if "otlp" not in self.trace_exporters:
            return "OTEL_TRACES_EXPORTER leaves out otlp"
        secret = self.otlp_headers if TEAM_HEADER in self.otlp_headers.reveal() else self.honeycomb_api_key
        if secret is not None and secret.is_placeholder:
            return "HONEYCOMB_API_KEY still holds its placeholder: run `make secrets`"
        host = urlsplit(self.otlp_endpoint).hostname or ""
        if secret is None and (host == "honeycomb.io" or host.endswith(".honeycomb.io")):
            return "HONEYCOMB_API_KEY is not set"
        return None


def connect(config: Config, service: ServiceInfo) -> Sink:
    """Return the sink."""
    if config.off_because is not None:
        return Sink(name=NAME, off_because=config.off_because)
    from flask_onetrace.telemetry.sinks.otlp.exporter import connect_exporter  # noqa: PLC0415 - only where the sink is on

    try:
        return connect_exporter(NAME, config, service)
    except ImportError as error:  # of what encodes protobuf; JSON needs no package
        return without_package(NAME, error, setting="OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", extra="honeycomb")
