from __future__ import annotations

import pytest

from flask_onetrace.contract import SECRET_PLACEHOLDER, SECRET_SOURCES, SecretName
from local.backing_services.emulated_aws import EmulatedAws
from operations.keys import fill, unfilled
from tests.sample import names_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_a_filled_secret_holds_its_key_and_no_longer_counts_as_unfilled(emulated_aws: EmulatedAws) -> None:
    for secret in SecretName:
        emulated_aws.secrets.create_secret(Name=names_of("dev").secret(secret), SecretString=SECRET_PLACEHOLDER)
    assert unfilled(emulated_aws.secrets, names_of("dev")) == list(SECRET_SOURCES)

    variable, *others = SECRET_SOURCES
    names = fill(emulated_aws.secrets, names_of("dev"), {variable: "fake-key"}).names

    assert names == [names_of("dev").secret(SECRET_SOURCES[variable])]
    assert unfilled(emulated_aws.secrets, names_of("dev")) == others
    assert emulated_aws.secrets.get_secret_value(SecretId=names[0])["SecretString"] == "fake-key"
