"""Reach the developer's emulator and fakes as a web page on that machine could, and look at what they leave behind."""

from __future__ import annotations

import base64
import io
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import product
from pathlib import Path
from stat import S_IMODE

import orjson
from botocore.exceptions import ClientError

from bench.attacks import raw_http
from bench.attacks.lab import Lab
from bench.attacks.promise import Promise, Row, listed

_EVIL = "http://evil.test"
_PREFLIGHT = {
    "Origin": _EVIL,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "x-amz-target",
}
ATTACKS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "foreign Host": ("GET", {"Host": "evil.test"}),
    "foreign Host with the port": ("GET", {"Host": "evil.test:{port}"}),
    "foreign Origin": ("POST", {"Origin": _EVIL}),
    "Origin null": ("POST", {"Origin": "null"}),
    "Sec-Fetch-Site cross-site": ("GET", {"Sec-Fetch-Site": "cross-site"}),
    "Sec-Fetch-Site same-site": ("POST", {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:1"}),
    "preflight": ("OPTIONS", _PREFLIGHT),
}
_PATHS = {"emulator": "/_ministack/health", "Honeycomb": "/traces", "Rollbar": "/items", "X-Ray daemon": "/daemon"}
FOREIGN = Promise(
    f"requests to the emulator and to each fake with: {', '.join(ATTACKS)}",
    "all are refused with a 4xx and without a CORS header; the same from this machine are not",
)
LAMBDA = Promise("Lambda functions created and invoked in the emulator", "both are refused: no code runs")
FILES = Promise("the emulator, after an S3 object and the attacks above", "no new file in `/tmp`")
MODES = Promise(
    "the state folder of `make up` after `make down`, on a machine with other users",
    "folders have mode 0700, files 0600",
)
PROMISES = (FOREIGN, LAMBDA, FILES, MODES)


def run(lab: Lab) -> Iterator[Row]:
    """Attack the emulator and the fakes."""
    local = lab.local
    fakes = local.fakes
    # The daemon has a port, as no containers run here.
    servers = (local.emulated_aws.port, fakes.honeycomb, fakes.rollbar, fakes.daemon or 0)
    yield _foreign(dict(zip(_PATHS, servers, strict=True)))
    yield _lambda(local.emulated_aws.port)
    with suppress(ClientError):  # refusing is as well
        s3 = local.client("s3")
        s3.create_bucket(Bucket="attack")
        s3.put_object(Bucket="attack", Key="key", Body=b"body")
    files = local.new_temporary_files()
    yield FILES.row(listed(files) or "none", holds=not files)
    local.make_down()
    yield _modes(local.folders.root)


def _foreign(ports: Mapping[str, int]) -> Row:
    problems = []
    for (server, port), (name, (method, headers)) in product(ports.items(), ATTACKS.items()):
        fields = {each: value.format(port=port) for each, value in headers.items()}
        problem = _problem(port, _PATHS[server], method, fields)
        problems += [f"{server}, {name}: {problem}"] if problem else []
    statuses = {server: raw_http.get(port, _PATHS[server], _local(port)).status for server, port in ports.items()}
    problems += [f"{server}: HTTP {status} from this machine" for server, status in statuses.items() if status != 200]
    count = len(ports) * len(ATTACKS)
    text = f"{len(problems)} of {count} accepted ({listed(problems)})" if problems else f"all {count} refused"
    return FOREIGN.row(text, holds=not problems)


def _problem(port: int, path: str, method: str, headers: Mapping[str, str]) -> str | None:
    """Return why the response is no refusal, None if it is one."""
    fields = {**_local(port), "Connection": "close", **headers}
    body = b"{}" if method == "POST" else None
    response = raw_http.send(port, raw_http.request(path, fields, method=method, body=body))
    cors = [name for name in response.headers if name.startswith("access-control-")]
    if cors:
        return f"HTTP {response.status} with {cors[0]}"
    # A 404 or 405 says that the request was routed: whether it does harm is then up to the route.
    return None if response.status in {400, 403, 421} else f"HTTP {response.status}"


def _local(port: int) -> dict[str, str]:
    return {"Host": f"{raw_http.LOOPBACK}:{port}"}


def _lambda(port: int) -> Row:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return 'code ran'\n")
    function = {
        "FunctionName": "attack",
        "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
        "Role": "arn:aws:iam::000000000000:role/attack",
        "Handler": "index.handler",
        "Code": {"ZipFile": base64.b64encode(code.getvalue()).decode()},
    }
    created = _post(port, "/2015-03-31/functions", orjson.dumps(function))
    invoked = _post(port, "/2015-03-31/functions/attack/invocations", b"{}")
    text = f"create: HTTP {created.status}, invoke: HTTP {invoked.status}"
    ran = b"code ran" in invoked.body
    refused = min(created.status, invoked.status) >= 400 and not ran
    return LAMBDA.row(text + (", and the code ran" if ran else ""), holds=refused)


def _post(port: int, path: str, body: bytes) -> raw_http.Response:
    scope = "Credential=fake-key-id/20260101/us-east-1/lambda/aws4_request"
    signature = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"
    fields = {**_local(port), "Authorization": signature, "Connection": "close"}
    return raw_http.send(port, raw_http.request(path, fields, method="POST", body=body), timeout=10.0)


def _modes(root: Path) -> Row:
    modes = {path: S_IMODE(path.lstat().st_mode) for path in [root, *root.rglob("*")]}
    wrong = [f"{path.relative_to(root.parent)} {mode:04o}" for path, mode in modes.items() if mode & 0o077]
    return MODES.row(listed(wrong) or f"all {len(modes)} files and folders", holds=not wrong)
