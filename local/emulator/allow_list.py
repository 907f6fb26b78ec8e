"""List what the emulator serves: what the stacks, the CDK CLI and the tests use, and tables and queues for the app.

All others are refused by name, above all those that run code or call other hosts: AWS Lambda, Step Functions, API
Gateway, Amazon SNS's API and custom resources. The stacks have no custom resource (infra/network.py says why).
"""

from __future__ import annotations

from typing import Final

SERVICES: Final = frozenset(
    {
        "application-autoscaling",
        "cloudformation",
        "dynamodb",
        "ec2",
        "ecr",
        "ecs",
        "elasticloadbalancing",
        "iam",
        "logs",
        "monitoring",
        "s3",
        "secretsmanager",
        "sqs",
        "ssm",
        "sts",
        "xray",
    }
)
"""By the name in a request's signature, which is also ministack's name."""

RESOURCE_TYPES: Final = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::EC2::EIP",
        "AWS::EC2::FlowLog",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::NatGateway",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ECR::Repository",
        "AWS::ECS::Cluster",
        "AWS::ECS::Service",
        "AWS::ECS::TaskDefinition",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::KMS::Alias",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::Logs::MetricFilter",
        "AWS::Logs::QueryDefinition",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SSM::Parameter",
        "AWS::SecretsManager::Secret",
        "AWS::XRay::Group",
        "AWS::XRay::SamplingRule",
    }
)

REMEDY: Final = "what it serves is listed in local/emulator/allow_list.py"
