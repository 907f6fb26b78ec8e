from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

import pytest

from infra.application import Application, Local
from local.backing_services import postgresql
from operations.errors import OperatorError

SHOP = Application(name="Shop", service_name="Shop", folder=Path("/shop"), local=Local(services=("postgresql",)))


def test_a_program_that_is_not_installed_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)

    with pytest.raises(OperatorError, match=r"initdb is not installed\. Install it \(on Debian: apt-get install"):
        postgresql.check(SHOP)


def test_root_without_the_servers_user_is_told_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_user(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/opt/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", no_user)

    with pytest.raises(OperatorError, match=r"needs the user postgres, which does not exist\. Install it"):
        postgresql.check(SHOP)


def test_an_application_that_asks_for_none_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)

    postgresql.check(Application(name="Shop", service_name="Shop", folder=Path("/shop")))
