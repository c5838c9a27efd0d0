"""The same networks as a lab's, made by hand with `ip`: two pods, and what is between them."""

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.traffic import Ends
from labctl.net import namespaces

_numbers = itertools.count(1)

_BRIDGE = """
{node}: link add cni0 mtu {mtu} type bridge
{node}: addr add {gateway}/24 dev cni0
{node}: link set cni0 up
"""
_POD = """
{node}: link add v-{pod} mtu {mtu} type veth peer name eth0 mtu {mtu} netns {prefix}-{pod}
{node}: link set v-{pod} master cni0 up
{pod}: link set lo up
{pod}: addr add {address}/24 dev eth0
{pod}: link set eth0 up
{pod}: route add default via {gateway}
"""
_CABLE = """
fabric: link add p-{node} type veth peer name eth0 netns {prefix}-{node}
fabric: link set p-{node} master underlay up
{node}: addr add {ip}/16 dev eth0
{node}: link set eth0 up
"""
_UNDERLAY = """
fabric: link add underlay type bridge
fabric: link set underlay up
"""
_HOST_GW = "{node}: route add {other_pods} via {other_ip}\n"
_TUNNEL = """
{node}: link add vxlan.1 address {mac} mtu {mtu} type vxlan id 1 dev eth0 local {ip} dstport 8472 nolearning
{node}: addr add {subnet}/32 dev vxlan.1
{node}: link set vxlan.1 up
{node}: neigh add {other_subnet} lladdr {other_mac} dev vxlan.1
{node}: route add {other_pods} via {other_subnet} dev vxlan.1 onlink
"""
_FDB = "bridge -n {prefix}-{node} fdb append {other_mac} dev vxlan.1 dst {other_ip}"


@contextmanager
def same_node() -> Iterator[Ends]:
    """Two pods on one bridge."""
    with _namespaces("n1", "a", "b") as prefix:
        text = _BRIDGE.format(**_node(1, 1500)) + _pod("a", 1, 2, 1500) + _pod("b", 1, 3, 1500)
        _run(prefix, text)
        yield _ends(prefix, "10.244.1.3")


@contextmanager
def two_nodes(backend: str) -> Iterator[Ends]:
    """A pod on each of two nodes, which are on one segment; `backend` as a lab's."""
    mtu = 1450 if backend == "vxlan" else 1500
    with _namespaces("fabric", "n1", "n2", "a", "b") as prefix:
        text = _UNDERLAY
        for number in (1, 2):
            route = _TUNNEL if backend == "vxlan" else _HOST_GW
            text += (_CABLE + _BRIDGE + route).format(prefix=prefix, **_node(number, mtu))
        _run(prefix, text + _pod("a", 1, 2, mtu) + _pod("b", 2, 2, mtu))
        for number in (1, 2):
            node = _node(number, mtu)
            if backend == "vxlan":
                line = _FDB.format(prefix=prefix, **node)
                subprocess.run(line.split(), check=True)
            with namespaces.inside(namespaces.netns_path(f"{prefix}-{node['node']}")):
                Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        yield _ends(prefix, "10.244.2.2")


def _node(number: int, mtu: int) -> dict[str, str]:
    """What is to be known of the node with that number, and of the other one."""
    other = 3 - number
    return {
        "node": f"n{number}",
        "mtu": str(mtu),
        "ip": f"172.30.0.1{number}",
        "gateway": f"10.244.{number}.1",
        "subnet": f"10.244.{number}.0",
        "mac": f"02:00:00:00:00:0{number}",
        "other_ip": f"172.30.0.1{other}",
        "other_subnet": f"10.244.{other}.0",
        "other_pods": f"10.244.{other}.0/24",
        "other_mac": f"02:00:00:00:00:0{other}",
    }


def _pod(pod: str, node: int, host: int, mtu: int) -> str:
    return _POD.format(
        pod=pod, address=f"10.244.{node}.{host}", prefix="{prefix}", **_node(node, mtu)
    )


def _ends(prefix: str, address: str) -> Ends:
    client, server = (namespaces.netns_path(f"{prefix}-{pod}") for pod in "ab")
    return Ends(client, server, address)


@contextmanager
def _namespaces(*words: str) -> Iterator[str]:
    """Namespaces whose names end in those words; what the names begin with."""
    prefix = f"byhand-{os.getpid()}-{next(_numbers)}"
    with ExitStack() as stack:
        for word in words:
            namespaces.create_netns(f"{prefix}-{word}")
            stack.callback(namespaces.delete_netns, f"{prefix}-{word}")
        yield prefix


def _run(prefix: str, text: str) -> None:
    """Lines of `ip`, each with the namespace that it is for."""
    for line in filter(None, text.splitlines()):
        place, _, words = line.format(prefix=prefix).partition(": ")
        subprocess.run(["ip", "-n", f"{prefix}-{place}", *words.split()], check=True)
