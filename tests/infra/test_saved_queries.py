"""The saved queries are those of the files, and a console URL opens each unchanged."""

from __future__ import annotations

import re

import pytest

from flask_onetrace.contract import ACCESS_LOGGER
from infra.saved_queries import saved_queries
from local.emulator.logs.insights.grammar import parse
from tests.infra.assembly import Assembly
from tests.sample import CRUDDUR, names_of

REGION = "eu-central-1"
PLACEHOLDER_TRACE_ID = "0" * 32


def test_every_file_is_deployed_under_its_title_for_the_services_log_group(assembly: Assembly) -> None:
    definitions = [each["Properties"] for each in assembly.observability.of_type("AWS::Logs::QueryDefinition")]
    assert {each["Name"]: each["QueryString"] for each in definitions} == {
        f"{names_of(assembly.environment).prefix}/{query.title}": query.text
        for query in saved_queries(CRUDDUR).values()
    }
    [group] = assembly.observability.ids_of_type("AWS::Logs::LogGroup")
    assert [each["LogGroupNames"] for each in definitions] == [[{"Ref": group}]] * len(definitions)


def test_there_are_these_queries() -> None:
    assert sorted(query.title for query in saved_queries(CRUDDUR).values()) == [
        "Dropped telemetry",
        "Errors by route",
        "Everything about one trace",
        "Latency by user id",
        "Recent traces",
        "Slowest routes",
    ]


@pytest.mark.parametrize("name", saved_queries(CRUDDUR))
def test_a_query_compares_with_names_of_the_contract(name: str) -> None:
    values = re.findall(r'"([^"]*)"', saved_queries(CRUDDUR)[name].commands)
    assert set(values) <= {ACCESS_LOGGER, CRUDDUR.health_check_path, PLACEHOLDER_TRACE_ID}


@pytest.mark.parametrize("name", saved_queries(CRUDDUR))
def test_a_url_holds_the_whole_query_and_the_log_group(name: str) -> None:
    query = saved_queries(CRUDDUR)[name]
    url = query.console_url(region=REGION, log_group="Some-Group")
    assert url.startswith(f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#logsV2:")
    [(text, source)] = re.findall(r"editorString~'([\w.*-]+)~source~\(~'([\w.*-]+)\)\)$", url)
    commands = re.sub(r"\*([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text)
    assert parse(commands) == parse(query.text)
    assert source == "Some-Group"
