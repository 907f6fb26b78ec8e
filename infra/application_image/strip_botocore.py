"""Remove the documentation from botocore's service models, half of their size: `python strip_botocore.py`.

To be run by the interpreter that has botocore. Each service, API version, waiter and paginator stays; only what
`help()` prints of an operation is shorter. Ends with https://github.com/boto/botocore/issues/3764.
"""

from __future__ import annotations

import gzip
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

NOTICE: Final = "This image's copy of botocore was modified: the documentation was removed from its service models.\n"
"""Required of modified files by the Apache License, 4 (b)."""


def strip(data: Path) -> None:
    """Strip the models in botocore's data folder, compressed or not, and remove the examples of its documentation."""
    for file in data.rglob("examples-*.json*"):
        file.unlink()
    for file in data.rglob("service-*.json*"):
        content = file.read_bytes()
        compressed = file.suffix == ".gz"
        model = json.loads(gzip.decompress(content) if compressed else content)
        content = json.dumps(without_documentation(model), separators=(",", ":")).encode()
        # Without a time, so that each build writes the same bytes.
        file.write_bytes(gzip.compress(content, mtime=0) if compressed else content)
    (data / "MODIFIED").write_text(NOTICE, encoding="utf-8")


def without_documentation(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a model with empty texts, as botocore reads some. An object that is named `documentation` stays."""
    if isinstance(value, list):
        return [without_documentation(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "" if key == "documentation" and isinstance(each, str) else without_documentation(each)
        for key, each in value.items()
    }


if __name__ == "__main__":
    if (botocore := find_spec("botocore")) is not None and botocore.origin is not None:
        strip(Path(botocore.origin).with_name("data"))
