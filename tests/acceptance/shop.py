"""An application that knows nothing of this project, and what the emulated AWS says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from flask_onetrace.contract import Output
from local.backing_services.emulated_aws import EmulatedAws
from local.service import candidate, revision
from local.workspace.http_client import direct_client
from tests.acceptance.conftest import Checkout

SECRET = "planted-secret-5c1f"
APP = """
import os
from pathlib import Path
from flask import Flask, request, url_for
import local, service, tests  # its own modules, of names that this project has too

BROKEN = False

def create_app():
    app = Flask("shop")

    @app.before_request
    def login():
        if request.headers.get("X-Key") != "local-key" and request.path != "/healthz":
            return "log in", 401

    @app.get("/healthz")
    def health():
        return {"ok": True}

    @app.get("/things")
    def things():
        return {
            "greeting": Path("greeting.txt").read_text(),
            "modules": [local.NAME, service.NAME, tests.NAME],
            "external": url_for("things", _external=True),
            "host": request.host_url,
            "colour": os.environ["COLOUR"],
            "secret": os.environ["STRIPE_KEY"],
            "region": os.environ["AWS_DEFAULT_REGION"],
            "started": os.environ.get("STARTED", Path("started.log").read_text()),
        }

    return app
"""
DESCRIPTION = """
name = "Shop"
flask_app = "shop:create_app()"
health_check_path = "/healthz"

[smoke_test]
path = "/things"
headers = { X-Key = "local-key" }

[variables]
COLOUR = "green"

[secrets]
STRIPE_KEY = "stripe-key"

[local]
before_start = "echo $COLOUR $VIRTUAL_ENV > started.log"

[local.variables]
STRIPE_KEY = "planted-secret-5c1f"
"""


@dataclass
class Shop:
    """The application, the checkout that deploys it, and its address."""

    folder: Path
    checkout: Checkout
    url: str = ""
    first_output: str = ""

    def up(self, **environment: str) -> tuple[int, str, str]:
        result = self.checkout.run("up", APP=str(self.folder), **environment)
        return result.returncode, result.stdout, result.stderr

    def get(self, path: str = "/things", **headers: str) -> requests.Response:
        with direct_client() as client:
            return client.get(f"{self.url}{path}", headers={"X-Key": "local-key", **headers}, timeout=60)

    @contextmanager
    def added(self, name: str, text: str) -> Iterator[None]:
        """Add a file, and delete it again."""
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        try:
            yield
        finally:
            file.unlink()

    @property
    def aws(self) -> EmulatedAws:
        port = self.checkout.recorded().gateway_port
        assert port is not None
        return EmulatedAws(port)

    @contextmanager
    def edited(self, name: str, old: str, new: str) -> Iterator[None]:
        """Replace a text in one of its files, and put it back."""
        file = self.folder / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")
        try:
            yield
        finally:
            file.write_text(text, encoding="utf-8")


def write_shop(folder: Path) -> None:
    """Write the application's files into a new folder."""
    folder.mkdir()
    (folder / "shop.py").write_text(APP, encoding="utf-8")
    (folder / "onetrace.toml").write_text(DESCRIPTION, encoding="utf-8")
    (folder / "greeting.txt").write_text("hello", encoding="utf-8")
    for name in ("local", "service", "tests"):
        (folder / f"{name}.py").write_text(f"NAME = 'its own {name}'\n", encoding="utf-8")


def current(shop: Shop) -> str:
    return revision.current(shop.aws, shop.checkout.recorded().outputs)


def version_of(shop: Shop) -> str:
    version: str = shop.get("/_onetrace/health").json()["version"]
    return version


def rules(shop: Shop) -> int:
    arn = shop.checkout.recorded().outputs[Output.LOAD_BALANCER]
    listeners = shop.aws.elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    return sum(len(shop.aws.elbv2.describe_rules(ListenerArn=each["ListenerArn"])["Rules"]) for each in listeners)


def groups(shop: Shop) -> int:
    groups = shop.aws.elbv2.describe_target_groups()["TargetGroups"]
    assert candidate.GROUP not in {each["TargetGroupName"] for each in groups}
    return len(groups)
