from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.conftest import Aws, Template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ALARM: Template = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "AlarmName": "faults",
        "Namespace": "AWS/X-Ray",
        "MetricName": "FaultRate",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0.1,
        "ComparisonOperator": "GreaterThanThreshold",
    },
}


def composite(description: str, child: str = "faults") -> Template:
    properties = {"AlarmName": "any", "AlarmRule": f'ALARM("{child}")', "AlarmDescription": description}
    return {
        "Faults": ALARM,
        "Any": {"Type": "AWS::CloudWatch::CompositeAlarm", "DependsOn": "Faults", "Properties": properties},
    }


def test_a_composite_alarm_is_described_as_in_its_template(aws: Aws) -> None:
    cloudwatch = aws.client("cloudwatch")
    stack = aws.stack(composite("first"), Arn={"Fn::GetAtt": ["Any", "Arn"]})
    stack.update(composite("second"), Arn={"Fn::GetAtt": ["Any", "Arn"]})

    [alarm] = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert stack.physical_id("Any") == alarm["AlarmName"] == "any"
    assert (alarm["AlarmDescription"], alarm["ActionsEnabled"]) == ("second", True)
    assert stack.outputs()["Arn"] == alarm["AlarmArn"]

    stack.delete()
    assert cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"] == []


def test_a_composite_alarm_over_an_unknown_alarm_fails_its_stack_with_the_reason(aws: Aws) -> None:
    with pytest.raises(AssertionError, match="nowhere"):
        aws.stack(composite("first", child="nowhere"))


def test_an_alarm_on_metric_math_is_stored_with_insufficient_data(aws: Aws) -> None:
    requests = {"Namespace": "AWS/ApplicationELB", "MetricName": "RequestCount"}
    metrics = [
        {"Id": "share", "Expression": "100 * requests", "ReturnData": True},
        {
            "Id": "requests",
            "MetricStat": {"Metric": requests, "Period": 60, "Stat": "Sum"},
            "ReturnData": False,
        },
    ]
    properties = {"AlarmName": "share", "Metrics": metrics, "EvaluationPeriods": 3, "Threshold": 5}
    comparison = {"ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching"}
    stack = aws.stack({"Share": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties | comparison}})
    [alarm] = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert (alarm["AlarmName"], alarm["EvaluationPeriods"], alarm["Threshold"]) == ("share", 3, 5)
    assert (alarm["StateValue"], "metric math is not evaluated" in alarm["StateReason"]) == ("INSUFFICIENT_DATA", True)
    stack.delete()
    assert aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def scaling(most: int, target_value: float) -> Template:
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/cluster/backend",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 1,
        "MaxCapacity": most,
        "RoleARN": "arn:aws:iam::000000000000:role/scaling",
    }
    policy = {
        "PolicyName": "Cpu",
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": {"Ref": "Target"},
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": target_value,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    }
    return {
        "Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target},
        "Policy": {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": policy},
    }


def test_a_scalable_target_and_its_policy_are_described_as_in_the_template(aws: Aws) -> None:
    client = aws.client("application-autoscaling")
    stack = aws.stack(scaling(2, 50))
    stack.update(scaling(4, 60))

    [target] = client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    [policy] = client.describe_scaling_policies(ServiceNamespace="ecs", PolicyNames=["Cpu"])["ScalingPolicies"]
    assert stack.physical_id("Target") == "service/cluster/backend|ecs:service:DesiredCount|ecs"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert stack.physical_id("Policy") == policy["PolicyARN"]
    assert policy["ResourceId"] == target["ResourceId"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 60
    assert client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"] == []

    stack.delete()
    assert client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    assert client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []


def test_a_service_is_brought_between_the_minimum_and_the_maximum_of_its_target(aws: Aws) -> None:
    ecs, scaling = aws.client("ecs"), aws.client("application-autoscaling")
    ecs.create_cluster(clusterName="scaled")
    container = {"name": "app", "image": "app"}
    ecs.register_task_definition(family="scaled", containerDefinitions=[container])
    ecs.create_service(cluster="scaled", serviceName="scaled", taskDefinition="scaled", desiredCount=1)
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/scaled/scaled",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    counts = []
    for bounds in ({"MinCapacity": 2, "MaxCapacity": 4}, {"MinCapacity": 3}, {"MinCapacity": 1, "MaxCapacity": 2}):
        scaling.register_scalable_target(**target, **bounds)
        [service] = ecs.describe_services(cluster="scaled", services=["scaled"])["services"]
        counts.append(service["desiredCount"])

    assert counts == [2, 3, 2]
    ecs.delete_service(cluster="scaled", service="scaled", force=True)
    ecs.delete_cluster(cluster="scaled")


def test_an_unsupported_auto_scaling_operation_is_an_error(aws: Aws) -> None:
    with pytest.raises(ClientError, match="DescribeScalingActivities is not emulated"):
        aws.client("application-autoscaling").describe_scaling_activities(ServiceNamespace="ecs")
