"""With IAM enforced, the image registry wants a login of Amazon ECR, which may do what its principal may."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.local.emulator.conftest import SECONDS, Client
from tests.local.emulator.enforcing import Enforcing, enforcing_emulator

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
PUSH = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]
LAYER = b"layer"
DIGEST = f"sha256:{hashlib.sha256(LAYER).hexdigest()}"
MANIFEST = json.dumps({"schemaVersion": 2, "layers": []})
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Enforcing]:
    with enforcing_emulator() as emulator:
        for name in ("own", "other"):
            emulator.client("ecr").create_repository(repositoryName=name)
        push(emulator, login(emulator.client("ecr")), "own")
        yield emulator


def user(enforcing: Enforcing, name: str, actions: list[str]) -> Client:
    """Return an ECR client of a user who may do `actions` in the repository "own", and log in."""
    iam = enforcing.client("iam")
    iam.create_user(UserName=name)
    own = {"Effect": "Allow", "Action": actions, "Resource": "arn:aws:ecr:us-east-1:000000000000:repository/own"}
    token = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [own, token]}
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return enforcing.client("ecr", key["AccessKeyId"], key["SecretAccessKey"])


def login(ecr: Client) -> dict[str, str]:
    [data] = ecr.get_authorization_token()["authorizationData"]
    return {"Authorization": f"Basic {data['authorizationToken']}"}


def call(enforcing: Enforcing, method: str, path: str, headers: dict[str, str], **options: Any) -> requests.Response:  # noqa: ANN401 - requests' own options
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, f"{enforcing.endpoint}/v2/{path}", headers=headers, timeout=SECONDS, **options)


def push(enforcing: Enforcing, headers: dict[str, str], repository: str) -> list[int]:
    upload = call(enforcing, "POST", f"{repository}/blobs/uploads/", headers)
    if not upload.ok:
        return [upload.status_code]
    target = upload.headers["Location"].removeprefix("/v2/")
    blob = call(enforcing, "PUT", target, headers, params={"digest": DIGEST}, data=LAYER)
    manifest = call(
        enforcing,
        "PUT",
        f"{repository}/manifests/latest",
        headers | {"Content-Type": MANIFEST_TYPE},
        data=MANIFEST,
    )
    return [upload.status_code, blob.status_code, manifest.status_code]


def pull(enforcing: Enforcing, headers: dict[str, str], repository: str) -> list[int]:
    paths = [
        ("GET", ""),
        ("HEAD", f"{repository}/manifests/latest"),
        ("GET", f"{repository}/manifests/latest"),
        ("HEAD", f"{repository}/blobs/{DIGEST}"),
        ("GET", f"{repository}/blobs/{DIGEST}"),
    ]
    return [call(enforcing, method, path, headers).status_code for method, path in paths]


def test_without_a_login_nothing_is_pulled_or_pushed(enforcing: Enforcing) -> None:
    fixed = base64.b64encode(b"AWS:ministack-auth-token").decode()
    for headers in ({}, {"Authorization": f"Basic {fixed}"}, {"Authorization": "Basic ?"}, {"Authorization": "Basic"}):
        assert pull(enforcing, headers, "own") == [401] * 5
        assert push(enforcing, headers, "own") == [401]
        assert call(enforcing, "GET", "_catalog", headers).status_code == 401


def test_docker_is_told_to_log_in(enforcing: Enforcing) -> None:
    challenge = call(enforcing, "GET", "", {}).headers["Www-Authenticate"]

    assert challenge == f'Basic realm="{enforcing.endpoint}/",service="ecr.amazonaws.com"'


def test_each_login_has_a_password_of_its_own(enforcing: Enforcing) -> None:
    ecr = enforcing.client("ecr")

    assert login(ecr) != login(ecr)


def test_who_may_pull_pulls_from_the_own_repository_alone_and_pushes_nowhere(enforcing: Enforcing) -> None:
    headers = login(user(enforcing, "pulls", PULL))

    assert pull(enforcing, headers, "own") == [200] * 5
    assert pull(enforcing, headers, "other") == [200, 403, 403, 403, 403]
    assert push(enforcing, headers, "own") == push(enforcing, headers, "other") == [403]
    assert call(enforcing, "GET", "_catalog", headers).status_code == 403
    assert call(enforcing, "GET", "own/tags/list", headers).status_code == 403
    assert call(enforcing, "DELETE", f"own/blobs/{DIGEST}", headers).status_code == 403


def test_who_may_push_pushes_to_the_own_repository_alone(enforcing: Enforcing) -> None:
    headers = login(user(enforcing, "pushes", PUSH))

    assert push(enforcing, headers, "own") == [202, 201, 201]
    assert push(enforcing, headers, "other") == [403]
    assert pull(enforcing, headers, "own") == [200, 403, 403, 403, 403]


def test_a_layer_is_mounted_only_from_a_repository_that_may_be_read(enforcing: Enforcing) -> None:
    headers = login(user(enforcing, "mounts", PUSH + PULL))
    mount = {"mount": DIGEST, "from": "other"}

    answer = call(enforcing, "POST", "own/blobs/uploads/", headers, params=mount)

    assert (answer.status_code, "repository/other" in answer.text) == (403, True)


def test_a_permission_that_is_taken_away_ends_the_login(enforcing: Enforcing) -> None:
    headers = login(user(enforcing, "leaves", PULL))
    assert pull(enforcing, headers, "own") == [200] * 5
    iam = enforcing.client("iam")

    iam.delete_user_policy(UserName="leaves", PolicyName="own")
    assert pull(enforcing, headers, "own") == [200, 403, 403, 403, 403]
    for key in iam.list_access_keys(UserName="leaves")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="leaves", AccessKeyId=key["AccessKeyId"])
    assert pull(enforcing, headers, "own") == [403] * 5


def test_another_account_is_not_reached_by_the_name_of_its_registry(enforcing: Enforcing) -> None:
    headers = login(user(enforcing, "wanders", PULL))
    elsewhere = {"ns": "111111111111.dkr.ecr.us-east-1.amazonaws.com"}

    assert call(enforcing, "GET", "own/manifests/latest", headers, params=elsewhere).status_code == 403
