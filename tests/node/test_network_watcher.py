"""Wounds in the real kernel are noticed by their events and mended; one's own work is not a wound."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from labctl.names import vtep_mac
from labctl.net import namespaces
from labctl.net.netlink import Netlink
from labctl.net.operations import Operation
from labctl.node.network import Network
from labctl.node.network_watcher import NetworkWatcher
from tests.node.cluster import cluster, port
from tests.node.conftest import MakeNetns

DEADLINE_SECONDS = 5.0


class CountingNetwork(Network):
    """Says how often the kernel was looked at."""

    looks = looks_at_pods = 0

    def heal_pods(self) -> tuple[Operation, ...]:
        self.looks_at_pods += 1
        return super().heal_pods()

    def heal(self) -> tuple[Operation, ...]:
        self.looks += 1
        return super().heal()


class Watched:
    """A node's network under watch, and what the watcher told."""

    def __init__(self, netns: Path, netlink: Netlink) -> None:
        self.netns = netns
        self.told: list[str] = []
        self.network = CountingNetwork("node1", netlink)
        with namespaces.inside(netns):
            self.watcher = NetworkWatcher(self.network, self.told.append)

    async def wound(self, command: str) -> None:
        """From outside, as a user would, without holding up the loop."""
        await self.wound_in(self.netns, command)

    async def wound_in(self, netns: Path, command: str) -> None:
        words = ["ip", "netns", "exec", netns.name, *command.split()]
        await asyncio.to_thread(subprocess.run, words, check=True)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():
                await self.next_turn()

    async def next_turn(self) -> None:
        """Lets the loop read whatever the kernel has to tell."""
        loop = asyncio.get_running_loop()
        turned = loop.create_future()
        loop.call_later(0.01, turned.set_result, None)
        await turned


@asynccontextmanager
async def watched(netns: Path, backend: str = "vxlan") -> AsyncIterator[Watched]:
    with Netlink.at(netns) as netlink:
        node = Watched(netns, netlink)
        reading = asyncio.create_task(node.watcher.run())
        try:
            node.network.update(cluster(backend))
            yield node
        finally:
            reading.cancel()
            node.watcher.close()


@pytest.mark.parametrize(
    ("wound", "said"),
    [
        ("ip route del 10.244.2.0/24", "found no 10.244.2.0/24 via 10.244.2.0 dev vxlan.1"),
        ("ip link del vxlan.1", "found no vxlan vxlan.1"),
        ("ip link set cni0 down", "found bridge cni0 changed"),
        ("bridge fdb del {mac} dev vxlan.1 dst 172.30.1.2", "found no {mac} dev vxlan.1"),
        ("nft flush chain ip labctl postrouting", "in place of table ip labctl"),
        ("sysctl -qw net.ipv4.ip_forward=0", "found net.ipv4.ip_forward=0 in place of"),
        ("sysctl -qw net.ipv4.conf.all.arp_ignore=2", "found net.ipv4.conf.all.arp_ignore=2"),
        ("ip address add 10.244.1.77/24 dev cni0", "found a stray 10.244.1.77/24 dev cni0"),
    ],
)
def test_a_wound_is_noticed_and_told(two_nodes: tuple[Path, Path], wound: str, said: str) -> None:
    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            await node.wound(wound.format(mac=vtep_mac("node2")))
            await node.until(lambda: bool(node.told))
            assert said.format(mac=vtep_mac("node2")) in node.told[0]
            assert node.network.heal() == ()

    asyncio.run(scene())


def test_with_healing_off_nothing_is_mended(two_nodes: tuple[Path, Path]) -> None:
    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            node.watcher.healing = False
            await node.wound("ip route del 10.244.2.0/24")
            for _ in range(10):
                await node.next_turn()
            assert node.told == []
            assert node.network.looks == 0

    asyncio.run(scene())


def test_ones_own_work_causes_no_look_at_the_kernel(
    two_nodes: tuple[Path, Path], make_netns: MakeNetns
) -> None:
    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            ports = [port(number, str(make_netns())) for number in range(2, 6)]
            for one in ports:
                node.network.attach(one)
                await node.next_turn()
            node.network.update(cluster("host-gw", tuple(ports)))
            await node.next_turn()
            for one in ports:
                async with node.watcher.departure(one):
                    namespaces.delete_netns(Path(one.netns).name)
            await node.next_turn()
            assert node.network.looks == node.network.looks_at_pods == 0
            assert node.told == []

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("wound", "said"),
    [
        ("ip address flush dev eth0", "found no 10.244.1.2/24 dev eth0"),
        ("ip route del default", "found no default via 10.244.1.1 dev eth0"),
        ("ip link set eth0 down", "found veth eth0 changed"),
    ],
)
def test_a_wound_in_a_pods_own_namespace_is_noticed_and_told(
    two_nodes: tuple[Path, Path], make_netns: MakeNetns, wound: str, said: str
) -> None:
    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            ports = [port(number, str(make_netns())) for number in (2, 3)]
            for one in ports:
                node.network.attach(one)
            await node.wound_in(Path(ports[0].netns), wound)
            await node.until(lambda: bool(node.told))
            assert said in node.told[0]
            for _ in range(10):  # the mending itself is no wound
                await node.next_turn()
            assert node.network.heal_pods() == ()
            assert node.network.looks_at_pods <= 3

    asyncio.run(scene())


def test_what_a_pod_does_to_itself_is_left_alone(
    two_nodes: tuple[Path, Path], make_netns: MakeNetns
) -> None:
    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            one = port(2, str(make_netns()))
            node.network.attach(one)
            for command in ("add 10.9.9.9/32 dev lo", "del 10.9.9.9/32 dev lo"):
                await node.wound_in(Path(one.netns), f"ip address {command}")
            await node.until(lambda: node.network.looks_at_pods > 0)
            assert node.told == []

    asyncio.run(scene())


def test_a_port_whose_namespace_somebody_holds_is_deleted(
    two_nodes: tuple[Path, Path], make_netns: MakeNetns
) -> None:
    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            held = port(2, str(make_netns()))
            node.network.attach(held)
            async with node.watcher.departure(held):
                assert node.network.has_link(held.link)
            assert not node.network.has_link(held.link)

    asyncio.run(scene())
