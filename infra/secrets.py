"""Create the Secrets Manager entries of the vendors' keys."""

from collections.abc import Mapping
from typing import cast

from aws_cdk import RemovalPolicy, SecretValue
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from flask_onetrace.contract import SECRET_PLACEHOLDER, SecretName
from infra.findings import CHECKOV, NAG, acknowledge
from infra.names import Names


class SinkSecrets(Construct):
    """Create one entry per key, with a placeholder, so that a first deployment does not wait for the keys."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        removal_policy: RemovalPolicy,
        encryption_key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)

        self._removal_policy, self._encryption_key = removal_policy, encryption_key
        self.by_name: Mapping[SecretName, secretsmanager.ISecret] = {
            name: self._entry(name, full_name=names.secret(name)) for name in SecretName
        }

    def _entry(self, name: SecretName, *, full_name: str) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            name.name.title().replace("_", ""),
            secret_name=full_name,
            description=f"Holds {SECRET_PLACEHOLDER!r} until `make secrets` fills it in: what needs it is off",
            # CloudFormation writes a secret's value only when the template's value changes. This one
            # is a constant, so an update never overwrites a key.
            secret_string_value=SecretValue.unsafe_plain_text(SECRET_PLACEHOLDER),
            removal_policy=self._removal_policy,
        )
        acknowledge(
            secret,
            f"{NAG}SMG4",
            because="A vendor's key, which only its console renews: `make secrets` stores the new one.",
        )
        if self._encryption_key is None:
            acknowledge(
                secret,
                f"{CHECKOV}CKV_AWS_149",
                because="Secrets Manager encrypts it with a key of its own; `customer_key` makes it the account's.",
            )
        else:
            # As a property: given to the construct, the key's policy would name the roles of the other stack.
            resource = cast("secretsmanager.CfnSecret", secret.node.default_child)
            resource.kms_key_id = self._encryption_key.key_arn
        return secret
