"""The lab that these tests attack: one for all of them, and looked over after each."""

import os
from collections.abc import Iterator

import pytest

from tests.command import Labctl
from tests.hostile.victim import Victim


@pytest.fixture(scope="package")
def attacked() -> Iterator[Victim]:
    labctl = Labctl(f"t{os.getpid()}-hostile")
    labctl.ok("up", "--nodes", "2")
    yield Victim(labctl)
    labctl.ok("down")


@pytest.fixture
def victim(attacked: Victim) -> Iterator[Victim]:
    """It has to be unhurt at the end."""
    yield attacked
    attacked.check_unhurt()
