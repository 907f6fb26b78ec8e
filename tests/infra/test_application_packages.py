"""An application's packages are found in the files that pip reads; what it does not read is refused with the remedy."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.application import ApplicationError
from infra.application_file import FILE, load
from infra.application_packages import Packages, packages_of

BUILD = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
PROJECT = '[project]\nname = "shop"\ndependencies = ["flask>=3.1", "redis ;\\n python_version > \'3\'"]\n'
DEPENDENCIES = ("flask>=3.1", "redis ; python_version > '3'")
POETRY = '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\nflask = "^3.1"\n'
TOOLS = "[tool.ruff]\nline-length = 100\n"


def packages_in(folder: Path, files: Mapping[str, str]) -> Packages | None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return packages_of(load(folder))


INSTALLED = {
    "requirements": (
        {"requirements.txt": "", "pyproject.toml": BUILD + PROJECT},
        ("--requirement", "requirements.txt"),
    ),
    "named requirements": (
        {FILE: 'requirements = "requirements/prod.txt"', "requirements/prod.txt": "", "Pipfile": ""},
        ("--requirement", "requirements/prod.txt"),
    ),
    "a package": ({"pyproject.toml": BUILD + PROJECT}, ("--editable", ".")),
    "a package of Poetry": ({"pyproject.toml": BUILD + POETRY}, ("--editable", ".")),
    "a package in a folder": (
        {FILE: 'requirements = "backend/pyproject.toml"', "backend/pyproject.toml": BUILD + PROJECT},
        ("--editable", "./backend"),
    ),
    "a package of setup.cfg": ({"pyproject.toml": BUILD, "setup.cfg": "install_requires"}, ("--editable", ".")),
    "dependencies alone": ({"pyproject.toml": PROJECT}, DEPENDENCIES),
    "dynamic dependencies": (
        {"pyproject.toml": '[project]\nname = "shop"\ndynamic = ["dependencies"]'},
        ("--editable", "."),
    ),
    "no dependencies": ({"pyproject.toml": '[project]\nname = "shop"'}, ()),
    "setup.py": ({"pyproject.toml": TOOLS, "setup.py": ""}, ("--editable", ".")),
}


@pytest.mark.parametrize("case", INSTALLED)
def test_the_first_file_that_lists_packages_is_installed(tmp_path: Path, case: str) -> None:
    files, arguments = INSTALLED[case]
    packages = packages_in(tmp_path, files)
    assert packages is not None
    assert packages.arguments == arguments
    assert (packages.project is not None) == (arguments[:1] == ("--editable",))
    assert packages.warning is None


@pytest.mark.parametrize("files", [{}, {"pyproject.toml": TOOLS}, {"pyproject.toml": BUILD}, {"setup.cfg": "[flake8]"}])
def test_an_application_may_list_no_packages(tmp_path: Path, files: Mapping[str, str]) -> None:
    assert packages_in(tmp_path, files) is None


REFUSED = {
    "Pipfile": ({"Pipfile": ""}, "pipenv requirements > requirements.txt"),
    "Poetry's own list": ({"pyproject.toml": POETRY}, "poetry export --only main"),
    "Poetry without a package": (
        {"pyproject.toml": BUILD + POETRY.replace("[tool.poetry]", "[tool.poetry]\npackage-mode = false")},
        "poetry export --only main",
    ),
    "sources of uv": (
        {"pyproject.toml": f'{PROJECT}[tool.uv.sources]\nshop = {{ path = "../shop" }}'},
        "uv export --no-dev",
    ),
    "a lock alone": ({"uv.lock": ""}, "uv export --no-dev"),
    "a lock that is named": ({FILE: 'requirements = "poetry.lock"', "poetry.lock": ""}, "poetry export"),
    "conda": ({"environment.yml": ""}, "write the packages that come from PyPI into a requirements.txt"),
    "another name": (
        {"requirements/prod.txt": "", "requirements/dev.txt": ""},
        "has no requirements.txt, but requirements/dev.txt, requirements/prod.txt: name the one",
    ),
    "a prefix": ({"dev-requirements.txt": ""}, 'requirements = "dev-requirements.txt"'),
    "setup.cfg": ({"setup.cfg": "[options]\ninstall_requires = flask"}, "add a pyproject.toml with [build-system]"),
    "no TOML": ({"pyproject.toml": "["}, "cannot be read"),
    "no table": ({"pyproject.toml": "project = 3"}, "project is no table: write [project]"),
    "tools that are no table": ({"pyproject.toml": "[tool]\nuv = 1"}, "uv is no table"),
    "no list": ({"pyproject.toml": '[project]\nname = "shop"\ndynamic = 1\ndependencies = 2'}, "is malformed"),
    "dependencies of Poetry's form": (
        {"pyproject.toml": '[project]\nname = "shop"\ndependencies = { flask = "^3" }'},
        "write a list of requirements",
    ),
    "an option": ({"pyproject.toml": '[project]\ndependencies = ["--index-url=http://example.com"]'}, "write a list"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_pip_does_not_read_is_refused_with_the_remedy(tmp_path: Path, case: str) -> None:
    files, remedy = REFUSED[case]
    with pytest.raises(ApplicationError) as refusal:
        packages_in(tmp_path, files)
    assert str(tmp_path) in str(refusal.value)
    assert remedy in str(refusal.value)
    assert "\n" not in refusal.value.remedy


@pytest.mark.parametrize(("lock", "command"), [("uv.lock", "uv export"), ("poetry.lock", "poetry export")])
@pytest.mark.parametrize("text", [PROJECT, BUILD + PROJECT])
def test_a_lock_that_is_not_read_is_a_warning_with_the_command_that_has_it_read(
    tmp_path: Path, lock: str, command: str, text: str
) -> None:
    packages = packages_in(tmp_path, {"pyproject.toml": text, lock: ""})
    assert packages is not None
    assert str(packages.warning).startswith(f"{lock} is not read, so versions are the newest")
    assert command in str(packages.warning)
    assert ("hashes" in str(packages.warning)) == (packages.project is not None)


def test_a_dependency_is_one_line_and_never_an_option_or_is_refused(tmp_path: Path) -> None:
    source = random.Random(int(os.environ.get("FUZZ_SEED", "1")))
    accepted = 0
    for _ in range(300):
        texts = ["".join(source.choices("aé1- \n\r\t\x0b\x85\u2028;=<'\"\\", k=source.randrange(9))) for _ in range(2)]
        listed = ", ".join('"' + "".join(f"\\U{ord(each):08x}" for each in text) + '"' for text in texts)
        try:
            packages = packages_in(tmp_path, {"pyproject.toml": f'[project]\nname = "shop"\ndependencies = [{listed}]'})
        except ApplicationError:
            continue
        assert packages is not None
        assert len(packages.arguments) == len(texts)
        assert all(each[0].isalnum() and each.splitlines() == [each] for each in packages.arguments)
        accepted += 1
    assert accepted > 5
