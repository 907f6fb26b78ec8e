"""The regions of Honeycomb are asked with the configuration key, at the deployment's own addresses of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
import requests

from flask_onetrace.telemetry.config import Secret
from infra.application import DEFAULT_FOLDER
from infra.application_file import load
from infra.names import Names
from local.backing_services.emulated_aws import EmulatedAws
from local.fakes import honeycomb
from local.fakes.server import LocalServer
from operations.diagnosis.honeycomb import accepting_hosts
from operations.honeycomb.client import REGIONS
from operations.traces.deployment import Deployment

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

US, EU = REGIONS
KEY = "the-configuration-key"


@pytest.fixture
def urls() -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        yield {host: stack.enter_context(closing(LocalServer(honeycomb.create_app()))).url for host in REGIONS}


def deployment(urls: dict[str, str], key: Secret[str] | None) -> Deployment:
    return Deployment(
        names=Names(load(DEFAULT_FOLDER), "dev"),
        region="eu-central-1",
        url="",
        outputs={},
        aws=EmulatedAws(9),
        honeycomb_urls=urls,
        honeycomb_key=key,
    )


@pytest.mark.parametrize("accepting", [(), (US,), (EU,), (US, EU)])
def test_the_regions_that_accept_the_key_are_found(urls: dict[str, str], accepting: tuple[str, ...]) -> None:
    for host, url in urls.items():
        keys = [KEY] if host in accepting else ["another"]
        requests.post(f"{url}/settings", json={"accepted_read_keys": keys}, timeout=10).raise_for_status()

    assert tuple(accepting_hosts(deployment(urls, Secret(KEY)))) == accepting


def test_no_region_is_asked_without_a_key_or_its_address(urls: dict[str, str]) -> None:
    assert accepting_hosts(deployment(urls, None)) == ()
    assert accepting_hosts(deployment({}, Secret(KEY))) == []


def test_a_region_that_does_not_respond_accepts_nothing(urls: dict[str, str]) -> None:
    urls[US] = "http://127.0.0.1:9"

    assert accepting_hosts(deployment(urls, Secret(KEY))) == [EU]
