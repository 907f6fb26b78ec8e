"""The messages about values of the environment that cannot be used, whether they stop the process or not."""

from __future__ import annotations

from collections.abc import Mapping

from flask_onetrace.parsing import SettingsError
from flask_onetrace.settings import Settings


def messages_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the messages; those of variables that do not stop the process end with what is used instead."""
    try:
        return tuple(Settings.from_env(environ).unusable_variables.values())
    except SettingsError as error:
        return error.problems
