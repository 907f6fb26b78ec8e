from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from flask_onetrace.contract import SECRET_PLACEHOLDER, SECRET_SOURCES, Variable
from local.backing_services.emulated_aws import EmulatedAws
from local.deploy import fake_keys
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session
from tests.sample import CRUDDUR, names_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_every_secret_of_the_contract_gets_a_fake_key_and_a_real_one_is_kept(
    emulated_aws: EmulatedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SECRET_SOURCES, "MADE_UP_TOKEN", "cruddur/made-up-token")
    entries = {variable: names_of("local").secret(entry) for variable, entry in SECRET_SOURCES.items()}
    for entry in entries.values():
        emulated_aws.secrets.create_secret(Name=entry, SecretString=SECRET_PLACEHOLDER)
    emulated_aws.secrets.put_secret_value(SecretId=entries[Variable.ROLLBAR_ACCESS_TOKEN], SecretString="set-by-hand")

    session = Session.fresh(Folders(tmp_path), os.environ, Report(io.StringIO()))
    session.selected = CRUDDUR
    fake_keys.ensure(session, emulated_aws)

    assert {
        variable: emulated_aws.secrets.get_secret_value(SecretId=entry)["SecretString"]
        for variable, entry in entries.items()
    } == {
        **{variable: f"local-fake-{variable.lower().replace('_', '-')}" for variable in entries},
        Variable.ROLLBAR_ACCESS_TOKEN: "set-by-hand",
    }
