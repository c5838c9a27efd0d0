"""Namespaces for tests against the real kernel, each with a name of its own, gone afterwards."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labctl.net import namespaces
from labctl.net.netlink import Netlink

MakeNetns = Callable[[], Path]


@pytest.fixture
def make_netns() -> Iterator[MakeNetns]:
    """Makes pinned namespaces; their pins go when the test ends."""
    made: list[str] = []
    numbers = itertools.count(1)

    def make() -> Path:
        name = f"labctl-test-net-{os.getpid()}-{next(numbers)}"
        made.append(name)
        return namespaces.create_netns(name)

    yield make
    for name in made:
        namespaces.delete_netns(name)


@pytest.fixture
def netns(make_netns: MakeNetns) -> Path:
    return make_netns()


@pytest.fixture
def netlink(netns: Path) -> Iterator[Netlink]:
    with Netlink.at(netns) as socket:
        yield socket
