"""Settings are parsed and validated by variable, and never show a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from flask_onetrace.contract import Variable
from flask_onetrace.parsing import SettingsError
from flask_onetrace.settings import Settings
from tests.telemetry.authentication.tokens import SIGNER
from tests.unit.settings_messages import messages_of

SENTINEL = "sentinel-key-that-must-not-be-seen"


class RecordingEnviron(Mapping[str, str]):
    """Record the names of the variables that are read."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.names.add(key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


RULE = '{"RuleName":"a","FixedRate":1,"ReservoirSize":1'


def test_every_variable_of_the_contract_is_read_and_no_other() -> None:
    environ = RecordingEnviron()
    Settings.from_env(environ)
    assert environ.names == {str(name) for name in Variable}


def test_an_empty_environment_turns_every_sink_off() -> None:
    settings = Settings.from_env({})
    assert settings.otlp_endpoint is None
    assert settings.xray_daemon_address is None
    assert settings.log_group is None
    assert settings.rollbar_access_token is None
    assert settings.bind_host == "127.0.0.1"


def test_an_empty_value_counts_as_absent() -> None:
    assert Settings.from_env(dict.fromkeys(Variable, "")) == Settings.from_env({})


@pytest.mark.parametrize("text", ["false", "False", "0", "no", "off"])
def test_false_means_false(text: str) -> None:
    assert Settings.from_env({"FAULT_ROUTES": text, "LOG_CONSOLE": text}).fault_routes is False


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("FAULT_ROUTES", "maybe", "set `true` or `false`"),
        ("ALB_ARN", "cruddur", "set for example `arn:aws:elasticloadbalancing:"),
        ("ALB_OIDC_ISSUER", "idp.example.com", "set for example"),
        ("ALB_OIDC_CLIENT_ID", "two words", "set the one that the identity provider shows"),
        ("ALB_PUBLIC_KEYS_URL", "http://keys.example.com", "is not an https URL"),
        ("PORT", "0", "set a number from 1 to 65535"),
        ("PORT", "http", "set a number from 1 to 65535"),
        ("WEB_CONCURRENCY", "-1", "1 to 999"),
        ("WEB_THREADS", "²", "1 to 999"),
        ("TELEMETRY_SHUTDOWN_DEADLINE", "nan", "set for example `10`"),
        ("TELEMETRY_SHUTDOWN_DEADLINE", "26", "not a number of seconds up to 25"),
        ("SERVICE_VERSION", "v" * 41, "set 40 at most"),
        ("LOG_LEVEL", "LOUD", "set one of DEBUG, INFO"),
        ("LOG_LEVEL", "loud", "set one of DEBUG, INFO"),
        ("OTEL_TRACES_EXPORTER", "otlp,zipkin", "set one of otlp, console, none"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "api.honeycomb.io", "set for example `https://api.honeycomb.io`"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://host:notaport", "set for example"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "set one of http/json, http/protobuf"),
        ("ROLLBAR_ENDPOINT", "ftp://example.com", "set for example `https://api.rollbar.com/api/1/`"),
        ("TRACE_URL", "https://ui.example.com/traces/", "set a URL with {trace_id} or {xray_trace_id}"),
        ("TRACE_URL", "https://ui.example.com/{team}/{trace_id}", "or other braces: set a URL"),
        ("TRACE_URL", "javascript:alert({trace_id})", "set for example `https://"),
        ("AWS_XRAY_DAEMON_ADDRESS", "xray-daemon", "set `127.0.0.1:2000`"),
        ("AWS_XRAY_DAEMON_ADDRESS", "tcp:127.0.0.1:2000", "udp:127.0.0.1:2000"),
        ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:99999", "1 to 65535"),
        ("AWS_XRAY_TRACING_NAME", "Backend?", "letters"),
        ("XRAY_ORIGIN", "my laptop", "set for example `AWS::ECS::Fargate`"),
        ("CLOUDWATCH_LOG_GROUP", "no spaces allowed", "use letters"),
        ("XRAY_SAMPLING_RULE", "{}", "aws/json/xray.json"),
        ("XRAY_SAMPLING_RULE", '{"RuleName":"a","FixedRate":2,"ReservoirSize":1}', "FixedRate must be 0 to 1"),
        ("TAIL_SAMPLING_PER_SECOND", "-1", "0 or more"),
        ("TAIL_SAMPLING_SLOW_SECONDS", "0", "up to 3600"),
    ],
)
def test_an_invalid_value_is_rejected_with_its_variable_value_and_remedy(name: str, value: str, remedy: str) -> None:
    [problem] = messages_of({name: value})
    assert problem.startswith(f"{name}: ")
    assert value in problem
    assert remedy in problem


def test_the_url_of_a_trace_never_shows_a_password() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"TRACE_URL": "https://user:sentinel@ui.example.com/{trace_id}"})
    assert "contains a user name or password" in str(caught.value)
    assert "sentinel" not in str(caught.value)


@pytest.mark.parametrize(("text", "level"), [("warn", "WARNING"), ("FATAL", "CRITICAL"), ("debug", "DEBUG")])
def test_a_log_level_has_its_aliases(text: str, level: str) -> None:
    assert Settings.from_env({"LOG_LEVEL": text}).log_level == level


def test_the_arn_of_another_resource_is_no_application_load_balancers() -> None:
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/cruddur/50dc6c495c0c9188"
    with pytest.raises(SettingsError, match=r"ALB_ARN: .* is not the ARN of an application load balancer: set"):
        Settings.from_env({"ALB_ARN": arn})


@pytest.mark.parametrize("missing", SIGNER)
def test_a_part_of_what_verifies_claims_is_rejected_with_what_is_missing(missing: str) -> None:
    assert Settings.from_env(SIGNER).alb_arn == SIGNER["ALB_ARN"]
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(SIGNER | {missing: ""})
    names = ", ".join(SIGNER)
    assert caught.value.problems == (f"{missing}: it is empty: set all of {names}, or none to believe no claims",)


def test_all_invalid_values_are_reported_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"PORT": "x", "FAULT_ROUTES": "y", "LOG_LEVEL": "z"})
    assert {problem.split(":")[0] for problem in caught.value.problems} == {"PORT", "FAULT_ROUTES", "LOG_LEVEL"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HONEYCOMB_API_KEY", f"{SENTINEL} with a space"),
        ("ROLLBAR_ACCESS_TOKEN", f"{SENTINEL}\n"[:-1] + "\x00"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"no header but {SENTINEL}"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", f"https://user:{SENTINEL}@example.com"),
    ],
)
def test_an_invalid_secret_is_not_shown(name: str, value: str) -> None:
    [message] = messages_of({name: value})
    assert SENTINEL not in message
    assert name in message


def test_a_secret_is_not_in_any_repr() -> None:
    settings = Settings.from_env(
        {
            "HONEYCOMB_API_KEY": SENTINEL,
            "ROLLBAR_ACCESS_TOKEN": SENTINEL,
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-honeycomb-team={SENTINEL}",
        }
    )
    assert settings.honeycomb_api_key is not None
    assert settings.honeycomb_api_key.reveal() == SENTINEL
    assert SENTINEL not in f"{settings} {settings!r} {settings.otlp_headers} {settings.honeycomb_api_key}"


def test_otlp_headers_are_decoded_and_an_empty_one_is_left_out() -> None:
    headers = Settings.from_env({"OTEL_EXPORTER_OTLP_HEADERS": "X-Honeycomb-Team=, x-dataset=a%2Fb"}).otlp_headers
    assert headers.reveal() == {"x-dataset": "a/b"}


@pytest.mark.parametrize(
    ("text", "udp", "tcp"),
    [
        ("127.0.0.1:2000", ("127.0.0.1", 2000), ("127.0.0.1", 2000)),
        ("xray-daemon:2000", ("xray-daemon", 2000), ("xray-daemon", 2000)),
        ("tcp:10.0.0.1:2001 udp:10.0.0.2:2002", ("10.0.0.2", 2002), ("10.0.0.1", 2001)),
        ("[::1]:2000", ("::1", 2000), ("::1", 2000)),
    ],
)
def test_a_daemon_address_is_parsed_in_both_forms(text: str, udp: tuple[str, int], tcp: tuple[str, int]) -> None:
    address = Settings.from_env({"AWS_XRAY_DAEMON_ADDRESS": text}).xray_daemon_address
    assert address is not None
    assert (address.udp, address.tcp) == (udp, tcp)


def test_the_sampling_rule_file_for_aws_is_valid_for_the_service() -> None:
    text = Path("aws/json/xray.json").read_text(encoding="utf-8")
    rule = Settings.from_env({"XRAY_SAMPLING_RULE": text}).sampling_rule
    assert rule is not None
    assert (rule.service_name, rule.fixed_rate, rule.reservoir_size) == ("Backend-Flask", 0.1, 5)


@pytest.mark.parametrize("field", ["Attributes", "ResourceARN"])
def test_a_rule_with_what_the_service_cannot_match_is_rejected_rather_than_applied_to_everything(field: str) -> None:
    with pytest.raises(SettingsError, match=f"a local rule cannot match {field}"):
        Settings.from_env({"XRAY_SAMPLING_RULE": f'{RULE},"{field}":"other"}}'})
    for text in ('"Attributes":{}', '"ResourceARN":"*"'):
        assert Settings.from_env({"XRAY_SAMPLING_RULE": f"{RULE},{text}}}"}).sampling_rule is not None
