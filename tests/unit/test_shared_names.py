"""The page has the same names for what it shares with the service, and has each of them once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

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
