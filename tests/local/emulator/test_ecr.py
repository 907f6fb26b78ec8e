from __future__ import annotations

import json

import pytest

from tests.local.emulator.conftest import Aws

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

MANIFEST = json.dumps({"schemaVersion": 2, "layers": []})


def test_an_unknown_tag_is_refused_and_a_known_one_described(aws: Aws) -> None:
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


def test_asked_to_the_emulator_names_its_own_registry_for_pushing(aws: Aws) -> None:
    ecr = aws.client("ecr")
    address = aws.endpoint.removeprefix("http://")

    repository = ecr.create_repository(repositoryName="assets")["repository"]
    [login] = ecr.get_authorization_token()["authorizationData"]

    assert repository["repositoryUri"] == f"{address}/assets"
    assert login["proxyEndpoint"] == aws.endpoint
