"""Building the image or naming it: the one difference between two templates."""

from copy import deepcopy

from service.contract import CONTAINER_NAME
from tests.infra.assembly import PLAIN_IMAGE, Assembly, Json


def without_image(assembly: Assembly) -> Json:
    """Return the service's template without the image and the permission to pull it."""
    content = deepcopy(assembly.service.content)
    for resource in content["Resources"].values():
        if resource["Type"] == "AWS::ECS::TaskDefinition":
            (container,) = (
                each for each in resource["Properties"]["ContainerDefinitions"] if each["Name"] == CONTAINER_NAME
            )
            container["Image"] = "…"
        if resource["Type"] == "AWS::IAM::Policy":
            document = resource["Properties"]["PolicyDocument"]
            document["Statement"] = [each for each in document["Statement"] if "ecr:" not in str(each["Action"])]
    return content


def test_a_plain_image_changes_the_image_and_its_pull_permission_alone(built: Assembly, prod: Assembly) -> None:
    assert built.service.content != prod.service.content
    assert without_image(built) == without_image(prod)
    assert built.observability.content == prod.observability.content


def test_the_plain_image_is_named_as_given_and_needs_no_permission(prod: Assembly) -> None:
    assert prod.service.container(CONTAINER_NAME)["Image"] == PLAIN_IMAGE
    assert not [each for each in prod.service.statements_of("ExecutionRoleArn") if "ecr:" in str(each["Action"])]


def test_the_built_image_is_pulled_from_the_environments_own_registry(built: Assembly) -> None:
    image = built.service.container(CONTAINER_NAME)["Image"]["Fn::Sub"]
    assert image.startswith("${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/cdk-")
