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
from labctl.node.healing import Mended
from labctl.node.network import Network
from labctl.node.network_watcher import NetworkWatcher
from labctl.node.snapshot import PodPort
from tests.node.cluster import cluster, port
from tests.node.conftest import MakeNetns

DEADLINE_SECONDS = 5.0


class CountingNetwork(Network):
    """Says how often the kernel was looked at."""

    looks = 0

    def heal(self) -> tuple[Mended, ...]:
        self.looks += 1
        return super().heal()

    def heal_pod(self, port: PodPort) -> tuple[Mended, ...]:
        self.looks += 1
        return super().heal_pod(port)


class Watched:
    """A node's network under watch, and what the watcher told."""

    def __init__(self, netns: Path, netlink: Netlink) -> None:
        self.netns = netns
        self.told: list[str] = []
        self.patients: list[PodPort | None] = []
        self.network = CountingNetwork("node1", netlink)
        with namespaces.inside(netns):
            self.watcher = NetworkWatcher(self.network, self.hear)

    def hear(self, sentence: str, port: PodPort | None) -> None:
        self.told.append(sentence)
        self.patients.append(port)

    async def wound(self, command: str, netns: Path | None = None) -> None:
        """From outside, as a user would, without holding up the loop."""
        words = ["ip", "netns", "exec", (netns or self.netns).name, "sh", "-ec", command]
        await asyncio.to_thread(subprocess.run, words, check=True)

    async def attach(self, *netns: Path) -> list[PodPort]:
        """Pods of these namespaces, which the kernel has told of."""
        ports = [port(number, str(one)) for number, one in enumerate(netns, 2)]
        for one in ports:
            self.network.attach(one)
        await self.next_turn()
        return ports

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
        ("ip link set cni0 down", "found bridge cni0 down"),
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


# Two requests of one wound come in one batch, so that nobody mends between them.
POD_WOUNDS = [
    ("ip link del eth0", "found no veth {link}"),
    ("ip link set eth0 down", "found veth eth0 down"),
    (
        "printf 'link set eth0 down\\nlink set eth0 up' | ip -batch -",
        "no default via 10.244.1.1 dev eth0",
    ),
    ("printf 'link set eth0 down\\nlink set eth0 name eth9' | ip -batch -", "found no veth {link}"),
    ("ip link set eth0 mtu 1400", "found veth eth0 with mtu 1400"),
    ("ip link set eth0 address 02:00:00:00:be:ef", "found veth eth0 with mac 02:00:00:00:be:ef"),
    ("ip link set lo down", "found no loopback lo"),
    ("ip address del 10.244.1.2/24 dev eth0", "found no 10.244.1.2/24 dev eth0"),
    ("ip address add 10.244.1.9/24 dev eth0", "found a stray 10.244.1.9/24 dev eth0"),
    ("ip route del default", "found no default via 10.244.1.1 dev eth0"),
    ("ip route add blackhole 10.244.2.0/24", "found a stray 10.244.2.0/24"),
    ("ip neigh del 10.244.1.1 dev eth0", "found no 10.244.1.1 lladdr"),
    ("ip neigh change 10.244.1.1 dev eth0 nud stale", "found no 10.244.1.1 lladdr"),
    (
        "ip neigh replace 10.244.1.1 lladdr 02:00:00:00:be:ef dev eth0 nud permanent",
        "10.244.1.1 lladdr 02:00:00:00:be:ef dev eth0 nud permanent in place of",
    ),
]


@pytest.mark.parametrize(("wound", "said"), POD_WOUNDS)
def test_a_wound_of_a_pods_own_side_is_noticed_and_told_of_the_pod(
    two_nodes: tuple[Path, Path], make_netns: MakeNetns, wound: str, said: str
) -> None:
    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            pod, _ = await node.attach(make_netns(), make_netns())
            await node.wound(wound, Path(pod.netns))
            await node.until(lambda: bool(node.told))
            assert said.format(link=pod.link) in node.told[0]
            assert node.patients == [pod]
            assert node.network.heal() == ()
            assert node.network.heal_pod(pod) == ()

    asyncio.run(scene())


def test_what_a_pod_makes_for_itself_is_its_own(
    two_nodes: tuple[Path, Path], make_netns: MakeNetns
) -> None:
    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            (pod,) = await node.attach(make_netns())
            await node.wound(
                "ip link add tunnel type bridge; ip address add 192.0.2.1/24 dev tunnel;"
                "ip link set tunnel up; ip route add 198.51.100.0/24 dev tunnel",
                Path(pod.netns),
            )
            await node.next_turn()
            assert node.network.looks == 0
            assert node.network.heal_pod(pod) == ()

    asyncio.run(scene())


def test_a_dying_pod_is_no_wound(two_nodes: tuple[Path, Path], make_netns: MakeNetns) -> None:
    """Its namespace goes before anybody detached it, as when pause is killed."""

    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            dying, living = await node.attach(make_netns(), make_netns())
            await asyncio.to_thread(namespaces.delete_netns, Path(dying.netns).name)
            await node.until(lambda: not node.network.has_link(dying.link))
            await node.next_turn()
            assert node.told == []
            await node.wound("ip route del default", Path(living.netns))
            await node.until(lambda: bool(node.told))
            assert node.patients == [living]

    asyncio.run(scene())


def test_listening_beyond_keeps_no_namespace_alive(
    two_nodes: tuple[Path, Path], make_netns: MakeNetns
) -> None:
    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            (pod,) = await node.attach(make_netns())
            await node.wound("ip link set eth0 mtu 1400", Path(pod.netns))
            await node.until(lambda: bool(node.told))
            async with node.watcher.departure(pod):
                namespaces.delete_netns(Path(pod.netns).name)
            assert not node.network.has_link(pod.link)

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
            assert node.network.looks == 0
            assert node.told == []

    asyncio.run(scene())


def test_a_port_whose_namespace_somebody_holds_is_deleted(
    two_nodes: tuple[Path, Path], make_netns: MakeNetns
) -> None:
    async def scene() -> None:
        async with watched(two_nodes[0]) as node:
            (held,) = await node.attach(make_netns())
            async with node.watcher.departure(held):
                assert node.network.has_link(held.link)
            assert not node.network.has_link(held.link)

    asyncio.run(scene())
