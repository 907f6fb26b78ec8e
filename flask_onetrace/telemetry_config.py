"""Fill the telemetry's config from the service's settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from flask_onetrace.authentication.alb_claims import ExpectedSigner
from flask_onetrace.authentication.alb_user import alb_user
from flask_onetrace.authentication.user_header import user_of_header
from flask_onetrace.contract import (
    ACCESS_LOGGER,
    DROPPED_METRIC,
    RUNTIME_HEALTH_CHECK_PATH,
    SINK_DIMENSION,
    TRACE_ID_HEADER,
)
from flask_onetrace.masking import masked
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import library_environment, sinks
from flask_onetrace.telemetry.config import DropMetric, SamplingConfig, TelemetryConfig
from flask_onetrace.telemetry.safe_logging import safe_logger

logger = safe_logger(__name__)


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
        # The load balancer and ECS ask every few seconds: 0.36 GB of lines a month and task.
        quiet_paths=frozenset({settings.health_check_path, RUNTIME_HEALTH_CHECK_PATH}),
        user_of=_user_of(settings),
        shutdown_deadline=settings.shutdown_deadline,
        drop_metric=DropMetric(namespace=settings.metrics_namespace, name=DROPPED_METRIC, dimension=SINK_DIMENSION),
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
        disabled_instrumentations=settings.disabled_instrumentations,
        secrets=settings.secrets(),
        unusable_variables={**settings.unusable_variables, **_unusable_by_libraries()},
        sinks=sinks.configs_from(settings),
    )


def _unusable_by_libraries() -> dict[str, str]:
    """Return the messages of the variables that libraries read themselves, in this process's environment."""
    return {
        name: f"{name}: {masked(text)} {rule.expected} (used instead: {rule.substitute})"
        for name, rule in library_environment.unusable(os.environ).items()
        if (text := os.environ[name].strip())
    }


def _user_of(settings: Settings) -> Callable[[Mapping[str, Any]], str | None] | None:
    """Return what finds the user: in the load balancer's claims where it authenticates, else in the caller's header."""
    if settings.alb_arn is not None:
        signer = ExpectedSigner(
            load_balancer_arn=settings.alb_arn, issuer=settings.alb_oidc_issuer, client_id=settings.alb_oidc_client_id
        )
        try:
            return alb_user(signer, settings.alb_public_keys_url, settings.health_check_path)
        except ImportError as error:
            remedy = 'pip install "Flask-OneTrace[alb]"'
            logger.warning(
                "ALB_ARN is set, but every user is anonymous: claims cannot be verified: %s: %s", error, remedy
            )
            return None
    return user_of_header(settings.user_header) if settings.trust_user_header else None
