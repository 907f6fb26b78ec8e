from __future__ import annotations

import hashlib
import json

import pytest
import requests

from tests.local.emulator.conftest import Aws

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

MANIFEST = json.dumps({"schemaVersion": 2, "layers": []})


def test_an_unknown_tag_is_an_error_and_an_existing_one_is_described(aws: Aws) -> None:
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="assets")
    ecr.put_image(repositoryName="assets", imageManifest=MANIFEST, imageTag="known")

    [image] = ecr.describe_images(repositoryName="assets", imageIds=[{"imageTag": "known"}])["imageDetails"]
    assert image["imageTags"] == ["known"]
    with pytest.raises(ecr.exceptions.ImageNotFoundException, match="unknown"):
        ecr.describe_images(repositoryName="assets", imageIds=[{"imageTag": "unknown"}])


def test_an_empty_repository_lists_no_images_without_an_error(aws: Aws) -> None:
    ecr = aws.client("ecr")
    ecr.create_repository(repositoryName="assets")

    assert ecr.describe_images(repositoryName="assets")["imageDetails"] == []


def test_with_push_here_repositories_name_the_emulator_as_registry(aws: Aws) -> None:
    ecr = aws.client("ecr")
    address = aws.endpoint.removeprefix("http://")

    repository = ecr.create_repository(repositoryName="assets")["repository"]
    [login] = ecr.get_authorization_token()["authorizationData"]

    assert repository["repositoryUri"] == f"{address}/assets"
    assert login["proxyEndpoint"] == aws.endpoint


def test_a_pushed_image_is_described_by_its_tag(default_aws: Aws) -> None:
    ecr = default_aws.client("ecr")
    uri = ecr.create_repository(repositoryName="pushed")["repository"]["repositoryUri"]
    address, _, name = uri.partition("/")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    config = b"{}"
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    part = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": digest}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": part, "layers": []})

    with requests.Session() as session:
        session.trust_env = False
        upload = session.post(f"http://{address}/v2/{name}/blobs/uploads/", timeout=60)
        session.put(
            f"http://{address}{upload.headers['Location']}", params={"digest": digest}, data=config, timeout=5
        ).raise_for_status()
        url = f"http://{address}/v2/{name}/manifests/tagged"
        session.put(url, data=manifest, headers={"Content-Type": kind}, timeout=60).raise_for_status()

    [image] = ecr.describe_images(repositoryName="pushed", imageIds=[{"imageTag": "tagged"}])["imageDetails"]
    assert image["imageDigest"] == f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
