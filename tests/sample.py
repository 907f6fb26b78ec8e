"""The sample application, as its own description has it."""

from __future__ import annotations

from infra.application import DEFAULT_FOLDER
from infra.application_file import load
from infra.names import Names

CRUDDUR = load(DEFAULT_FOLDER)


def names_of(environment: str, *, tutorial: bool | None = None) -> Names:
    """Return its names; of the environments only the local one has the tutorial's."""
    return Names(CRUDDUR, environment, tutorial=environment == "local" if tutorial is None else tutorial)


TUTORIAL = names_of("tutorial", tutorial=True)
"""The names in the files of aws/json."""
PLAIN_IMAGE = f"{CRUDDUR.slug}-{CRUDDUR.container_name}"
