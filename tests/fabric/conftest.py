"""A lab's name of its own for each test, and no trace of its fabric afterwards."""

import itertools
import os
from collections.abc import Iterator

import pytest

from labctl import fabric

_numbers = itertools.count(1)


@pytest.fixture
def lab() -> Iterator[str]:
    name = f"fab{os.getpid()}-{next(_numbers)}"
    yield name
    fabric.remove(name)
