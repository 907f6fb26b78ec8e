"""Guard an ASGI application."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from .decision import CONTENT_TYPE, CORS_PREFIX, STATUS, Policy, Values, allows_cors, refusal

Message = Any
"""A scope or an event of ASGI, whose values have many types."""
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Callable[[], Awaitable[Message]], Send], Awaitable[None]]


def guarded(app: Application, policy: Policy) -> Application:
    """Return `app` behind the guard. It gets no WebSocket: nothing here serves one."""

    async def guard(scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        if scope["type"] == "lifespan":
            return await app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        values = _values(scope["headers"])
        refused = refusal(policy, scope["raw_path"].decode("latin-1"), values)
        if refused is not None:
            return await respond(scope, send, STATUS, {"error": refused.message})
        return await app(scope, receive, send if allows_cors(policy, values) else _without_cors(send))

    return guard


async def respond(scope: Message, send: Send, status: int, document: dict[str, str]) -> None:
    """Send a JSON document, without its body in response to HEAD."""
    body = json.dumps(document).encode()
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _values(headers: Iterable[tuple[bytes, bytes]]) -> Values:
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]

    def values(name: str) -> Sequence[str]:
        return [value for each, value in pairs if each == name]

    return values


def _without_cors(send: Send) -> Send:
    prefix = CORS_PREFIX.encode()

    async def strip(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [pair for pair in message.get("headers", ()) if not pair[0].lower().startswith(prefix)]
            message = {**message, "headers": headers}
        await send(message)

    return strip
