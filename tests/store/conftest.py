"""Every test that asks for an `engine` runs on all of them."""

import pytest

from tests.store.engines import ENGINES


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)
