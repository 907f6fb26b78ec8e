"""The page has the same names for what it shares with the service, and has each of them once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench import paths
from bench.testbed.application import APPLICATION, NAMES
from flask_onetrace import contract

WEB = Path("service/web")
PAGE_CONTRACT = WEB / "src" / "contract.ts"
SOURCES = [*sorted(WEB.glob("src/**/*.ts")), WEB / "index.html", WEB / "vite.config.ts"]
PAGE_NAMES: dict[str, str | int] = {
    name: json.loads(literal)
    for name, literal in re.findall(r"^export const (\w+) = (.+);$", PAGE_CONTRACT.read_text("utf-8"), re.MULTILINE)
}


def test_the_page_exports_the_names_that_it_shares_with_the_service() -> None:
    assert set(PAGE_NAMES) == {
        "FRONTEND_SERVICE_NAME",
        "RELAY_PATH",
        "USER_HEADER",
        "TRACE_ID_HEADER",
        "CONTAINER_PORT",
    }


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_the_page_has_the_value_of_the_contract_or_of_the_applications_description(name: str) -> None:
    described = {**NAMES, "CONTAINER_PORT": APPLICATION.port}
    assert PAGE_NAMES[name] == (described[name] if name in described else getattr(contract, name))


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_no_other_source_of_the_page_repeats_the_value(name: str) -> None:
    literal = re.compile(rf"(?<!\d){re.escape(str(PAGE_NAMES[name]))}(?!\d)", re.IGNORECASE)
    assert [str(path) for path in SOURCES if literal.search(path.read_text("utf-8"))] == [str(PAGE_CONTRACT)]


def test_the_package_has_no_path_and_no_name_of_the_sample_application() -> None:
    of_the_sample = re.compile(r"[\"'`]/(api|assets)/|cruddur", re.IGNORECASE)
    sources = {path: path.read_text("utf-8") for path in Path("flask_onetrace").rglob("*.py")}
    assert {str(path): matches for path, text in sources.items() if (matches := of_the_sample.findall(text))} == {}


def test_the_benchmarks_ask_the_health_check_that_the_application_describes() -> None:
    assert APPLICATION.health_check_path == paths.HEALTH_CHECK
