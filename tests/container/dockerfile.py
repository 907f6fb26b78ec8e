"""Parse a Dockerfile into its stages and their instructions, as far as this project's file needs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """A build stage: the image or stage of its FROM, and its instructions as (keyword, rest of the line) pairs."""

    base: str
    instructions: tuple[tuple[str, str], ...]

    def all(self, keyword: str) -> list[str]:
        return [rest for each, rest in self.instructions if each == keyword]

    def only(self, keyword: str) -> str:
        (rest,) = self.all(keyword)
        return rest


def stages(path: Path) -> list[Stage]:
    """Return the stages of the Dockerfile at `path`, the final one last."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    logical = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    instructions = [(line.partition(" ")[0], line.partition(" ")[2]) for line in logical if line.strip()]
    starts = [index for index, (keyword, _) in enumerate(instructions) if keyword == "FROM"]
    return [
        Stage(base=instructions[start][1].split()[0], instructions=tuple(instructions[start + 1 : end]))
        for start, end in zip(starts, [*starts[1:], len(instructions)], strict=True)
    ]


def exec_form(text: str) -> list[str]:
    """Return the arguments of an instruction in its exec form, a JSON list of strings; the shell form fails."""
    arguments = json.loads(text)
    assert isinstance(arguments, list), f"{text!r} is no list"
    return [str(each) for each in arguments]
