"""Describe what is verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_onetrace.contract import RUNTIME_PROBE_PATH
from infra.application import Application, Request
from operations.traces.deployment import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is verified. Without `deployment` only what its URL shows can be."""

    url: str
    name: str
    application: Application
    environment: str
    deployment: Deployment | None = None
    expected_version: str | None = None
    expected_environment: str | None = None
    has_login: bool = False
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """For the headers of the smoke test, secrets included."""
    trace_url: str = ""
    """Where a trace can be seen if the products have no page of it, with the contract's `TRACE_ID_FIELD`."""


def smoke_test_of(subject: Subject) -> Request:
    """Return the description's request, or the runtime's own where that is the health check, which no rule samples."""
    application = subject.application
    if application.image.has_runtime and application.smoke_test.path == application.health_check_path:
        return Request(path=RUNTIME_PROBE_PATH)
    return application.smoke_test
