"""Send signed requests to AWS APIs and print what each one answers, with the standard library alone.

It runs on this machine and in a container of a task, as `python -c` with the requests as JSON on the standard input.
Without credentials among them they are the task's own (Amazon ECS developer guide, "Amazon ECS task IAM role").
Source of the signature: AWS Identity and Access Management user guide, "Signature Version 4".
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import sys
import time
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

CREDENTIALS_HOST = "http://169.254.170.2"
SECONDS = 30.0


def task_credentials() -> dict[str, str]:
    """Return the credentials of the task that this process runs in."""
    with urlopen(CREDENTIALS_HOST + os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"], timeout=SECONDS) as reply:  # noqa: S310 - a constant scheme
        document: dict[str, str] = json.load(reply)
        return document


def signed_headers(request: dict[str, Any], host: str, region: str, credentials: dict[str, str]) -> dict[str, str]:
    """Return the headers of the request with its signature."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {name.lower(): value for name, value in request["headers"].items()}
    headers |= {"host": host, "x-amz-date": stamp, "x-amz-content-sha256": _digest(_body(request))}
    if credentials.get("Token"):
        headers["x-amz-security-token"] = credentials["Token"]
    names = ";".join(sorted(headers))
    path, query = request["path"], _canonical_query(request["query"])
    canonical = "\n".join(
        [
            request["method"],
            path if request["service"] == "s3" else quote(path),
            query,
            *(f"{name}:{headers[name].strip()}" for name in sorted(headers)),
            "",
            names,
            headers["x-amz-content-sha256"],
        ]
    )
    scope = f"{stamp[:8]}/{region}/{request['service']}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, _digest(canonical.encode())])
    key = f"AWS4{credentials['SecretAccessKey']}".encode()
    for part in (stamp[:8], region, request["service"], "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    authorization = f"Credential={credentials['AccessKeyId']}/{scope}, SignedHeaders={names}, Signature={signature}"
    return headers | {"authorization": f"AWS4-HMAC-SHA256 {authorization}"}


def _canonical_query(query: str) -> str:
    """Return the parameters in the order of their names; one without a value gets an empty one."""
    pairs = sorted(each.partition("=")[::2] for each in query.split("&") if each)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _body(request: dict[str, Any]) -> bytes:
    body: str = request["body"]
    return body.encode("latin-1")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def send(calls: dict[str, Any]) -> list[tuple[int, str]]:
    """Return the status and the body of each response. With an `authorization` the requests have it unsigned."""
    host = urlsplit(calls["endpoint"]).netloc
    unsigned = calls.get("authorization")
    credentials = {} if unsigned is not None else calls.get("credentials") or task_credentials()
    connection = http.client.HTTPConnection(host, timeout=SECONDS)
    answers = []
    for request in calls["requests"]:
        if unsigned is None:
            headers = signed_headers(request, host, calls["region"], credentials)
        else:
            headers = request["headers"] | ({"authorization": unsigned} if unsigned else {})
        target = request["path"] + (f"?{request['query']}" if request["query"] else "")
        connection.request(request["method"], target, _body(request), headers)
        reply = connection.getresponse()
        answers.append((reply.status, reply.read().decode("utf-8", "replace")))
    connection.close()
    return answers


if __name__ == "__main__":
    json.dump(send(json.load(sys.stdin)), sys.stdout)
