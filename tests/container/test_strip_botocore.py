"""botocore without its documentation describes the same operations: an application may call any service."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest

from infra.image_context import STRIP_BOTOCORE

DATA = Path(botocore.__file__).parent / "data"
EVERY_NTH = 16
SERVICES = {"acm", "dynamodb", "ec2", "logs", "s3", "sqs", "sts", "xray"}
DOCUMENTATION = "documentation"
OPERATIONS = """
import json, sys, boto3
session = boto3.Session("key", "secret", region_name="us-east-1")
print(json.dumps({name: dir(session.client(name)) for name in sys.argv[1:]}))
"""
CALLS = """
import sys, boto3
from botocore.stub import Stubber
session = boto3.Session("key", "secret", region_name="us-east-1")
for name in sys.argv[1:]:
    client = session.client(name)
    model = client.meta.service_model
    for method, operation in client.meta.method_to_api_mapping.items():
        shapes = model.operation_model(operation).input_shape, model.operation_model(operation).output_shape
        if all(shape is None or not shape.required_members for shape in shapes):
            with Stubber(client) as stubber:
                stubber.add_response(method, {})
                getattr(client, method)()
            print(name, method)
            break
"""


def model(file: Path) -> Any:  # noqa: ANN401 - any JSON value
    content = file.read_bytes()
    return json.loads(gzip.decompress(content) if file.suffix == ".gz" else content)


@pytest.fixture(scope="module")
def stripped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of botocore, stripped as in the image; of all services, some and the usual."""
    folder = tmp_path_factory.mktemp("packages")
    every = sorted(each.name for each in DATA.iterdir() if each.is_dir())
    left_out = set(every) - set(every[::EVERY_NTH]) - SERVICES
    shutil.copytree(DATA.parent, folder / "botocore", ignore=shutil.ignore_patterns("__pycache__", *left_out))
    run(folder, STRIP_BOTOCORE)
    return folder


def run(folder: Path, program: Path, *arguments: str) -> str:
    environ = {"PYTHONPATH": str(folder)}
    command = [sys.executable, str(program), *arguments]
    process = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


def differences(before: Any, after: Any, key: object = None) -> Iterator[tuple[object, Any, Any]]:  # noqa: ANN401 - JSON
    """Yield the key of each value that a model has lost, gained or changed, and both values."""
    if isinstance(before, dict) and isinstance(after, dict):
        for each in before.keys() | after.keys():
            yield from differences(before.get(each), after.get(each), each)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for pair in zip(before, after, strict=True):
            yield from differences(*pair)
    elif before != after:
        yield key, before, after


def test_the_texts_of_a_models_documentation_are_empty_and_all_else_stays(stripped: Path) -> None:
    files = list((stripped / "botocore" / "data").rglob("*.json*"))
    services = [each for each in files if each.name.startswith("service-")]
    assert len(services) > len(SERVICES)
    for file in files:
        original = DATA / file.relative_to(stripped / "botocore" / "data")
        if file not in services:
            assert file.read_bytes() == original.read_bytes()
            continue
        for key, before, after in differences(model(original), model(file)):
            assert (key, type(before), after) == (DOCUMENTATION, str, "")


def test_it_is_much_smaller(stripped: Path) -> None:
    sizes = [
        sum(each.stat().st_size for each in folder.rglob("service-*"))
        for folder in (stripped / "botocore" / "data" / "ec2", DATA / "ec2")
    ]
    assert sizes[0] < sizes[1] / 2
    assert not list(stripped.rglob("examples-*"))


def test_a_service_has_a_client_with_the_same_operations(stripped: Path, tmp_path: Path) -> None:
    program = tmp_path / "operations.py"
    program.write_text(OPERATIONS, encoding="utf-8")
    clients = json.loads(run(stripped, program, *SERVICES))
    session: Any = boto3.Session("key", "secret", region_name="us-east-1")
    assert clients == {name: dir(session.client(name)) for name in SERVICES}


def test_each_service_can_be_called(stripped: Path, tmp_path: Path) -> None:
    program = tmp_path / "calls.py"
    program.write_text(CALLS, encoding="utf-8")
    called = {line.split()[0] for line in run(stripped, program, *SERVICES).splitlines()}
    assert called == SERVICES


def test_help_still_lists_the_parameters(stripped: Path, tmp_path: Path) -> None:
    program = tmp_path / "help.py"
    program.write_text("import boto3; help(boto3.client('sts', region_name='us-east-1').assume_role)", encoding="utf-8")
    assert "RoleSessionName" in run(stripped, program)


def test_a_name_of_that_kind_stays_and_a_model_may_be_uncompressed(tmp_path: Path) -> None:
    data = tmp_path / "botocore" / "data" / "notes" / "2020-01-01"
    data.mkdir(parents=True)
    (tmp_path / "botocore" / "__init__.py").touch()
    shapes = {"Note": {"type": "structure", "members": {DOCUMENTATION: {"shape": "Text", DOCUMENTATION: "<p>x</p>"}}}}
    (data / "service-2.json").write_text(json.dumps({"shapes": shapes, DOCUMENTATION: "<p>é</p>"}), encoding="utf-8")
    run(tmp_path, STRIP_BOTOCORE)
    assert model(data / "service-2.json") == {
        "shapes": {"Note": {"type": "structure", "members": {DOCUMENTATION: {"shape": "Text", DOCUMENTATION: ""}}}},
        DOCUMENTATION: "",
    }
    assert "modified" in (data.parents[1] / "MODIFIED").read_text(encoding="utf-8")


def test_without_botocore_there_is_nothing_to_do() -> None:
    command = [sys.executable, "-S", str(STRIP_BOTOCORE)]
    assert subprocess.run(command, check=True, capture_output=True, timeout=60).stdout == b""
