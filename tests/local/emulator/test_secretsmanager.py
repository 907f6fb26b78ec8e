from __future__ import annotations

import pytest

from tests.local.emulator.conftest import Aws, Template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def secret(description: str, name: str = "local/cruddur/honeycomb-api-key") -> Template:
    properties = {"Name": name, "Description": description, "SecretString": "replace-me"}
    return {"Key": {"Type": "AWS::SecretsManager::Secret", "Properties": properties}}


def test_the_ref_of_a_secret_is_its_arn_and_an_update_keeps_its_value(aws: Aws) -> None:
    secretsmanager = aws.client("secretsmanager")
    stack = aws.stack(secret("first"), Key={"Ref": "Key"})
    arn = stack.outputs()["Key"]
    secretsmanager.put_secret_value(SecretId=arn, SecretString="fake-key-4711")

    stack.update(secret("second"), Key={"Ref": "Key"})

    described = secretsmanager.describe_secret(SecretId="local/cruddur/honeycomb-api-key")
    assert stack.outputs()["Key"] == stack.physical_id("Key") == described["ARN"] == arn
    assert described["Description"] == "second"
    assert secretsmanager.get_secret_value(SecretId=arn)["SecretString"] == "fake-key-4711"

    stack.delete()
    with pytest.raises(secretsmanager.exceptions.ResourceNotFoundException):
        secretsmanager.describe_secret(SecretId=arn)


def test_a_renamed_secret_is_replaced(aws: Aws) -> None:
    secretsmanager = aws.client("secretsmanager")
    stack = aws.stack(secret("first", "old"))
    stack.update(secret("first", "new"))

    [listed] = secretsmanager.list_secrets()["SecretList"]
    assert (listed["Name"], listed["ARN"]) == ("new", stack.physical_id("Key"))
