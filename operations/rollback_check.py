"""Say, before a deploy, when a failed one would not be rolled back.

ECS has nothing to roll a service's first deployment back to, and ignores an alarm that is in ALARM when a deployment
starts ("How CloudWatch alarms detect Amazon ECS deployment failures", Amazon ECS Developer Guide).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.deployment import aws_session, stack_outputs
from service.contract import Output

_NO_SUCH_STACK = "ValidationError"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what would keep a failed deploy from being rolled back; return 0, as it stops no deploy."""
    parser = argparse.ArgumentParser(prog="python -m operations.rollback_check", description=__doc__)
    parser.add_argument("--environment", required=True, help="the environment of infra/environments.py to deploy")
    environment: str = parser.parse_args(arguments).environment
    try:
        alarms = _alarms_in_alarm(aws_session(), environment)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == _NO_SUCH_STACK:
            sys.stderr.write(f"note: this is the first deploy of {environment}: ECS has none to roll it back to\n")
        return 0
    except BotoCoreError:  # without credentials, for one: the deploy says so
        return 0
    for name in alarms:
        sys.stderr.write(
            f"warning: the alarm {name} is in ALARM: ECS ignores it during this deploy, and does not roll back for it\n"
        )
    return 0


def _alarms_in_alarm(session: boto3.Session, environment: str) -> list[str]:
    outputs = stack_outputs(session, environment)
    cluster, service = outputs.get(Output.CLUSTER), outputs.get(Output.SERVICE)
    if cluster is None or service is None:  # the stack's first deploy failed, or has not begun
        return []
    services = session.client("ecs").describe_services(cluster=cluster, services=[service])["services"]
    alarmed = [each.get("deploymentConfiguration", {}).get("alarms", {}) for each in services]
    names = [name for each in alarmed for name in each.get("alarmNames", [])]
    if not names:
        return []
    alarms = session.client("cloudwatch").describe_alarms(AlarmNames=names, StateValue="ALARM")
    return sorted(each["AlarmName"] for each in alarms["MetricAlarms"])


if __name__ == "__main__":
    sys.exit(main())
