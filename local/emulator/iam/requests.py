"""Read the operation and the parameters of a request to an AWS API.

ministack looks for the operation's name in the query string, the body, a header and the path, and its services look in
another order: a request that names two operations would be authorized as one and handled as the other. Here a request
has one protocol, and is refused where it mixes two. Source: Smithy specification, "AWS protocols".
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qs

from botocore.parsers import BaseCBORParser, ResponseParserError
from ministack import app
from ministack.core import iam_actions

from local.emulator.json_api import Json

REST_SERVICES: Final = frozenset({"s3", "xray"})
"""The services whose operation is the method and the path; all others name it."""

FORM: Final = "application/x-www-form-urlencoded"
_TARGET: Final = re.compile(r"[A-Za-z0-9_]+\.([A-Za-z0-9]+)")
_RPC_PATH: Final = re.compile(r"/service/[A-Za-z0-9]+/operation/([A-Za-z0-9]+)")
_OPERATION: Final = re.compile(r"[A-Za-z0-9]+")


class MalformedRequestError(ValueError):
    """The request does not name one operation in one protocol."""


@dataclass(frozen=True)
class ApiRequest:
    """A request to the API of `service`; the name of a header is in lower case."""

    service: str
    method: str
    path: str
    headers: Mapping[str, str]
    sent_body: bytes = field(repr=False)
    query: Mapping[str, list[str]]
    region: str
    account: str

    @cached_property
    def body(self) -> bytes:
        """Return the body without compression."""
        body: bytes = app._decompress_request_body(self.sent_body, dict(self.headers))
        return body

    @property
    def operation(self) -> str:
        """Return the operation's name; for Amazon S3 the name of its action. Raises `MalformedRequestError`."""
        return self._call[0]

    @property
    def parameters(self) -> Json:
        """Return the parameters, without those in the path. Raises `MalformedRequestError`."""
        return self._call[1]

    @cached_property
    def _call(self) -> tuple[str, Json]:
        return _rest(self) if self.service in REST_SERVICES else _rpc(self)

    def values(self, *names: str) -> list[str]:
        """Return the values of the named parameters, of single ones and of lists, in JSON or as a form."""
        found: list[str] = []
        for name in names:
            value = self.parameters.get(name)
            found += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
            numbered = re.compile(rf"{re.escape(name)}\.(?:member\.)?[0-9]+")
            found += [each for key, each in self.parameters.items() if numbered.fullmatch(key)]
        return [each for each in found if each]


def _rest(request: ApiRequest) -> tuple[str, Json]:
    query = dict(request.query)
    if request.service == "s3":
        operation = iam_actions._s3_action(request.method, request.path, query)
        parameters: Json = {}
    else:
        operation = iam_actions._match_rest_action(request.service, request.method, request.path, query)
        parameters = _json(request.body)
    if not operation:
        raise MalformedRequestError(f"{request.method} {request.path} is no operation of {request.service}")
    return str(operation), parameters


def _rpc(request: ApiRequest) -> tuple[str, Json]:
    headers = request.headers
    query = {name: each for name, each in request.query.items() if not name.lower().startswith("x-amz-")}
    is_form = headers.get("content-type", "").startswith(FORM) and bool(request.body)
    by_path = _RPC_PATH.fullmatch(request.path)
    target = headers.get("x-amz-target")
    if [target is not None, by_path is not None, is_form, bool(query)].count(True) != 1:
        raise MalformedRequestError("the operation is not named once: by X-Amz-Target, the path, the body or the query")
    if target is not None:
        named = _TARGET.fullmatch(target)
        return (named[1] if named else _unnamed(target)), _json(request.body)
    if by_path is not None:
        return by_path[1], _cbor(request.body)
    form = query if not is_form else parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    repeated = [name for name, each in form.items() if len(each) != 1]
    if repeated:
        raise MalformedRequestError(f"repeated parameters: {', '.join(sorted(repeated))}")
    parameters = {name: each[0] for name, each in form.items()}
    action = parameters.pop("Action", "")
    return (action if _OPERATION.fullmatch(action) else _unnamed(action)), parameters


def _unnamed(value: str) -> str:
    raise MalformedRequestError(f"{value[:100]!r} is no name of an operation")


def _json(body: bytes) -> Json:
    return _object(json.loads, body or b"{}")


def _cbor(body: bytes) -> Json:
    """Decode with botocore, as ministack's own decoder is an optional package (RFC 8949)."""
    parser = BaseCBORParser()
    return _object(lambda data: parser.parse_data_item(io.BufferedReader(io.BytesIO(data))), body or b"\xa0")


def _object(decode: Callable[[bytes], Any], body: bytes) -> Json:
    try:
        document = decode(body)
    except (ValueError, RecursionError, ResponseParserError) as error:
        raise MalformedRequestError("the body cannot be decoded") from error
    if not isinstance(document, dict):
        raise MalformedRequestError("the body is not an object")
    return document
