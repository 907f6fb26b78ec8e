"""Load what AWS is told as JSON: the same files that `aws … --cli-input-json file://…` takes."""

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent.parent / "aws" / "json"


def load(name: str) -> dict[str, Any]:
    """Return the object in `aws/json/<name>.json`."""
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content
