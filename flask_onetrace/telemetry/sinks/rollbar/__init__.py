"""Send error items to Rollbar: its SDK builds them on one thread, another posts them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from flask_onetrace.telemetry.config import Secret
from flask_onetrace.telemetry.sink import ServiceInfo, Sink, without_package

NAME: Final = "rollbar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """On with an access token. `rollbar_endpoint` is the API's base URL."""

    rollbar_access_token: Secret[str] | None = None
    rollbar_endpoint: str = ""

    @property
    def items_url(self) -> str:
        """Where items are posted."""
        return urljoin(self.rollbar_endpoint.rstrip("/") + "/", "item/")


def connect(config: Config, service: ServiceInfo) -> Sink:
    """Return the sink."""
    token = config.rollbar_access_token
    if token is None:
        return Sink(name=NAME, off_because="ROLLBAR_ACCESS_TOKEN is not set")
    if token.is_placeholder:
        return Sink(name=NAME, off_because="ROLLBAR_ACCESS_TOKEN still holds its placeholder: run `make secrets`")
    factory = logging.getLogRecordFactory()
    # The SDK makes a record at its import, for which a factory of the application's may need a request.
    logging.setLogRecordFactory(logging.LogRecord)
    try:
        from flask_onetrace.telemetry.sinks.rollbar.items import connect_items  # noqa: PLC0415 - imports the SDK
    except ImportError as error:
        return without_package(NAME, error, setting="ROLLBAR_ACCESS_TOKEN", extra="rollbar")
    finally:
        logging.setLogRecordFactory(factory)
    return connect_items(NAME, config.items_url, token.reveal(), service)
