"""The pricer of each resource type, and why AWS bills nothing for the other ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from operations.cost.context import Context
from operations.cost.line_items import LineItem
from operations.cost.resources import (
    container_insights,
    data,
    fargate,
    load_balancing,
    logs,
    monitoring,
    network,
    notifications,
    tracing,
)
from operations.cost.templates import NoPriceError, Resource

Pricer = Callable[[Context, Resource], Iterator[LineItem]]


def _nested_stack(_context: Context, resource: Resource) -> Iterator[LineItem]:
    raise NoPriceError(resource, ": a nested stack, whose template is not read here")


PRICERS: Final[Mapping[str, Pricer]] = {
    "AWS::ApplicationSignals::Discovery": tracing.application_signals,
    "AWS::ApplicationAutoScaling::ScalingPolicy": monitoring.scaling_policy,
    "AWS::CertificateManager::Certificate": data.certificate,
    "AWS::CloudFormation::Stack": _nested_stack,
    "AWS::CloudWatch::Alarm": monitoring.alarm,
    "AWS::CloudWatch::CompositeAlarm": monitoring.composite_alarm,
    "AWS::CloudWatch::Dashboard": monitoring.dashboard,
    "AWS::EC2::EIP": network.elastic_ip,
    "AWS::EC2::FlowLog": network.flow_log,
    "AWS::EC2::NatGateway": network.nat_gateway,
    "AWS::EC2::VPCEndpoint": network.endpoint,
    "AWS::ECS::Cluster": container_insights.cluster,
    "AWS::ECS::Service": fargate.service,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": load_balancing.load_balancer,
    "AWS::KMS::Key": data.key,
    "AWS::Logs::LogGroup": logs.log_group,
    "AWS::Logs::MetricFilter": logs.metric_filter,
    "AWS::S3::Bucket": data.bucket,
    "AWS::SNS::Subscription": notifications.subscription,
    "AWS::SSM::Parameter": data.parameter,
    "AWS::SecretsManager::Secret": data.secret,
    "AWS::WAFv2::WebACL": notifications.web_acl,
    tracing.TRANSACTION_SEARCH: tracing.transaction_search,
    "AWS::XRay::Group": tracing.group,
}
"""By type; one that yields nothing leaves its resource free, for the reason below."""

FREE: Final[Mapping[str, str]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "the tasks are billed",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "a step or scheduled policy has no alarm of its own",
    "AWS::ApplicationSignals::Discovery": "Transaction Search includes it",
    "AWS::Budgets::Budget": "budgets without actions are free",
    "AWS::CDK::Metadata": "CloudFormation is free for AWS's resources",
    "AWS::CertificateManager::Certificate": "public certificates for a load balancer are free",
    "AWS::Chatbot::SlackChannelConfiguration": "the notifications are SNS's",
    "AWS::CloudFormation::WaitCondition": "CloudFormation is free for AWS's resources",
    "AWS::CloudFormation::WaitConditionHandle": "CloudFormation is free for AWS's resources",
    "AWS::EC2::EIP": "an address of one's own pool is free",
    "AWS::EC2::FlowLog": "what it delivers is billed, and not known",
    "AWS::EC2::InternetGateway": "the data is billed",
    "AWS::EC2::NetworkAcl": "part of the VPC",
    "AWS::EC2::NetworkAclEntry": "part of the VPC",
    "AWS::EC2::Route": "part of the VPC",
    "AWS::EC2::RouteTable": "part of the VPC",
    "AWS::EC2::SecurityGroup": "part of the VPC",
    "AWS::EC2::SecurityGroupEgress": "part of the VPC",
    "AWS::EC2::SecurityGroupIngress": "part of the VPC",
    "AWS::EC2::Subnet": "part of the VPC",
    "AWS::EC2::SubnetNetworkAclAssociation": "part of the VPC",
    "AWS::EC2::SubnetRouteTableAssociation": "part of the VPC",
    "AWS::EC2::VPC": "a VPC is free",
    "AWS::EC2::VPCEndpoint": "a gateway endpoint is free",
    "AWS::EC2::VPCGatewayAttachment": "part of the VPC",
    "AWS::ECS::Cluster": "a cluster without Container Insights is free",
    "AWS::ECS::ClusterCapacityProviderAssociations": "the tasks are billed",
    "AWS::ECS::TaskDefinition": "the service's tasks are billed",
    "AWS::ElasticLoadBalancingV2::Listener": "the load balancer is billed",
    "AWS::ElasticLoadBalancingV2::ListenerCertificate": "the load balancer is billed",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "the load balancer's capacity units count its evaluations",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "the load balancer is billed",
    "AWS::IAM::InstanceProfile": "IAM is free",
    "AWS::IAM::ManagedPolicy": "IAM is free",
    "AWS::IAM::OIDCProvider": "IAM is free",
    "AWS::IAM::Policy": "IAM is free",
    "AWS::IAM::Role": "IAM is free",
    "AWS::IAM::ServiceLinkedRole": "IAM is free",
    "AWS::KMS::Alias": "the key is billed",
    "AWS::Logs::LogGroup": "nothing is known to be written to it",
    "AWS::Logs::LogStream": "part of the log group",
    "AWS::Logs::MetricFilter": "a filter is free, and its metrics have no data",
    "AWS::Logs::QueryDefinition": "a saved query is free; what it scans is not in this estimate",
    "AWS::Logs::ResourcePolicy": "part of CloudWatch Logs",
    "AWS::Logs::SubscriptionFilter": "what it delivers to is billed",
    "AWS::Route53::RecordSet": "queries of an alias are free; its hosted zone is not in these stacks",
    "AWS::S3::BucketPolicy": "part of the bucket",
    "AWS::SNS::Subscription": "it sends mails, of which an account has 1,000 free a month",
    "AWS::SNS::Topic": "notifications are billed by subscription",
    "AWS::SNS::TopicPolicy": "part of the topic",
    "AWS::SSM::Parameter": "standard parameters are free",
    "AWS::WAFv2::WebACLAssociation": "the web ACL is billed",
    "AWS::XRay::Group": "insights of a trace are billed once, at one group",
    "AWS::XRay::SamplingRule": "traces are billed at the rule that takes the requests",
}
"""By type: why AWS bills nothing for it, or for one that its pricer yields nothing for."""
