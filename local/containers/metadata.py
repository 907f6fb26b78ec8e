"""Serve a task's metadata and credentials, as Fargate does at 169.254.170.2.

Source: "Amazon ECS task metadata endpoint version 4 for tasks on Fargate" and "Amazon ECS task IAM role", Amazon ECS
Developer Guide. `/stats` is not served.
"""

from __future__ import annotations

import json
import secrets
import socketserver
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any, Final, Protocol

from local.containers.forwarding import listen
from local.containers.images.relay import METADATA_ADDRESS
from local.containers.launch import RoleError
from local.containers.roles import RoleCredentials, timestamp

SOCKET: Final = "metadata.sock"
Json = Mapping[str, Any]


PORT: Final = 80
OTHER_PORT: Final = 51679
"""Where a container of the task listens on 80, which on AWS Fargate is free: the port of Amazon ECS's agent."""


def port_for(container_ports: Collection[int]) -> int:
    """Return the port of the metadata and credentials in a task whose containers listen on these."""
    return OTHER_PORT if PORT in container_ports else PORT


class Documents(Protocol):
    """What the task says of itself."""

    def task_metadata(self) -> Json:
        """Return the document of `/task`."""

    def container_metadata(self, name: str) -> Json:
        """Return the document of one container."""


class MetadataServer:
    """Serves one task, on a unix socket that only its relay connects to. The paths cannot be guessed.

    `port` is that of the relay.
    """

    def __init__(self, folder: Path, documents: Documents, role: RoleCredentials | None, port: int = PORT) -> None:
        self._url = f"http://{METADATA_ADDRESS}" if port == PORT else f"http://{METADATA_ADDRESS}:{port}"
        self._documents = documents
        self._role = role
        self._names: dict[str, str] = {}
        self._credentials_path = f"/v2/credentials/{secrets.token_urlsafe(24)}"
        listener = listen(folder, SOCKET)
        self._server = _Server("", _handler(self.answer), bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = listener
        Thread(target=self._server.serve_forever, args=(0.1,), name="task metadata", daemon=True).start()

    def variables(self, container: str) -> dict[str, str]:
        """Return the environment variables by which a container finds both."""
        token = secrets.token_urlsafe(24)
        self._names[f"/v4/{token}"] = container
        found = {"ECS_CONTAINER_METADATA_URI_V4": f"{self._url}/v4/{token}"}
        if self._role is not None and self._url.endswith(METADATA_ADDRESS):
            found["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = self._credentials_path
        elif self._role is not None:
            found["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{self._url}{self._credentials_path}"
        return found

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[HTTPStatus, Json]:
        """Return the status and the document of a path."""
        if path == self._credentials_path and self._role is not None:
            return _credentials(self._role)
        of_task = path.endswith("/task")
        container = self._names.get(path.removesuffix("/task"))
        if container is None:
            return HTTPStatus.NOT_FOUND, {"error": "unknown path"}
        documents = self._documents
        return HTTPStatus.OK, documents.task_metadata() if of_task else documents.container_metadata(container)


def _credentials(role: RoleCredentials) -> tuple[HTTPStatus, Json]:
    try:
        current = role.current()
    except RoleError as error:
        return HTTPStatus.BAD_REQUEST, {"code": "InvalidIdInRequest", "message": str(error)}
    return HTTPStatus.OK, {
        "RoleArn": role.role_arn,
        "AccessKeyId": current.access_key_id,
        "SecretAccessKey": current.secret_access_key,
        "Token": current.session_token,
        "Expiration": timestamp(current.expiration),
    }


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


def _handler(answer: Callable[[str], tuple[HTTPStatus, Json]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            status, document = answer(self.path.partition("?")[0].rstrip("/"))
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base class
            """Log nothing: the paths are secrets."""

    return Handler
