"""Write a description into a folder, and load it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.application import Application, ApplicationError
from infra.application_file import FILE, load


def described(folder: Path, text: str) -> Application:
    (folder / FILE).write_text(text, encoding="utf-8")
    return load(folder)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ApplicationError) as error:
        described(folder, text)
    message = str(error.value)
    assert message.startswith(f"{folder / FILE}: ")
    assert "\n" not in message
    return message.removeprefix(f"{folder / FILE}: ")
