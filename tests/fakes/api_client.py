"""A client of the fake configuration API, and bodies to send."""

from __future__ import annotations

from typing import Any

import requests

from tests.fakes import honeycomb_api

KEY = "fake-configuration-key-77aa"
COLUMNS = ("duration_ms", "name", "user.id")
COUNT = {"calculations": [{"op": "COUNT"}], "time_range": 600}
P99 = [{"op": "P99", "column": "duration_ms"}]
Document = dict[str, Any]


class ApiClient:
    """Calls the fake at `url` with the right key."""

    def __init__(self, environment: honeycomb_api.Environment, url: str) -> None:
        self.environment = environment
        self.url = url

    def call(self, method: str, path: str, body: object = None, key: str = KEY) -> requests.Response:
        return requests.request(method, self.url + path, json=body, headers={"X-Honeycomb-Team": key}, timeout=60)

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        response = self.call("GET", path)
        assert response.status_code == 200
        return response.json()

    def post(self, path: str, body: object, status: int = 201) -> Document:
        response = self.call("POST", path, body)
        assert response.status_code == status, response.text
        resource: Document = response.json()
        return resource

    def query(self, dataset: str = "backend", **fields: object) -> str:
        query_id: str = self.post(f"/1/queries/{dataset}", {**COUNT, **fields}, 200)["id"]
        return query_id

    def rejected_fields(self, path: str, body: object) -> list[str]:
        """Return the fields that the validation problem names."""
        response = self.call("POST", path, body)
        assert response.status_code == 422, response.text
        assert response.headers["Content-Type"] == "application/problem+json"
        problem = response.json()
        assert {"status", "type", "title", "error"} <= set(problem)
        return [each["field"] for each in problem["type_detail"]]


def board_of(query: str, annotation: str) -> Document:
    query_panel = {"query_id": query, "query_annotation_id": annotation}
    return {"name": "Board", "type": "flexible", "panels": [{"type": "query", "query_panel": query_panel}]}


def trigger_of(query_id: str, /, **fields: object) -> Document:
    return {"name": "Trigger", "query_id": query_id, "threshold": {"op": ">", "value": 1}, "frequency": 300, **fields}
