"""Namespaces of nodes and pods, joined by a cable, for tests against the real kernel."""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from labctl import names
from labctl.api.lab import NetworkSpec
from labctl.net import namespaces
from labctl.net.apply import apply
from labctl.net.marks import mark
from labctl.net.netlink import Netlink
from labctl.net.nouns import Link, Peer
from labctl.net.operations import Create
from tests.node.scene import NODE, Scene, on_stage, register
from tests.runtime.rig import running

MakeNetns = Callable[[], Path]
Play = Callable[[Scene], Awaitable[None]]
Stage = Callable[[Play], None]
MakeStage = Callable[..., Stage]


@pytest.fixture
def make_netns() -> Iterator[MakeNetns]:
    """Makes pinned namespaces; their pins go when the test ends."""
    made: list[str] = []
    numbers = itertools.count(1)

    def make() -> Path:
        name = f"labctl-test-node-{os.getpid()}-{next(numbers)}"
        made.append(name)
        return namespaces.create_netns(name)

    yield make
    for name in made:
        namespaces.delete_netns(name)


@pytest.fixture
def two_nodes(make_netns: MakeNetns) -> tuple[Path, Path]:
    """The namespaces of node1 and node2, with a cable between them for a fabric."""
    first, second = make_netns(), make_netns()
    peer = Peer("eth0", str(second), names.node_mac("node2"), 1500)
    with Netlink.at(first) as netlink:
        apply(netlink, [Create(Link("eth0", "veth", 1500, names.node_mac("node1"), peer=peer))])
    return first, second


@pytest.fixture
def make_stage(two_nodes: tuple[Path, Path], tmp_path: Path) -> Iterator[MakeStage]:
    """Makes a stage of a lab with some network; `registered=False` leaves the agent to the play."""
    with running() as rig:
        # by which the runtime finds the namespace for pods on the host's network; the rig removes it
        # by its mark
        pin = names.netns_path(names.node_netns(rig.lab, NODE))
        pin.symlink_to(two_nodes[0])
        mark(pin)

        def make(network: NetworkSpec | None = None, *, registered: bool = True) -> Stage:
            async def played(play: Play) -> None:
                async with on_stage(rig.lab, tmp_path / "store.db", network) as scene:
                    if registered:
                        await register(scene)
                    await play(scene)

            def start(play: Play) -> None:
                with namespaces.inside(two_nodes[0]):
                    asyncio.run(played(play))

            return start

        yield make


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    """Plays a scene with the agent of node1 registered and Ready."""
    return make_stage()
