"""Create the topic of the alarms with its subscriptions, and the monthly budget."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from aws_cdk import SecretValue, Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.findings import CHECKOV, acknowledge
from infra.names import Names

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_WORKSPACE: Final = re.compile(r"T[A-Z0-9]{2,254}")
_CHANNEL: Final = re.compile(r"[A-Za-z0-9]{2,255}")
"""The shapes of "SlackChannelConfiguration" (AWS Chatbot API)."""
_SECRET: Final = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
"""The characters of a name ("CreateSecret", AWS Secrets Manager API Reference)."""
_BUDGET_PERCENT: Final = 80
"""Of the budget, from which actual cost is told; a forecast beyond it is told at 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel:
    """A channel of a Slack workspace that the account's AWS Chatbot knows, by ids. Raises `ValueError`."""

    workspace_id: str
    channel_id: str

    def __post_init__(self) -> None:
        if not _WORKSPACE.fullmatch(self.workspace_id):
            raise ValueError(f"workspace_id {self.workspace_id!r} is malformed: write for example 'T0123ABCD'")
        if not _CHANNEL.fullmatch(self.channel_id):
            raise ValueError(f"channel_id {self.channel_id!r} is malformed: write for example 'C0123ABCD'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """Where alarms go besides the topic's other subscribers; all are free but SNS's $0.60 per million to a webhook.

    Raises `ValueError` for a malformed value.
    """

    email: str | None = None
    """An address, which AWS asks by mail to confirm."""
    slack: SlackChannel | None = None
    webhook_secret: str | None = None
    """The name of the Secrets Manager entry that holds a webhook's URL, as PagerDuty's: it has a key in it."""
    monthly_budget: int | None = None
    """US dollars that AWS bills. Needs the cost allocation tag `environment`, which the account activates once in its
    billing console; its warnings go to `email` and to the topic, and so to Slack. What the templates are estimated to
    cost is limited before a deploy, by `cost_limit` of the environment."""

    def __post_init__(self) -> None:
        if self.email is not None and not _EMAIL.fullmatch(self.email):
            raise ValueError(f"email {self.email!r} is malformed: write for example 'team@example.com'")
        if self.webhook_secret is not None and not _SECRET.fullmatch(self.webhook_secret):
            raise ValueError("webhook_secret is malformed: write the name of the entry that holds the URL, not the URL")
        if self.monthly_budget is not None and self.monthly_budget < 1:
            raise ValueError(f"monthly_budget {self.monthly_budget!r} is too small: write US dollars, 1 or more")


class AlarmTopic(Construct):
    """Create the topic that alarms and the budget are sent to, with its subscribers."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        notifications: Notifications,
        encryption_key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)

        self.topic = sns.Topic(
            self,
            "Topic",
            display_name=f"{names.application.name} {names.environment}",
            enforce_ssl=True,
            master_key=encryption_key,
        )
        if encryption_key is None:
            acknowledge(
                self.topic,
                f"{CHECKOV}CKV_AWS_26",
                because="Alarms cannot publish to a topic with SNS's own key; `customer_key` sets the account's.",
            )
        # `enforce_ssl` adds a policy, which replaces the default one that lets the account's alarms publish.
        self._grant_publish("cloudwatch.amazonaws.com")
        if notifications.email is not None:
            self._subscribe("Email", protocol="email", endpoint=notifications.email)
        if notifications.slack is not None:
            self._add_slack_channel(names, notifications.slack)
        if notifications.webhook_secret is not None:
            # The URL has a key in it: CloudFormation resolves it when it deploys, so no template holds it.
            url = SecretValue.secrets_manager(notifications.webhook_secret).unsafe_unwrap()
            self._subscribe("Webhook", protocol="https", endpoint=url)
        if notifications.monthly_budget is not None:
            self._grant_publish("budgets.amazonaws.com")
            self._budget(names, notifications.monthly_budget, email=notifications.email)

    def _subscribe(self, construct_id: str, *, protocol: str, endpoint: str) -> None:
        """Subscribe to alarms that fire, are over or lose their data, not to those that turn OK when created."""
        sns.CfnSubscription(
            self,
            construct_id,
            topic_arn=self.topic.topic_arn,
            protocol=protocol,
            endpoint=endpoint,
            filter_policy_scope="MessageBody",
            filter_policy={"$or": [{"NewStateValue": ["ALARM", "INSUFFICIENT_DATA"]}, {"OldStateValue": ["ALARM"]}]},
        )

    def _grant_publish(self, service: str) -> None:
        same_account = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal(service, conditions=same_account)],
                resources=[self.topic.topic_arn],
            )
        )

    def _add_slack_channel(self, names: Names, channel: SlackChannel) -> None:
        chatbot.SlackChannelConfiguration(
            self,
            "Slack",
            slack_channel_configuration_name=names.prefix,
            slack_workspace_id=channel.workspace_id,
            slack_channel_id=channel.channel_id,
            notification_topics=[self.topic],
            # Its default lets the channel read the whole account.
            guardrail_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("CloudWatchReadOnlyAccess")],
        )

    def _budget(self, names: Names, dollars: int, *, email: str | None) -> None:
        # By mail from the budget itself: its message is no JSON, which the topic's subscriptions are filtered by.
        addresses = {"SNS": self.topic.topic_arn} | ({"EMAIL": email} if email is not None else {})
        subscribers = [
            budgets.CfnBudget.SubscriberProperty(address=address, subscription_type=kind)
            for kind, address in addresses.items()
        ]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=names.prefix,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:environment${names.environment}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN", notification_type=kind, threshold=percent
                    ),
                    subscribers=subscribers,
                )
                for kind, percent in (("ACTUAL", _BUDGET_PERCENT), ("FORECASTED", 100))
            ],
        )
