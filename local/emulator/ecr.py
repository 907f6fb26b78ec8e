"""Correct ECR where the CDK CLI depends on it: unknown images, and where `docker push` goes.

Source: ECR API reference, DescribeImages and GetAuthorizationToken.
"""

from __future__ import annotations

import json
from typing import Final

from ministack.services import ecr

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import JSON_1_1, Reply, refusal

_theirs: Final = (ecr._repo_uri, ecr._get_authorization_token)


def install() -> None:
    """Refuse unknown images: to the CDK CLI an empty list means that the image is there, and it builds none."""
    theirs = ecr._describe_images

    def describe_images(request: Json) -> Reply:
        reply: Reply = theirs(request)
        status, _, body = reply
        asked = request.get("imageIds")
        if asked and status == 200 and len(json.loads(body)["imageDetails"]) < len(asked):  # noqa: PLR2004 (HTTP's own)
            return refusal(ServiceError("ImageNotFoundException", f"not all of {asked} exist"), JSON_1_1)
        return reply

    ecr._describe_images = describe_images


def push_to(address: str | None) -> None:
    """Name `address` (host:port) in repository URIs and in logins; None restores AWS's own host names."""
    ecr._repo_uri, ecr._get_authorization_token = _theirs
    if address is None:
        return
    _, authorize = _theirs

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
