"""Alarms and the budget reach their subscribers, and no template holds a webhook's key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template

from infra.notifications import AlarmTopic, Notifications, SlackChannel
from tests.infra.assembly import PLAIN_IMAGE, Assembly, Json
from tests.sample import names_of

SLACK = SlackChannel(workspace_id="T0123ABCD", channel_id="C0123ABCD")


def template_with(stack: Stack, **choices: Any) -> Template:  # noqa: ANN401 - of each field's type
    AlarmTopic(stack, "Alarms", names=names_of("test"), notifications=Notifications(**choices), encryption_key=None)
    return Template.from_stack(stack)


def properties(template: Template, kind: str) -> list[Json]:
    return [each["Properties"] for each in template.find_resources(kind).values()]


def subscriptions(template: Template) -> list[tuple[str, str]]:
    return [(each["Protocol"], each["Endpoint"]) for each in properties(template, "AWS::SNS::Subscription")]


def publishers(template: Template) -> list[str]:
    [policy] = properties(template, "AWS::SNS::TopicPolicy")
    allowed = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert all("aws:SourceAccount" in json.dumps(each["Condition"]) for each in allowed)
    return [each["Principal"]["Service"] for each in allowed]


def test_an_address_is_subscribed_by_e_mail(stack: Stack) -> None:
    assert subscriptions(template_with(stack, email="team@example.com")) == [("email", "team@example.com")]


def test_without_an_address_nobody_is_subscribed_and_alarms_may_still_publish(stack: Stack) -> None:
    template = template_with(stack)
    assert subscriptions(template) == []
    assert publishers(template) == ["cloudwatch.amazonaws.com"]


def test_the_subscribed_address_is_the_environments(synthesized: Callable[..., Assembly]) -> None:
    assembly = synthesized("dev", image=PLAIN_IMAGE, alarm_email="team@example.com")
    assert [each["Properties"]["Endpoint"] for each in assembly.observability.of_type("AWS::SNS::Subscription")] == [
        "team@example.com"
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("OK", "ALARM", True),
        ("ALARM", "OK", True),
        ("INSUFFICIENT_DATA", "ALARM", True),
        ("INSUFFICIENT_DATA", "OK", False),
        ("OK", "INSUFFICIENT_DATA", True),  # sent by the alarms with an action for it only
    ],
)
def test_an_alarm_that_turns_ok_when_it_is_created_sends_no_mail(
    old: str,
    new: str,
    told: bool,  # noqa: FBT001 - a column
    stack: Stack,
) -> None:
    [subscription] = properties(template_with(stack, email="team@example.com"), "AWS::SNS::Subscription")
    assert subscription["FilterPolicyScope"] == "MessageBody"
    message = {"OldStateValue": old, "NewStateValue": new}
    alternatives = subscription["FilterPolicy"]["$or"]
    assert any(all(message[key] in values for key, values in each.items()) for each in alternatives) is told


def test_a_slack_channel_gets_the_topic_and_may_read_metrics_and_logs_only(stack: Stack) -> None:
    template = template_with(stack, slack=SLACK)
    [channel] = properties(template, "AWS::Chatbot::SlackChannelConfiguration")
    assert (channel["SlackWorkspaceId"], channel["SlackChannelId"]) == ("T0123ABCD", "C0123ABCD")
    assert channel["SnsTopicArns"] == [{"Ref": topic} for topic in template.find_resources("AWS::SNS::Topic")]
    assert [json.dumps(each).count("CloudWatchReadOnlyAccess") for each in channel["GuardrailPolicies"]] == [1]


def test_a_webhooks_url_is_read_from_its_secret_when_the_stack_is_deployed(stack: Stack) -> None:
    [(protocol, endpoint)] = subscriptions(template_with(stack, webhook_secret="prod/pagerduty"))
    assert (protocol, endpoint) == ("https", "{{resolve:secretsmanager:prod/pagerduty:SecretString:::}}")


def test_a_budget_tells_the_topic_of_actual_and_of_forecast_cost(stack: Stack) -> None:
    template = template_with(stack, monthly_budget=150)
    [budget] = properties(template, "AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 150, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:environment$test"]}
    told = [(each["Notification"]["NotificationType"], each["Notification"]["Threshold"])
            for each in budget["NotificationsWithSubscribers"]]  # fmt: skip
    assert told == [("ACTUAL", 80), ("FORECASTED", 100)]
    assert publishers(template) == ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"email": "team"}, "email 'team' is malformed: write for example 'team@example.com'"),
        ({"monthly_budget": 0}, "monthly_budget 0 is too small: write US dollars, 1 or more"),
    ],
)
def test_a_malformed_choice_is_an_error_with_the_remedy(choices: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Notifications(**choices)


def test_a_webhooks_url_in_place_of_its_secrets_name_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="write the name of the entry that holds the URL") as raised:
        Notifications(webhook_secret="https://events.example/integration/KEY/enqueue")
    assert "KEY" not in str(raised.value)


@pytest.mark.parametrize(("workspace", "channel"), [("t01", "C01"), ("T0123", "#alarms"), ("", "C01")])
def test_a_malformed_slack_id_is_an_error(workspace: str, channel: str) -> None:
    with pytest.raises(ValueError, match="is malformed: write for example"):
        SlackChannel(workspace_id=workspace, channel_id=channel)
