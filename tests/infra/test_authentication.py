"""Users are authenticated by the HTTPS listener, except where no login can be followed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from flask_onetrace.settings import Settings
from tests.infra.assembly import Json, StackTemplate
from tests.infra.conftest import COGNITO, OIDC, with_login
from tests.infra.test_cfn_lint import lint
from tests.sample import CRUDDUR

LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/cruddur/50dc6c495c0c9188"


def https_listener(template: StackTemplate) -> Json:
    [listener] = [each["Properties"] for each in template.of_type(LISTENER) if each["Properties"]["Port"] == 443]
    return listener  # type: ignore[no-any-return]  # parsed JSON


def rules(template: StackTemplate) -> list[Json]:
    return sorted((each["Properties"] for each in template.of_type(RULE)), key=lambda each: each["Priority"])


def paths(rule: Json) -> tuple[str, ...]:
    [condition] = rule["Conditions"]
    return tuple(condition["PathPatternConfig"]["Values"])


def kinds(actions: list[Json]) -> list[str]:
    return [each["Type"] for each in sorted(actions, key=lambda each: each.get("Order", 0))]


def unauthenticated(actions: list[Json]) -> str | None:
    """Return what happens to a request without a session, None where none is needed."""
    for each in actions:
        for name in ("AuthenticateOidcConfig", "AuthenticateCognitoConfig"):
            if name in each:
                return str(each[name]["OnUnauthenticatedRequest"])
    return None


def test_pages_lead_to_the_login_and_api_calls_are_denied_and_the_rest_is_open(login: StackTemplate) -> None:
    behaviours = [(each["Priority"], paths(each), unauthenticated(each["Actions"])) for each in rules(login)]
    assert behaviours == [
        (10, ("/api/health-check", "/_onetrace/health", "/assets/*"), None),
        (20, ("/v1/traces",), "allow"),
        (30, ("/api/*",), "deny"),
    ]
    assert unauthenticated(https_listener(login)["DefaultActions"]) == "authenticate"


def test_every_path_of_another_application_leads_to_the_login_but_its_health_checks(tmp_path: Path) -> None:
    login = with_login(tmp_path, OIDC, app=str(Path(__file__).parent / "bookings"))
    assert [(paths(each), unauthenticated(each["Actions"])) for each in rules(login)] == [
        (("/healthz", "/_onetrace/health"), None)
    ]
    assert unauthenticated(https_listener(login)["DefaultActions"]) == "authenticate"


def test_every_action_ends_by_forwarding_to_the_service(login: StackTemplate) -> None:
    actions = [https_listener(login)["DefaultActions"], *(each["Actions"] for each in rules(login))]
    assert {kinds(each)[-1] for each in actions} == {"forward"}
    assert {kinds(each)[0].partition("-")[0] for each in actions} == {"forward", "authenticate"}
    [port_80] = [each["Properties"] for each in login.of_type(LISTENER) if each["Properties"]["Port"] == 80]
    assert kinds(port_80["DefaultActions"]) == ["redirect"]


def test_an_oidc_provider_is_described_by_its_endpoints(oidc: StackTemplate) -> None:
    config = https_listener(oidc)["DefaultActions"][0]["AuthenticateOidcConfig"]
    assert config == {
        "Issuer": "https://idp.example.com/",
        "AuthorizationEndpoint": "https://idp.example.com/authorize",
        "TokenEndpoint": "https://idp.example.com/oauth/token",
        "UserInfoEndpoint": "https://idp.example.com/userinfo",
        "ClientId": "cruddur-client",
        "ClientSecret": "{{resolve:secretsmanager:prod/cruddur/oidc-client-secret:SecretString:::}}",
        "Scope": "openid email",
        "OnUnauthenticatedRequest": "authenticate",
    }


def test_a_user_pool_is_described_by_its_arn_client_and_domain(cognito: StackTemplate) -> None:
    config = https_listener(cognito)["DefaultActions"][0]["AuthenticateCognitoConfig"]
    assert config == {
        "UserPoolArn": COGNITO.user_pool_arn,
        "UserPoolClientId": "4mpleclientid",
        "UserPoolDomain": "cruddur",
        "Scope": "openid",
        "OnUnauthenticatedRequest": "authenticate",
    }
    assert "ClientSecret" not in cognito.text


def test_every_client_secret_of_a_template_is_a_reference(oidc: StackTemplate) -> None:
    secrets = re.findall(r'"ClientSecret": *"([^"]*)"', oidc.text)
    assert len(secrets) == 3
    assert all(re.fullmatch(r"\{\{resolve:secretsmanager:[^}]+\}\}", each) for each in secrets)


def test_a_new_version_of_the_client_secret_changes_the_listener(tmp_path: Path) -> None:
    version = "0a1b2c3d-0000-4000-8000-000000000000"
    template = with_login(tmp_path, replace(OIDC, client_secret_version=version))
    config = https_listener(template)["DefaultActions"][0]["AuthenticateOidcConfig"]
    assert (
        config["ClientSecret"]
        == f"{{{{resolve:secretsmanager:prod/cruddur/oidc-client-secret:SecretString:::{version}}}}}"
    )


def test_the_load_balancer_reaches_the_provider_over_443_and_else_only_the_tasks(
    login: StackTemplate, https: StackTemplate
) -> None:
    def outbound(template: StackTemplate) -> list[Json]:
        [balancer] = template.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")
        [group] = balancer["Properties"]["SecurityGroups"]
        properties = template.content["Resources"][group["Fn::GetAtt"][0]]["Properties"]
        egress: list[Json] = properties.get("SecurityGroupEgress", [])
        return egress

    [rule] = outbound(login)
    assert (rule["CidrIp"], rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("0.0.0.0/0", "tcp", 443, 443)
    assert outbound(https) == []


def test_the_service_believes_this_load_balancer_this_issuer_and_this_client(login: StackTemplate) -> None:
    entries = {each["Name"]: each["Value"] for each in login.container(CRUDDUR.container_name)["Environment"]}
    [balancer] = login.ids_of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert entries["ALB_ARN"] == {"Ref": balancer}
    config = https_listener(login)["DefaultActions"][0]
    client = (
        config.get("AuthenticateOidcConfig", {}).get("ClientId")
        or config["AuthenticateCognitoConfig"]["UserPoolClientId"]
    )
    names = ("ALB_OIDC_ISSUER", "ALB_OIDC_CLIENT_ID")
    settings = Settings.from_env({"ALB_ARN": ARN, **{name: entries[name] for name in names}})
    assert settings.alb_oidc_client_id == client
    assert settings.alb_oidc_issuer in {OIDC.issuer, "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"}


def test_without_authentication_every_request_is_forwarded_and_no_claims_are_believed(https: StackTemplate) -> None:
    entries = {each["Name"]: each["Value"] for each in https.container(CRUDDUR.container_name)["Environment"]}
    assert {name: value for name, value in entries.items() if name.startswith("ALB_") and value} == {}
    assert kinds(https_listener(https)["DefaultActions"]) == ["forward"]
    assert not https.of_type(RULE)


def references(resource: Json) -> set[str]:
    """Return the ids that a resource refers to, and all its other texts."""
    return set(re.findall(r"[A-Za-z0-9]+", json.dumps(resource)))


def test_no_resources_depend_on_each_other_in_a_circle(login: StackTemplate) -> None:
    resources = login.content["Resources"]
    left = {name: references(value) & resources.keys() - {name} for name, value in resources.items()}
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]
    assert left == {}


def test_the_templates_pass_cfn_lint(oidc: StackTemplate, cognito: StackTemplate) -> None:
    assert lint(oidc.path, cognito.path) == ""
