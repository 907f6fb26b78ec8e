"""Fill the telemetry's config from the service's settings."""

from __future__ import annotations

from service.contract import (
    ACCESS_LOGGER,
    DROPPED_METRIC,
    OIDC_IDENTITY_HEADER,
    RELAY_PATH,
    SINK_DIMENSION,
    TRACE_ID_HEADER,
    USER_HEADER,
    metrics_namespace,
)
from service.settings import Settings
from service.telemetry import sinks
from service.telemetry.config import DropMetric, SamplingConfig, TelemetryConfig


def telemetry_config(settings: Settings) -> TelemetryConfig:
    """Return the config of an app with these settings; each sink takes the settings that its own fields name."""
    daemon = settings.xray_daemon_address
    return TelemetryConfig(
        service_name=settings.service_name,
        service_version=settings.version,
        environment=settings.environment,
        log_level=settings.log_level,
        access_logger=ACCESS_LOGGER,
        trace_id_header=TRACE_ID_HEADER,
        # The requests that carry the browser's spans would make spans and lines without end.
        untraced_paths=frozenset({RELAY_PATH}),
        user_header=_user_header(settings),
        shutdown_deadline=settings.shutdown_deadline,
        drop_metric=DropMetric(
            namespace=metrics_namespace(settings.environment), name=DROPPED_METRIC, dimension=SINK_DIMENSION
        ),
        sampling=SamplingConfig(
            service_name=settings.xray_service_name,
            rule=settings.sampling_rule,
            daemon=daemon.tcp if daemon is not None else None,
            record_unsampled=settings.honeycomb_keep_everything,
            slow_seconds=settings.slow_seconds,
            tail_per_second=settings.tail_per_second,
        ),
        redact_names=settings.redact_names,
        baggage_hosts=settings.baggage_hosts,
        secrets=settings.secrets(),
        sinks=sinks.configs_from(settings),
    )


def _user_header(settings: Settings) -> str | None:
    """Return the header that names the user: the load balancer's where it authenticates, else the caller's own."""
    if settings.alb_authenticates:
        return OIDC_IDENTITY_HEADER
    return USER_HEADER if settings.trust_user_header else None
