"""Run `cdk bootstrap` and `cdk deploy` against the embedded AWS, and fill in the secrets."""
