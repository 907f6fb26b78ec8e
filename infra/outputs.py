"""Create the stack outputs that people and `make` read."""

from collections.abc import Mapping

from aws_cdk import CfnOutput
from constructs import Construct

from flask_onetrace.contract import Output


class Outputs(Construct):
    """Create one stack output per member of the contract's `Output`, under exactly its name."""

    def __init__(self, scope: Construct, construct_id: str, *, values: Mapping[Output, str]) -> None:
        super().__init__(scope, construct_id)

        for output in Output:
            CfnOutput(self, output, value=values[output]).override_logical_id(output)
