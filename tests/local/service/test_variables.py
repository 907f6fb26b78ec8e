from __future__ import annotations

from pathlib import Path

import pytest

from infra.application import Application, Local
from local.service.variables import refuse_reserved
from operations.errors import OperatorError


@pytest.mark.parametrize("name", ["PORT", "BIND_HOST", "AWS_ENDPOINT_URL", "AWS_REGION", "ROLLBAR_ENDPOINT"])
def test_a_variable_that_make_up_sets_is_refused_in_local_variables(name: str) -> None:
    shop = Application(
        name="Shop", service_name="Shop", folder=Path("/shop"), local=Local(variables={name: "1", "COLOUR": "green"})
    )

    with pytest.raises(OperatorError, match=rf"/shop/onetrace\.toml: \[local\.variables\] has {name}, which make up"):
        refuse_reserved(shop)
