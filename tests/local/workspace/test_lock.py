from __future__ import annotations

from pathlib import Path

import pytest

from local.workspace.lock import exclusive
from operations.errors import OperatorError


def test_a_second_holder_gets_an_error_that_names_the_first(tmp_path: Path) -> None:
    error = pytest.raises(OperatorError, match=r"Another make up .* \(process \d+\)")
    with exclusive(tmp_path / "lock"), error, exclusive(tmp_path / "lock"):
        pytest.fail("both hold the lock")


def test_the_lock_is_released_when_its_holder_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "lock"):
        raise ZeroDivisionError

    with exclusive(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text(encoding="utf-8").isdigit()
