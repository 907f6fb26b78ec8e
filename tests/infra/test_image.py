"""The image is built by the CDK or named, and nothing else in the template depends on which."""

from copy import deepcopy

from tests.infra.assembly import PLAIN_IMAGE, Assembly, Json
from tests.sample import CRUDDUR


def without_image(assembly: Assembly) -> Json:
    """Return the service's template without the image and the permission to pull it."""
    content = deepcopy(assembly.service.content)
    for resource in content["Resources"].values():
        if resource["Type"] == "AWS::ECS::TaskDefinition":
            for container in resource["Properties"]["ContainerDefinitions"]:
                if container["Name"] == CRUDDUR.container_name:
                    container["Image"] = "…"
        if resource["Type"] == "AWS::IAM::Policy":
            document = resource["Properties"]["PolicyDocument"]
            document["Statement"] = [each for each in document["Statement"] if "ecr:" not in str(each["Action"])]
    return content


def test_a_plain_image_changes_only_the_image_and_its_pull_permission(with_asset: Assembly, prod: Assembly) -> None:
    assert with_asset.service.content != prod.service.content
    assert without_image(with_asset) == without_image(prod)
    assert with_asset.observability.content == prod.observability.content


def test_a_plain_image_keeps_its_name_and_needs_no_permission(prod: Assembly) -> None:
    assert prod.service.container(CRUDDUR.container_name)["Image"] == PLAIN_IMAGE
    assert not [each for each in prod.service.statements_of("ExecutionRoleArn") if "ecr:" in str(each["Action"])]


def test_the_built_image_is_pulled_from_the_environments_own_registry(with_asset: Assembly) -> None:
    image = with_asset.service.container(CRUDDUR.container_name)["Image"]["Fn::Sub"]
    assert image.startswith("${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/cdk-")
