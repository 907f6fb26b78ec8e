from __future__ import annotations

import pytest

from local.service.runner import ready_seconds
from operations.errors import OperatorError


@pytest.mark.parametrize(("environ", "seconds"), [({}, 30), ({"LOCAL_READY_SECONDS": " 120 "}, 120)])
def test_the_start_may_take_30_seconds_or_what_the_variable_says(environ: dict[str, str], seconds: int) -> None:
    assert ready_seconds(environ) == seconds


@pytest.mark.parametrize("text", ["0", "-1", "3601", "1e3", "soon", "٣"])
def test_another_text_is_refused_with_the_numbers_that_can_be_set(text: str) -> None:
    with pytest.raises(OperatorError, match=f"LOCAL_READY_SECONDS='{text}' is not a number of seconds. Set it to"):
        ready_seconds({"LOCAL_READY_SECONDS": text})
