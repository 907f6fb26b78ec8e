"""The request that has to be sampled is the smoke test, unless that is the health check, which no rule samples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.application import Application, Request
from operations.verification.subject import Subject, smoke_test_of
from tests.sample import CRUDDUR

HEALTH = replace(CRUDDUR, smoke_test=Request(path="/healthz"), health_check_path="/healthz")


@pytest.mark.parametrize(
    ("application", "path"),
    [
        (CRUDDUR, CRUDDUR.smoke_test.path),
        (HEALTH, "/_onetrace/probe"),
        (replace(HEALTH, image=replace(CRUDDUR.image, has_runtime=False)), "/healthz"),
    ],
)
def test_the_request_of_the_smoke_test(application: Application, path: str) -> None:
    subject = Subject(url="http://x", name="x", application=application, environment="dev")
    assert smoke_test_of(subject).path == path
