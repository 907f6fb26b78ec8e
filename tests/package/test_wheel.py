"""The wheel holds the package alone, and its metadata is what an index and an installer need."""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from infra.context import project_version
from tests.package.conftest import ROOT, metadata_of, requirements

pytestmark = pytest.mark.timeout(600)

EXTRAS = {"honeycomb", "xray", "cloudwatch", "rollbar", "alb", "server", "requests", "all"}


@pytest.fixture
def metadata(wheel: Path) -> Metadata:
    return metadata_of(wheel)


def test_the_wheel_holds_every_module_of_the_package_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = {each for each in archive.namelist() if ".dist-info/" not in each}
    modules = {str(each.relative_to(ROOT)) for each in (ROOT / "flask_onetrace").rglob("*.py")}
    assert names == modules | {"flask_onetrace/py.typed"}
    assert "flask_onetrace/gunicorn_conf.py" in modules


def test_no_file_of_the_wheel_names_the_sample_application(wheel: Path) -> None:
    names = re.compile(rb"cruddur|backend-flask", re.IGNORECASE)
    with ZipFile(wheel) as archive:
        assert [each for each in archive.namelist() if names.search(archive.read(each))] == []


def test_the_wheel_has_the_version_of_the_project(wheel: Path, metadata: Metadata) -> None:
    assert str(metadata.version) == project_version()
    assert wheel.name == f"flask_onetrace-{project_version()}-py3-none-any.whl"


def test_the_metadata_says_what_it_is_and_what_runs_it(metadata: Metadata) -> None:
    assert metadata.name == "Flask-OneTrace"
    assert str(metadata.requires_python) == ">=3.11"
    assert metadata.summary
    assert {"Framework :: Flask", "Typing :: Typed"} <= set(metadata.classifiers or ())


def test_the_long_description_can_be_rendered_where_no_file_of_the_checkout_is(metadata: Metadata) -> None:
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description is not None
    assert metadata.description.startswith("# Flask-OneTrace")
    assert re.findall(r"\]\((?!https:)([^)]*)", metadata.description) == []


def test_no_dependency_is_pinned_and_each_has_a_lower_bound(metadata: Metadata) -> None:
    operators = {each.name: {part.operator for part in each.specifier} for each in metadata.requires_dist or ()}
    assert {name: each for name, each in operators.items() if ">=" not in each or "==" in each} == {}


def test_there_is_an_extra_for_each_sink_and_one_for_all(metadata: Metadata) -> None:
    assert set(metadata.provides_extra or ()) == EXTRAS
    packages = {extra: {each.name for each in requirements(metadata, extra)} for extra in EXTRAS | {""}}
    assert packages.pop("all") == set().union(*packages.values())
    without = packages.pop("")
    assert [extra for extra, names in packages.items() if names <= without] == []


def test_the_build_requirement_is_pinned() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [requirement] = re.findall(r'^requires = \["(.+)"\]$', text, re.MULTILINE)
    assert re.fullmatch(r"==[\d.]+", str(Requirement(requirement).specifier))


def test_every_variable_that_the_long_description_names_is_a_setting(metadata: Metadata) -> None:
    from flask_onetrace.contract import Variable  # noqa: PLC0415 - of the checkout, whose wheel this is

    assert metadata.description is not None
    named = set(re.findall(r"`([A-Z][A-Z]+_[A-Z_]+)(?:=\w+)?`", metadata.description))
    assert named
    assert named <= set(map(str, Variable))
