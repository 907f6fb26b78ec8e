"""Ask the X-Ray daemon's proxy for sampling rules and quotas."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import orjson

_FINE = 200


def connector_to(daemon: tuple[str, int], time_limit: float) -> Any:  # noqa: ANN401 - the SDK publishes no types
    """Return the SDK's connector to the daemon's proxy, with time limits and without botocore's client for it."""
    from aws_xray_sdk.core.sampling.connector import ServiceConnector  # noqa: PLC0415 - needed on this thread alone

    class Connector(ServiceConnector):  # type: ignore[misc]  # the SDK publishes no types
        def _create_xray_client(self, *_: object) -> _Proxy:
            return _Proxy(daemon, time_limit)

        def _dt_to_epoch(self, dt: float) -> int:
            return int(dt)

    return Connector()


class _Proxy:
    """Ask the daemon's proxy, which signs and forwards to X-Ray ("X-Ray API": GetSamplingRules, GetSamplingTargets).

    botocore's client would do the same for some six MiB of service models, and look for proxies and credentials.
    """

    def __init__(self, daemon: tuple[str, int], time_limit: float) -> None:
        self._daemon = daemon
        self._time_limit = time_limit

    def get_sampling_rules(self) -> dict[str, Any]:
        """Return the rules."""
        return self._ask("/GetSamplingRules", {})

    def get_sampling_targets(self, SamplingStatisticsDocuments: list[Any]) -> dict[str, Any]:  # noqa: N803 - the API's own name
        """Report what was counted, and return the quotas."""
        return self._ask("/SamplingTargets", {"SamplingStatisticsDocuments": SamplingStatisticsDocuments})

    def _ask(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        connection = HTTPConnection(*self._daemon, timeout=self._time_limit)
        try:
            connection.request("POST", path, orjson.dumps(document), {"content-type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != _FINE:
            raise ConnectionError(f"the X-Ray daemon answered {answer.status} to {path}")
        found: dict[str, Any] = orjson.loads(body)
        return found
