"""A client of the fake configuration API."""

from __future__ import annotations

from typing import Any

import requests

from tests.fakes import honeycomb_api

KEY = "fake-configuration-key-77aa"
COLUMNS = ("duration_ms", "name", "user.id")
COUNT = {"calculations": [{"op": "COUNT"}], "time_range": 600}
P99 = [{"op": "P99", "column": "duration_ms"}]
Document = dict[str, Any]


class Api:
    """Calls the API at `url` with the key of its `environment`."""

    def __init__(self, environment: honeycomb_api.Environment, url: str) -> None:
        self.environment = environment
        self.url = url

    def call(self, method: str, path: str, body: object = None, key: str = KEY) -> requests.Response:
        return requests.request(method, self.url + path, json=body, headers={"X-Honeycomb-Team": key}, timeout=5)

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        answer = self.call("GET", path)
        assert answer.status_code == 200
        return answer.json()

    def post(self, path: str, body: object, status: int = 201) -> Document:
        answer = self.call("POST", path, body)
        assert answer.status_code == status, answer.text
        made: Document = answer.json()
        return made

    def query(self, dataset: str = "backend", **fields: object) -> str:
        made: str = self.post(f"/1/queries/{dataset}", {**COUNT, **fields}, 200)["id"]
        return made

    def faults(self, path: str, body: object) -> list[str]:
        """Return the fields that a refused body is refused for."""
        answer = self.call("POST", path, body)
        assert answer.status_code == 422, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert {"status", "type", "title", "error"} <= set(problem)
        return [each["field"] for each in problem["type_detail"]]


def board_of(query: str, annotation: str) -> Document:
    panel = {"query_id": query, "query_annotation_id": annotation}
    return {"name": "Board", "type": "flexible", "panels": [{"type": "query", "query_panel": panel}]}


def trigger_of(query_id: str, /, **fields: object) -> Document:
    return {"name": "Trigger", "query_id": query_id, "threshold": {"op": ">", "value": 1}, "frequency": 300, **fields}
