"""Load the declarations of one folder: `queries/*.json`, `triggers/*.json` and `board.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from operations.errors import OperatorError
from operations.honeycomb.client import Json
from operations.honeycomb.ownership_tag import OwnershipTag, digest

_SCHEMA: Final = Path(__file__).with_name("declarations.schema.json")

# A column in a formula ("Calculated Field Formula Reference", syntax): `$name` or `$"any name"`, outside of strings.
_FORMULA_COLUMN: Final = re.compile(r'\$"([^"]+)"|\$([\w./:=+?-]+)|"(?:[^"\\]|\\.)*"|`[^`]*`')


@dataclass(frozen=True, kw_only=True)
class Query:
    """A named query on `dataset`; `specification` is Honeycomb's ("Query specification")."""

    key: str
    name: str
    description: str
    dataset: str
    specification: Json

    @property
    def tag(self) -> OwnershipTag:
        """Return the tag of its annotation; the digest tells one version of the query from another."""
        return OwnershipTag(self.key, digest([self.dataset, self.specification]))

    @property
    def columns(self) -> frozenset[str]:
        """Return the columns that spans must have; its own calculated fields are not included."""
        calculated = self.specification.get("calculated_fields", [])
        columns = set(self.specification.get("breakdowns", []))
        for field in ("calculations", "filters", "orders", "havings"):
            columns.update(each["column"] for each in self.specification.get(field, []) if "column" in each)
        for each in calculated:
            columns.update(quoted or plain for quoted, plain in _FORMULA_COLUMN.findall(each["expression"]))
        return frozenset(columns - {"", *(each["name"] for each in calculated)})


@dataclass(frozen=True, kw_only=True)
class Declarations:
    """The desired state: queries and triggers by their file names without the suffix, and the board."""

    queries: Mapping[str, Query]
    triggers: Mapping[str, Json]
    board: Json


def load(folder: Path, *, browser_spans: bool = True) -> Declarations:
    """Load the declarations in `folder`, without `browser_spans` only those that need none.

    Raises `OperatorError` for an invalid one, naming file and field.
    """
    documents = {path.stem: _read(path, "query") for path in sorted((folder / "queries").glob("*.json"))}
    if not documents:
        raise OperatorError(f"{folder / 'queries'} holds no declaration", "Restore its files")
    wanted = {
        key: each for key, each in documents.items() if not each.pop("needs_browser_spans", False) or browser_spans
    }
    queries = {key: Query(key=key, specification=each.pop("query"), **each) for key, each in wanted.items()}
    paths = sorted((folder / "triggers").glob("*.json"))
    triggers = {path.stem: _read(path, "trigger", list(documents)) for path in paths}
    board = _read(folder / "board.json", "board", list(documents))
    return Declarations(
        queries=queries,
        triggers={key: each for key, each in triggers.items() if each["query"] in queries},
        board=board | {"panels": [each for each in board["panels"] if each["query"] in queries]},
    )


def _read(path: Path, kind: str, queries: list[str] | None = None) -> Json:
    """Return the document at `path`, valid against the schema of `kind`, which may refer to `queries`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OperatorError(f"{path} cannot be read ({error.strerror})", "Restore the file") from error
    except ValueError as error:
        raise OperatorError(f"{path} is not JSON ({error})", "Fix the file") from error
    definitions = {**json.loads(_SCHEMA.read_text(encoding="utf-8"))["$defs"], "query-key": {"enum": queries}}
    validator = Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": definitions})
    if problem := best_match(validator.iter_errors(document)):
        field = problem.json_path.removeprefix("$").removeprefix(".")
        raise OperatorError(
            f"{path}: {field}{': ' if field else ''}{problem.message}", f"Fix it: {_SCHEMA.name} is its schema"
        )
    result: Json = document
    return result
