"""Say where things are, to people and to `make`."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from service.contract import Output


class Outputs(Construct):
    """Create one stack output per member of the contract, under exactly its name."""

    def __init__(self, scope: Construct, construct_id: str, *, values: Mapping[Output, str]) -> None:
        super().__init__(scope, construct_id)

        for output in Output:
            CfnOutput(self, output, value=values[output]).override_logical_id(output)


def xray_console(stack: Stack) -> str:
    """Return the address of the trace list in the CloudWatch console."""
    return f"https://{stack.region}.console.aws.amazon.com/cloudwatch/home?region={stack.region}#xray:traces/query"
