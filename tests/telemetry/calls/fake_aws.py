"""Respond to the calls of S3, DynamoDB and SQS that the tests make, with request ids that are known."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Response, request

REQUEST_ID = "REQUEST-1"
SECRET = "planted-value"
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"


def create_app() -> Flask:
    """Return the app. A table `throttled` or a bucket `slow` throttles, a table `missing` does not exist."""
    app = Flask("fake-aws")
    app.add_url_rule("/", view_func=_json_api, methods=["POST"])
    app.add_url_rule("/<bucket>/<path:key>", view_func=_get_object)
    return app


def _json_api() -> Response:
    action = request.headers["X-Amz-Target"].rpartition(".")[2]
    body = json.loads(request.get_data())
    if body.get("TableName") == "throttled":
        return _error(400, "ProvisionedThroughputExceededException", "Rate exceeded")
    if body.get("TableName") == "missing":
        return _error(400, "ResourceNotFoundException", "Requested resource not found")
    if body.get("TableName") == "broken":
        return _error(500, "InternalServerError", "Internal server error")
    return _json(200, _RESPONSES[action])


_CAPACITY = {"TableName": "orders", "CapacityUnits": 0.5}
_RESPONSES: dict[str, dict[str, Any]] = {
    "GetItem": {"Item": {"email": {"S": SECRET}}, "ConsumedCapacity": _CAPACITY},
    "PutItem": {
        "ItemCollectionMetrics": {"ItemCollectionKey": {"email": {"S": SECRET}}, "SizeEstimateRangeGB": [0, 1]}
    },
    "Query": {"Count": 2, "ScannedCount": 7, "Items": [], "ConsumedCapacity": _CAPACITY},
    "BatchGetItem": {"Responses": {}, "UnprocessedKeys": {}},
    "SendMessage": {"MessageId": "message-1"},
}


def _json(status: int, body: dict[str, Any]) -> Response:
    headers = {"x-amzn-RequestId": REQUEST_ID}
    return Response(json.dumps(body), status, headers, content_type="application/x-amz-json-1.0")


def _error(status: int, code: str, message: str) -> Response:
    return _json(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message})


def _get_object(bucket: str, key: str) -> Response:  # noqa: ARG001 - the route's parameters
    headers = {"x-amz-request-id": REQUEST_ID, "x-amz-id-2": "ID-2"}
    if bucket == "slow":
        body = f"<Error><Code>SlowDown</Code><Message>Slow down</Message><RequestId>{REQUEST_ID}</RequestId></Error>"
        return Response(body, 503, headers, content_type="application/xml")
    return Response(SECRET, 200, headers)
