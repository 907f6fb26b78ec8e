"""Send segment documents to the X-Ray daemon by UDP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from flask_onetrace.telemetry.config import DaemonAddress
from flask_onetrace.telemetry.sink import ServiceInfo, Sink, unset_reason, without_package
from flask_onetrace.telemetry.xray_sdk import install_on_import

NAME: Final = "xray"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """On with the daemon's address, unless OpenTelemetry is off.

    `xray_service_name` names the segments, unless `xray_url` is a pattern that matches the host of the request (the
    SDK's dynamic naming). `xray_origin` is the kind of AWS resource that runs the service, None elsewhere.
    """

    otel_sdk_disabled: bool = False
    xray_daemon_address: DaemonAddress | None = None
    xray_service_name: str = "service"
    xray_url: str | None = None
    xray_origin: str | None = None
    log_group: str | None = None
    unusable_variables: Mapping[str, str] = field(default_factory=dict)


def connect(config: Config, service: ServiceInfo) -> Sink:
    """Return the sink. Code written for the X-Ray SDK works, and makes spans, whether it is on or off."""
    if config.otel_sdk_disabled:  # its segments are made of spans
        return Sink(name=NAME, off_because="OTEL_SDK_DISABLED is true", install=install_on_import)
    if config.xray_daemon_address is None:
        reason = unset_reason("AWS_XRAY_DAEMON_ADDRESS", config.unusable_variables)
        return Sink(name=NAME, off_because=reason, install=install_on_import)
    try:
        from flask_onetrace.telemetry.sinks.xray.collector import connect_collector  # noqa: PLC0415 - imports the SDK, whose sampling rules it follows
    except ImportError as error:
        return without_package(NAME, error, setting="AWS_XRAY_DAEMON_ADDRESS", extra="xray")
    return connect_collector(NAME, config, config.xray_daemon_address.udp, service)
