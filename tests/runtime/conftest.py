from collections.abc import Iterator

import pytest

from tests.runtime.rig import Rig, running


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """One runtime for all tests that do not end it; each uses pod names of its own."""
    with running() as started:
        yield started


@pytest.fixture
def own_rig() -> Iterator[Rig]:
    """A runtime that the test may kill."""
    with running() as started:
        yield started
