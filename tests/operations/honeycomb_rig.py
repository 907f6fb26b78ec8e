"""Run `python -m operations.honeycomb` in this process, against the fake of Honeycomb's configuration API."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.fakes.server import LocalServer
from operations.honeycomb.__main__ import DECLARATIONS, main
from operations.honeycomb.declarations import Declarations, load
from tests.fakes import honeycomb_api
from tests.fakes.honeycomb_api import Environment
from tests.sample import names_of

KEY = "sentinel-configuration-key-5eed"
Document = dict[str, Any]
P90 = {"op": "P90", "column": "duration_ms"}


def required_columns(declared: Declarations) -> set[tuple[str, str]]:
    """Return each dataset and column that a declared query needs."""
    return {(query.dataset, column) for query in declared.queries.values() for column in query.columns}


def columns_by_dataset() -> dict[str, set[str]]:
    """Return the columns of a service once all of its features were used."""
    columns: dict[str, set[str]] = {}
    for dataset, column in required_columns(load(DECLARATIONS, names_of("dev"))):
        columns.setdefault(dataset, set()).add(column)
    everywhere = columns.pop("__all__")
    return {dataset: each | everywhere for dataset, each in columns.items()}


def change_specification(document: Document) -> None:
    """Add a calculation to a query."""
    document["query"]["calculations"].append(P90)


class Outcome(NamedTuple):
    """The exit status and output of one run."""

    code: int
    out: str
    err: str

    def lines(self, verb: str) -> list[str]:
        """Return the lines of the plan that begin with `verb`, without it, their columns one space apart."""
        return [" ".join(line.split()[1:]) for line in self.out.splitlines() if line.startswith(f"  {verb} ")]


class Rig:
    """The fake, a copy of the declarations to edit, and the delays between attempts."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.environment = Environment(datasets=columns_by_dataset(), key=KEY)
        self.folder = folder
        self.delays: list[float] = []
        self._capture = capture

    def run(self, *arguments: str) -> Outcome:
        code = main(["--declarations", str(self.folder), *arguments], sleep=self.delays.append)
        output = self._capture.readouterr()
        assert KEY not in output.out + output.err
        assert "Traceback" not in output.err
        return Outcome(code, output.out, output.err)

    def writes_of(self, *arguments: str) -> list[str]:
        """Return the writes of one run, which must succeed."""
        before = len(self.environment.writes)
        outcome = self.run(*arguments)
        assert outcome.code == 0, outcome
        return self.environment.writes[before:]

    def edit(self, file: str, change: Callable[[Document], object]) -> None:
        """Change one declaration."""
        path = self.folder / file
        document = json.loads(path.read_text(encoding="utf-8"))
        change(document)
        path.write_text(json.dumps(document), encoding="utf-8")

    def panels(self) -> list[Document]:
        """Return the panels of the only board."""
        [board] = self.environment.boards.values()
        panels: list[Document] = board["panels"]
        return panels


@pytest.fixture
def rig(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> Iterator[Rig]:
    """Give each test an environment of its own that has every column, and a copy of the declarations."""
    del socket_enabled  # the fake listens on 127.0.0.1
    folder = tmp_path / "honeycomb"
    shutil.copytree(DECLARATIONS, folder)
    rig = Rig(folder, capsys)
    with closing(LocalServer(honeycomb_api.create_app(rig.environment))) as served:
        monkeypatch.setenv("HONEYCOMB_API_URL", served.url)
        monkeypatch.setenv("HONEYCOMB_CONFIGURATION_KEY", KEY)
        yield rig
