"""Shorten the text of a traceback to the frames that matter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

from local.workspace.folders import CHECKOUT

FRAMES: Final = 3
_START: Final = "Traceback (most recent call last):"
_FRAME: Final = re.compile(r'\s+File "(.+)", line (\d+), in (.+)')
_MARKERS: Final = re.compile(r"\s*[\^~]+\s*")
_LIBRARIES: Final = frozenset({"site-packages", "dist-packages"})
_MESSAGE_LINES: Final = 5


def shortened(text: str) -> list[str]:
    """Return the last exception's newest `FRAMES` frames, its own code's first, then its type and message."""
    block = text[text.rfind(_START) :] if _START in text else text
    frames, message = _parse(block.splitlines())
    own = [each for each in frames if not _is_library(each[0])]
    newest = (own or frames)[-FRAMES:]
    left_out = len(frames) - len(newest)
    lines = [f"… {left_out} more frame{'s' if left_out > 1 else ''}"] if left_out and newest else []
    lines += [line for frame in newest for line in frame]
    return [*lines, *message[:_MESSAGE_LINES], *(["…"] if len(message) > _MESSAGE_LINES else [])]


def _parse(lines: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """Return the frames, each its place and its source line, and the lines after them."""
    frames: list[list[str]] = []
    for index, line in enumerate(lines):
        if match := _FRAME.fullmatch(line):
            path = match[1].removeprefix(f"{CHECKOUT}/")
            frames.append([f"{path}:{match[2]} in {match[3]}"])
        elif frames and line.startswith("    "):
            if not _MARKERS.fullmatch(line):
                frames[-1].append(line.removeprefix("  "))
        elif line != _START:
            return frames, list(lines[index:])
    return frames, []


def _is_library(place: str) -> bool:
    return not _LIBRARIES.isdisjoint(PurePath(place).parts) or "/lib/python" in place
