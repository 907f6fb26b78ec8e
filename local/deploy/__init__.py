"""Run `cdk bootstrap` and `cdk deploy` against the AWS emulator, and fill in the secrets."""
