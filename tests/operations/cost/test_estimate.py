"""What holds of every estimate, and of every template that could be given."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final

import pytest

from operations.cost import templates
from operations.cost.estimate import estimate
from operations.cost.scaling import scalings_of
from operations.cost.traffic import Traffic
from operations.errors import OperatorError
from tests.operations.cost.stacks import MEASURED, PRICES, estimated, parsed, rows, templates_of

NAMES: Final = ("dev", "prod", "spot", "key", "endpoints", "nat and endpoints", "firewall")
GROWING: Final = {
    "requests": (0.0, 0.001, 0.5, 1, 4.9, 5.1, 49, 51, 300, 301, 5_000, 100_000),
    "hours": (0.0, 0.5, 1, 100, 729.9, 730, 744),
    "line_bytes": (0.0, 1, 473, 475, 2_048, 262_144),
    "sampled_share": (0.0, 0.01, 0.5, 1.0),
    "failed_share": (0.0, 0.001, 0.5, 1.0),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", GROWING)
@pytest.mark.parametrize("without_maximum", [False, True])
def test_more_of_anything_never_costs_less(name: str, field: str, *, without_maximum: bool) -> None:
    base = Traffic(requests=100)
    bills = [
        estimate(
            templates_of(name), replace(base, **{field: value}), PRICES, MEASURED, without_maximum=without_maximum
        ).usd
        for value in GROWING[field]
    ]
    assert all(less <= more * (1 + 1e-12) for less, more in pairwise(bills)), dict(
        zip(GROWING[field], bills, strict=True)
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_sum_of_the_items_is_the_total_and_none_is_negative(name: str) -> None:
    bill = estimated(name, 100, failed_share=0.01)
    assert sum(rows(bill).values()) == pytest.approx(bill.usd)
    assert all(each.usd >= 0 and each.quantity >= 0 for each in bill.items)
    assert all(each.derivation for each in bill.items)


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_grow_with_the_requests_says_so(name: str) -> None:
    fixed = [
        [(each.resource, each.name, each.usd) for each in estimated(name, requests).items if not each.by_traffic]
        for requests in (1, 100)
    ]
    assert fixed[0] == fixed[1]


def test_items_of_one_price_go_through_its_tiers_together() -> None:
    bill = estimated("prod", 20_000, without_maximum=True)
    out = [each for each in bill.items if each.price.key == "internet-out-gb"]
    assert len(out) == 2
    together = out[0].price.cost(sum(each.quantity for each in out))
    assert sum(each.usd for each in out) == pytest.approx(together)
    assert together > 10_240 * 0.09


def test_the_free_allowances_of_an_account_are_taken_off_once_and_said() -> None:
    with_free = estimate(templates_of("prod"), Traffic(requests=50), PRICES, MEASURED, free_tier=True)
    without = estimated("prod", 50)
    assert rows(without)["X-Ray traces"] - rows(with_free)["X-Ray traces"] == pytest.approx(0.5)
    assert rows(without)["Alarm metrics"] - rows(with_free)["Alarm metrics"] == pytest.approx(1.0)
    assert "Dashboards" not in rows(with_free)
    saved = sum(PRICES[key].cost(PRICES[key].free) for key in {each.price.key for each in without.items})
    assert with_free.usd >= without.usd - saved
    assert any("free allowances" in each for each in with_free.assumptions)
    assert any("free allowances" in each for each in without.unknown)


def test_what_is_not_in_the_sum_is_named_with_its_quantity() -> None:
    unknown = " ".join(estimated("prod", 50, failed_share=0.01).unknown)
    assert f"Honeycomb's plan: it gets {9.905 * 4 * 730 * 3600 / 1e6:,.1f} million events" in unknown
    assert f"Rollbar's plan: it gets {0.5 * 730 * 3600:,.0f} items" in unknown
    for what in ("Logs Insights", "ECR", "Taxes", "Support", "Savings Plans", "free allowances", "Flow logs"):
        assert what in unknown


@pytest.mark.parametrize(("name", "secret"), [("notified", "hook"), ("oidc", "prod/cruddur/oidc-client-secret")])
def test_secrets_that_no_stack_creates_are_named(name: str, secret: str) -> None:
    assert f"Secrets that are in no stack here: {secret} ($0.40 a month each)." in estimated(name).unknown


def test_an_estimate_names_its_environment_and_its_region() -> None:
    bill = estimated("prod")
    assert (bill.environment, bill.region) == ("prod", "us-east-1")


def test_a_full_service_is_warned_of_at_its_limit_and_priced_at_its_maximum() -> None:
    assert not estimated("prod", 300).warnings
    (warning,) = estimated("prod", 301).warnings
    assert "full at 300 requests/s, with its maximum of 6 tasks" in warning
    assert rows(estimated("prod", 3_000))["Fargate vCPU"] == rows(estimated("prod", 300))["Fargate vCPU"]
    assert not estimated("prod", 3_000, without_maximum=True).warnings


def test_the_policy_that_asks_for_more_tasks_decides() -> None:
    (scaling,) = scalings_of(templates_of("prod"))
    assert (scaling.minimum, scaling.maximum, scaling.vcpu, scaling.memory) == (2, 6, 0.5, 1)
    assert (scaling.requests_per_minute, scaling.cpu_percent) == (3000, 60)
    assert [scaling.tasks(each, 400) for each in (0, 100, 101, 300, 900)] == [2, 2, 3, 6, 6]
    assert scaling.tasks(900, 400, without_maximum=True) == 18
    assert scaling.serving_vcpu == 480 / 1024
    assert scaling.tasks(100, 100) == 4  # 28 requests a second are 60 % of the container's CPU
    assert scaling.requests_at_maximum(100) == 168.75


def test_the_given_share_of_requests_is_sampled_in_place_of_the_rules() -> None:
    assert rows(estimated("prod", 100, sampled_share=0.25))["X-Ray traces"] == pytest.approx(25 * 730 * 3600 * 5 / 1e6)
    assert "X-Ray traces" not in rows(estimated("prod", 100, sampled_share=0.0))


def test_without_rules_x_rays_own_applies() -> None:
    content = parsed("dev")
    for stack in content.values():
        stack["Resources"] = {
            name: each for name, each in stack["Resources"].items() if each["Type"] != "AWS::XRay::SamplingRule"
        }
    traces = rows(estimated(templates.of(content, "dev"), 101))["X-Ray traces"]
    assert traces == pytest.approx((1 + 100 * 0.05) * 730 * 3600 * 5 / 1e6)


def test_a_rule_for_some_requests_is_assumed_to_take_none() -> None:
    said = "No request matches the sampling rule Cruddur-dev-Health, which is for some requests only."
    assert said in estimated("dev", 1).assumptions


def test_all_prices_that_a_file_lacks_are_named_at_once() -> None:
    lacking = ("alb-hour", "logs-storage-gb-month", "secret-month")
    few = replace(PRICES, by_key={key: price for key, price in PRICES.by_key.items() if key not in lacking})
    with pytest.raises(OperatorError, match="no price 'alb-hour', 'logs-storage-gb-month', 'secret-month'"):
        estimate(templates_of("dev"), Traffic(requests=1), few, MEASURED)


def test_prices_of_what_is_not_in_the_sum_may_be_missing() -> None:
    said_only = ("logs-scanned-gb", "ecr-storage-gb-month", "vended-logs-gb", "xray-retrieved-million")
    few = replace(PRICES, by_key={key: price for key, price in PRICES.by_key.items() if key not in said_only})
    assert estimate(templates_of("prod"), Traffic(requests=50), few, MEASURED).usd == estimated("prod", 50).usd


def test_a_rule_of_another_service_takes_none() -> None:
    content = parsed("prod")
    other = {"RuleName": "Other", "Priority": 1, "FixedRate": 1, "ReservoirSize": 100, "ServiceName": "Other-*"}
    own = other | {"ServiceName": "BACKEND-*"}
    for rule, traces in ((other, 5 + 95 * 0.1), (own, 100)):
        content["Cruddur-prod-Service"]["Resources"]["Rule"] = {
            "Type": "AWS::XRay::SamplingRule",
            "Properties": {"SamplingRule": rule},
        }
        bill = rows(estimated(templates.of(content, "prod"), 100))
        assert bill["X-Ray traces"] == pytest.approx(traces * 730 * 3600 * 5 / 1e6)


def test_a_service_without_a_policy_runs_its_tasks_at_any_traffic() -> None:
    content = parsed("prod")
    for stack in content.values():
        stack["Resources"] = {
            name: each
            for name, each in stack["Resources"].items()
            if not each["Type"].startswith("AWS::ApplicationAutoScaling::")
        }
    bill = estimated(templates.of(content, "prod"), 10_000)
    assert rows(bill)["Fargate vCPU"] == pytest.approx(1 * 0.5 * 730 * 0.04048)
    assert "full at 188 requests/s, with its maximum of 1 task, which is priced" in bill.warnings[0]


def test_everything_may_go_to_honeycomb() -> None:
    content = parsed("prod")
    (definition,) = (
        each
        for stack in content.values()
        for each in stack["Resources"].values()
        if each["Type"] == "AWS::ECS::TaskDefinition"
    )
    for variable in definition["Properties"]["ContainerDefinitions"][0]["Environment"]:
        if variable["Name"] == "HONEYCOMB_KEEP_EVERYTHING":
            variable["Value"] = "true"
    bill = estimated(templates.of(content, "prod"), 100)
    assert f"{100 * 4 * 730 * 3600 / 1e6:,.1f} million events" in " ".join(bill.unknown)
    assert rows(bill)["X-Ray traces"] == rows(estimated("prod", 100))["X-Ray traces"]
