"""Run `python -m operations.honeycomb` in this process, against the stand-in of Honeycomb's configuration API."""

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
from operations.honeycomb.declarations import columns, load
from tests.fakes import honeycomb_api
from tests.fakes.honeycomb_api import Environment

KEY = "sentinel-configuration-key-5eed"
Document = dict[str, Any]
FASTER = {"op": "P90", "column": "duration_ms"}


def columns_by_dataset() -> dict[str, set[str]]:
    """Return the columns that a service has which was used for all that it can do."""
    found: dict[str, set[str]] = {}
    for dataset, column in columns(load(DECLARATIONS)):
        found.setdefault(dataset, set()).add(column)
    everywhere = found.pop("__all__")
    return {dataset: each | everywhere for dataset, each in found.items()}


def ask_something_else(document: Document) -> None:
    """Have a query ask for one figure more."""
    document["query"]["calculations"].append(FASTER)


class Outcome(NamedTuple):
    """How one run ended, and what it said."""

    code: int
    out: str
    err: str

    def lines(self, verb: str) -> list[str]:
        """Return the lines of the plan that begin with `verb`, without it, their columns one space apart."""
        return [" ".join(line.split()[1:]) for line in self.out.splitlines() if line.startswith(f"  {verb} ")]


class Rig:
    """The stand-in, a copy of the declarations to change, and the waits that were asked for."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.environment = Environment(datasets=columns_by_dataset(), key=KEY)
        self.folder = folder
        self.waits: list[float] = []
        self._capture = capture

    def run(self, *arguments: str) -> Outcome:
        code = main(["--declarations", str(self.folder), *arguments], wait=self.waits.append)
        said = self._capture.readouterr()
        assert KEY not in said.out + said.err
        assert "Traceback" not in said.err
        return Outcome(code, said.out, said.err)

    def writes_of(self, *arguments: str) -> list[str]:
        """Return what one run, which must go well, writes."""
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
        found: list[Document] = board["panels"]
        return found


@pytest.fixture
def rig(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, socket_enabled: None
) -> Iterator[Rig]:
    """Give each test an environment of its own in which everything was seen, and the declarations as they stand."""
    del socket_enabled  # the stand-in is on 127.0.0.1
    folder = tmp_path / "honeycomb"
    shutil.copytree(DECLARATIONS, folder)
    made = Rig(folder, capsys)
    with closing(LocalServer(honeycomb_api.create_app(made.environment))) as served:
        monkeypatch.setenv("HONEYCOMB_API_URL", served.url)
        monkeypatch.setenv("HONEYCOMB_CONFIGURATION_KEY", KEY)
        yield made
