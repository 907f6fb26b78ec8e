"""Load the declarations of one folder: `queries/*.json`, `triggers/*.json` and `board.json`.

They are templates: `{{application}}` and the other names of `substitutions` are replaced by those of an application.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from infra.application import dataset_slug
from infra.names import Names
from operations.errors import OperatorError
from operations.honeycomb.client import Json
from operations.honeycomb.ownership_tag import OwnershipTag, digest

_SCHEMA: Final = Path(__file__).with_name("declarations.schema.json")

_PLACEHOLDER: Final = re.compile(r"\{\{(\w+)\}\}")

# A column in a formula ("Calculated Field Formula Reference", syntax): `$name` or `$"any name"`, outside of strings.
_FORMULA_COLUMN: Final = re.compile(r'\$"([^"]+)"|\$([\w./:=+?-]+)|"(?:[^"\\]|\\.)*"|`[^`]*`')


@dataclass(frozen=True, kw_only=True)
class Query:
    """A named query on `dataset`; `specification` is Honeycomb's ("Query specification")."""

    application: str
    """Its slug."""
    key: str
    name: str
    description: str
    dataset: str
    specification: Json

    @property
    def tag(self) -> OwnershipTag:
        """Return the tag of its annotation; the digest tells one version of the query from another."""
        return OwnershipTag(self.application, self.key, digest([self.dataset, self.specification]))

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
    """The desired state of an application: queries and triggers by their file names without the suffix, and the board.

    `application` is its slug.
    """

    application: str
    queries: Mapping[str, Query]
    triggers: Mapping[str, Json]
    board: Json


def load(folder: Path, names: Names, *, browser_spans: bool = True) -> Declarations:
    """Load the declarations in `folder` for an application, without `browser_spans` only those that need none.

    Raises `OperatorError` for an invalid one, naming file and field.
    """
    values, slug = substitutions(names), names.application.slug
    documents = {path.stem: _read(path, values, "query") for path in sorted((folder / "queries").glob("*.json"))}
    if not documents:
        raise OperatorError(f"{folder / 'queries'} holds no declaration", "Restore its files")
    wanted = {
        key: each for key, each in documents.items() if not each.pop("needs_browser_spans", False) or browser_spans
    }
    queries = {
        key: Query(application=slug, key=key, specification=each.pop("query"), **each) for key, each in wanted.items()
    }
    paths = sorted((folder / "triggers").glob("*.json"))
    triggers = {path.stem: _read(path, values, "trigger", list(documents)) for path in paths}
    board = _read(folder / "board.json", values, "board", list(documents))
    return Declarations(
        application=slug,
        queries=queries,
        triggers={key: each for key, each in triggers.items() if each["query"] in queries},
        board=board | {"panels": [each for each in board["panels"] if each["query"] in queries]},
    )


def substitutions(names: Names) -> Mapping[str, str]:
    """Return what replaces each placeholder, by its name."""
    application = names.application
    frontend = application.frontend_service_name(names.environment)
    return {
        "application": application.name,
        "service_name": application.service_name,
        "service_dataset": dataset_slug(application.service_name),
        "frontend_service_name": frontend,
        "frontend_dataset": dataset_slug(frontend),
        "health_check_path": application.health_check_path,
    }


def _filled_in(path: Path, text: str, values: Mapping[str, str]) -> str:
    """Return the JSON text with its placeholders replaced. Raises `OperatorError` for an unknown one."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise OperatorError(f"{path}: {match[0]} is no placeholder", f"Use one of {', '.join(values)}")
        return json.dumps(values[match[1]])[1:-1]

    return _PLACEHOLDER.sub(value, text)


def _read(path: Path, values: Mapping[str, str], kind: str, queries: list[str] | None = None) -> Json:
    """Return the document at `path`, valid against the schema of `kind`, which may refer to `queries`."""
    try:
        document = json.loads(_filled_in(path, path.read_text(encoding="utf-8"), values))
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
