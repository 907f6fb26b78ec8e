"""Name every cause, in the order of the request's way: of two that explain the same, the first one is the cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from operations.diagnosis.cause import Cause, Diagnosis
from operations.diagnosis.causes import (
    another_environment,
    clock_skew,
    daemon_address,
    group_filter,
    host_unreachable,
    key_environment,
    key_placeholder,
    key_refused,
    key_region,
    log_group_missing,
    log_group_name,
    logs_denied,
    no_healthy_target,
    no_response,
    no_trace_id,
    old_task,
    rule_missing,
    sampled_out,
    sidecar_crash_looping,
    sidecar_missing,
    sidecar_stopped,
    telemetry_dropped,
    transaction_search,
    variable_overridden,
    variable_unusable,
    wrong_region,
    xray_denied,
)
from operations.diagnosis.evidence import Evidence


class CauseModule(Protocol):
    """One module of this package."""

    CAUSE: Cause

    def diagnose(self, evidence: Evidence, /) -> Iterator[Diagnosis]:
        """Yield the cause for each thing that it explains, nothing where it is not the cause."""


ORDER: Final[tuple[CauseModule, ...]] = (
    no_response,
    no_healthy_target,
    no_trace_id,
    another_environment,
    old_task,
    clock_skew,
    variable_unusable,
    variable_overridden,
    key_placeholder,
    rule_missing,
    sampled_out,
    wrong_region,
    sidecar_missing,
    daemon_address,
    sidecar_stopped,
    sidecar_crash_looping,
    transaction_search,
    xray_denied,
    log_group_name,
    log_group_missing,
    logs_denied,
    key_region,
    key_refused,
    host_unreachable,
    telemetry_dropped,
    key_environment,
    group_filter,
)
