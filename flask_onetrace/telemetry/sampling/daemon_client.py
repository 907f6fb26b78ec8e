"""Get sampling rules and quotas through the X-Ray daemon's proxy."""

from __future__ import annotations

import time
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

import orjson

from flask_onetrace.telemetry.sampling.boost import Boosts


def connector_to(daemon: tuple[str, int], timeout: float, boosts: Boosts) -> Any:  # noqa: ANN401 - the SDK publishes no types
    """Return the SDK's connector to the daemon's proxy, with a timeout and without botocore's client for it.

    The SDK knows nothing of `boosts`, which are kept up to date beside it.
    """
    from aws_xray_sdk.core.sampling.connector import ServiceConnector  # noqa: PLC0415 - needed only on this thread

    class Connector(ServiceConnector):  # type: ignore[misc]  # the SDK publishes no types
        def _create_xray_client(self, *_: object) -> _DaemonClient:
            return _DaemonClient(daemon, timeout, boosts)

        def _dt_to_epoch(self, dt: float) -> int:
            return int(dt)

    return Connector()


class _DaemonClient:
    """Call the daemon's proxy, which signs and forwards to X-Ray ("X-Ray API": GetSamplingRules, GetSamplingTargets).

    botocore's client would do the same with some six MiB of service models, and look for proxies and credentials.
    """

    def __init__(self, daemon: tuple[str, int], timeout: float, boosts: Boosts) -> None:
        self._daemon = daemon
        self._timeout = timeout
        self._boosts = boosts

    def get_sampling_rules(self) -> dict[str, Any]:
        """Return the rules."""
        response = self._post("/GetSamplingRules", {})
        self._boosts.load_rules([record["SamplingRule"] for record in response["SamplingRuleRecords"]])
        return response

    def get_sampling_targets(self, SamplingStatisticsDocuments: list[Any]) -> dict[str, Any]:  # noqa: N803 - the API's own name
        """Report the counts, and return the quotas."""
        request: dict[str, Any] = {"SamplingStatisticsDocuments": SamplingStatisticsDocuments}
        if boosts := self._boosts.statistics(int(time.time())):
            request["SamplingBoostStatisticsDocuments"] = boosts
        try:
            response = self._post("/SamplingTargets", request)
        except Exception:
            self._boosts.restore(boosts)
            raise
        self._boosts.load_targets(response["SamplingTargetDocuments"])
        return response

    def _post(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        connection = HTTPConnection(*self._daemon, timeout=self._timeout)
        try:
            connection.request("POST", path, orjson.dumps(document), {"content-type": "application/json"})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != HTTPStatus.OK:
            raise ConnectionError(f"the X-Ray daemon answered {response.status} to POST {path}")
        result: dict[str, Any] = orjson.loads(body)
        return result
