"""Correct ministack's ECR where the CDK CLI depends on it: unknown images, and the registry address of `docker push`.

Source: ECR API reference, DescribeImages and GetAuthorizationToken.
"""

from __future__ import annotations

import json
from typing import Final

from ministack.services import ecr

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import JSON_1_1, Reply, error_reply

_originals: Final = (ecr._repo_uri, ecr._get_authorization_token)


def install() -> None:
    """Answer ImageNotFoundException for unknown images: the CDK CLI takes an empty list for an existing image."""
    original = ecr._describe_images

    def describe_images(request: Json) -> Reply:
        reply: Reply = original(request)
        status, _, body = reply
        image_ids = request.get("imageIds")
        if image_ids and status == 200 and len(json.loads(body)["imageDetails"]) < len(image_ids):  # noqa: PLR2004 - HTTP 200 OK
            return error_reply(ServiceError("ImageNotFoundException", f"not all of {image_ids} exist"), JSON_1_1)
        return reply

    ecr._describe_images = describe_images


def push_to(address: str | None) -> None:
    """Use `address` (host:port) in repository URIs and logins; None restores AWS's host names."""
    ecr._repo_uri, ecr._get_authorization_token = _originals
    if address is None:
        return
    _, authorize = _originals

    def repository_uri(name: str) -> str:
        return f"{address}/{name}"

    def authorization_token(request: Json) -> Reply:
        status, headers, body = authorize(request)
        reply = json.loads(body)
        for login in reply.get("authorizationData", []):
            login["proxyEndpoint"] = f"http://{address}"
        return status, headers, json.dumps(reply).encode()

    ecr._repo_uri = repository_uri
    ecr._get_authorization_token = authorization_token
