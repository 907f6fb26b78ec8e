"""Print the configuration by which a coding agent starts the server."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]


def registration(name: str, module: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Return JSON in the form that coding agents share, with a hint for those who see it at a terminal.

    `module` is what follows `python -P -m`, which imports nothing from the agent's folder; `environment` are variables
    beside the one that finds the checkout.
    """
    variables = {"PYTHONPATH": str(CHECKOUT), **(environment or {})}
    server = {"command": sys.executable, "args": ["-P", "-m", *module], "env": variables}
    configuration = json.dumps({"mcpServers": {name: server}}, indent=2)
    hint = "Add it to the configuration of your coding agent, which starts the server (docs/mcp.md)."
    return f"{configuration}\n\n{hint}\n"
