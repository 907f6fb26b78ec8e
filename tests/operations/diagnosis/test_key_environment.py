"""A key of another environment is what is left once the service would have reported anything else."""

from __future__ import annotations

import pytest

from operations.diagnosis.causes import key_environment
from operations.traces.document import Place
from tests.operations.diagnosis.evidence import evidence, healthy, missing


@pytest.mark.parametrize(("waited", "found"), [(6.0, 0), (15.0, 1)])
def test_it_is_not_named_before_a_host_that_does_not_respond_would_be_reported(waited: float, found: int) -> None:
    facts = healthy()
    missing(facts, Place.HONEYCOMB)
    facts["waited"] = waited

    assert len(list(key_environment.diagnose(evidence(facts)))) == found
