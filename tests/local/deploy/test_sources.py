from __future__ import annotations

from dataclasses import replace

from infra.application import Local, Request
from local.deploy.sources import digest
from tests.sample import CRUDDUR


def test_what_the_stacks_do_not_have_leaves_the_digest() -> None:
    for application in (
        replace(CRUDDUR, local=Local(variables={"KEY": "value"}, before_start="true")),
        replace(CRUDDUR, smoke_test=Request(path="/other")),
    ):
        assert digest(application, "") == digest(CRUDDUR, "")


def test_another_description_and_other_code_of_an_image_change_the_digest() -> None:
    others = [
        digest(replace(CRUDDUR, variables={"COLOUR": "green"}), ""),
        digest(replace(CRUDDUR, port=8080), ""),
        digest(CRUDDUR, "0123456789ab"),
    ]

    assert len({digest(CRUDDUR, ""), *others}) == len(others) + 1
