"""The saved queries are the files, and a link opens one of them as it is."""

from __future__ import annotations

import re

import pytest

from infra.saved_queries import saved_queries
from local.emulator.logs.insights.grammar import parse
from service.contract import LOG_GROUP
from tests.infra.assembly import Assembly

REGION = "eu-central-1"


def test_every_file_is_deployed_under_its_title_for_the_services_log_group(assembly: Assembly) -> None:
    definitions = [each["Properties"] for each in assembly.observability.of_type("AWS::Logs::QueryDefinition")]
    assert {each["Name"]: each["QueryString"] for each in definitions} == {
        f"Cruddur/{query.title}": query.text for query in saved_queries().values()
    }
    [group] = assembly.observability.ids_of_type("AWS::Logs::LogGroup")
    assert [each["LogGroupNames"] for each in definitions] == [[{"Ref": group}]] * len(definitions)


def test_the_questions_are_these() -> None:
    assert sorted(query.title for query in saved_queries().values()) == [
        "Dropped telemetry",
        "Errors by route",
        "Everything about one trace",
        "Latency by user id",
        "Recent traces",
        "Slowest routes",
    ]


@pytest.mark.parametrize("name", saved_queries())
def test_a_link_holds_the_whole_query_and_the_log_group(name: str) -> None:
    query = saved_queries()[name]
    link = query.console_link(region=REGION, log_group=LOG_GROUP)
    assert link.startswith(f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#logsV2:")
    [(text, source)] = re.findall(r"editorString~'([\w.*-]+)~source~\(~'([\w.*-]+)\)\)$", link)
    read = re.sub(r"\*([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text)
    assert parse(read) == parse(query.text)
    assert source == LOG_GROUP
