"""A machine of its own on which no lab may leave anything, however it ends."""

from collections.abc import Iterator

import pytest

from tests.command import Labctl
from tests.machine import Machine, machine

LAB = "mine"


@pytest.fixture(scope="package")
def own() -> Iterator[Machine]:
    """The machine, as empty as every test found it."""
    with machine() as one:
        yield one


@pytest.fixture
def tidy(own: Machine) -> Iterator[Labctl]:
    """The command line there. At the end `down` runs twice, and then there is what there was before,
    and no namespace lives that was there meanwhile.
    """
    before, there = own.survey(), own.namespaces()
    one = own.labctl(LAB)
    yield one
    made = own.namespaces() - there
    one.ok("down")
    assert one.ok("down") == ""
    own.until_as(before, made)
