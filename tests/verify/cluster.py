"""A small cluster, built by hand with `ip` and `nft`, for verify to judge.

It shares nothing with labctl's fabric and node agent but the names of things, so that verify is
tried on a network that was made from the book (design.md, "Kernel objects").
"""

import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from labctl import names
from labctl.net.namespaces import create_netns, delete_netns, inside
from labctl.verify.topology import (
    Endpoint,
    Topology,
    fabric_endpoint,
    node_endpoint,
    outside_endpoint,
    pod_endpoint,
)

POD_CIDR = "10.244.0.0/16"
UNDERLAY_MTU = 1500


@dataclass(frozen=True)
class Pod:
    name: str
    node: int
    ip: str

    @property
    def uid(self) -> str:
        return f"uid-of-{self.name}"

    @property
    def veth(self) -> str:
        return names.veth_name(self.uid, 0)

    @property
    def mac(self) -> str:
        return names.pod_mac(self.uid, 0)


@dataclass(frozen=True)
class Cluster:
    """Nodes 1 … `nodes`, and pods `web-1` …, dealt out to the nodes in turn.

    With `routed` a node has no bridge but a route to each of its pods, as CNI's plugin ptp has it.
    """

    lab: str
    backend: str
    nodes: int
    pods: tuple[Pod, ...]
    routed: bool = False

    @property
    def pod_mtu(self) -> int:
        return UNDERLAY_MTU - 50 if self.backend == "vxlan" else UNDERLAY_MTU

    def topology(self) -> Topology:
        return Topology(
            lab=self.lab,
            backend=self.backend,
            mtu=UNDERLAY_MTU,
            pod_cidr=POD_CIDR,
            pods=tuple(self.endpoint(pod) for pod in self.pods),
            nodes=tuple(
                node_endpoint(self.lab, node_name(n), node_ip(n)) for n in self.node_numbers
            ),
            outside=outside_endpoint(self.lab),
            fabric=fabric_endpoint(self.lab),
            counts_hops=not self.routed,
        )

    def endpoint(self, pod: Pod) -> Endpoint:
        return pod_endpoint(self.lab, "default", pod.name, node_name(pod.node), pod.ip, pod.uid)

    @property
    def node_numbers(self) -> range:
        return range(1, self.nodes + 1)

    def fabric(self) -> str:
        return names.fabric_netns(self.lab)

    def node(self, number: int) -> str:
        return names.node_netns(self.lab, node_name(number))

    def pod(self, pod: Pod) -> str:
        return names.pod_netns(self.lab, "default", pod.name)


def node_name(number: int) -> str:
    return f"node{number}"


def node_ip(number: int) -> str:
    return f"172.30.1.{number}"


@contextmanager
def cluster(
    backend: str = "host-gw", nodes: int = 2, pods: int = 4, *, routed: bool = False
) -> Iterator[Cluster]:
    """A healthy cluster, taken away afterwards."""
    made = Cluster(f"verify-{secrets.token_hex(3)}", backend, nodes, _deal(nodes, pods), routed)
    with ExitStack() as stack:
        for name in _namespaces(made):
            create_netns(name)
            stack.callback(delete_netns, name)
        _build_fabric(made)
        for number in made.node_numbers:
            _build_node(made, number)
        for pod in made.pods:
            _build_pod(made, pod)
        yield made


def _deal(nodes: int, pods: int) -> tuple[Pod, ...]:
    return tuple(
        Pod(f"web-{i + 1}", i % nodes + 1, f"10.244.{i % nodes + 1}.{i // nodes + 2}")
        for i in range(pods)
    )


def _namespaces(made: Cluster) -> Iterator[str]:
    yield made.fabric()
    yield names.outside_netns(made.lab)
    yield from (made.node(number) for number in made.node_numbers)
    yield from (made.pod(pod) for pod in made.pods)


def in_namespace(name: str, *command: str, text: str = "") -> str:
    """Runs a command in a network namespace; raises if it fails."""
    whole = ["nsenter", f"--net={names.netns_path(name)}", *command]
    done = subprocess.run(whole, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name}: {' '.join(command)}: {done.stderr}"
    return done.stdout


def ip(name: str, *lines: str) -> None:
    in_namespace(name, "ip", "-batch", "-", text="\n".join(lines))


def sysctl(name: str, values: Sequence[tuple[str, int]]) -> None:
    with inside(names.netns_path(name)):
        for key, value in values:
            Path(f"/proc/sys/net/{key}").write_text(f"{value}\n")


def _build_fabric(made: Cluster) -> None:
    outside = names.outside_netns(made.lab)
    sysctl(
        made.fabric(),
        [("ipv4/ip_forward", 1), ("bridge/bridge-nf-call-iptables", 0)],
    )
    ip(
        made.fabric(),
        "link set lo up",
        "link add underlay type bridge",
        "link set underlay address 02:00:00:00:00:01 mtu 1500 up",
        "address add 172.30.0.1/16 dev underlay",
        f"link add outside type veth peer name eth0 netns {outside}",
        "link set outside up",
        "address add 203.0.113.1/24 dev outside",
    )
    ip(
        outside,
        "link set lo up",
        "link set eth0 up",
        "address add 203.0.113.10/24 dev eth0",
        "route add default via 203.0.113.1",
    )


def _build_node(made: Cluster, number: int) -> None:
    node, port = made.node(number), names.port_name(node_name(number))
    ip(
        made.fabric(),
        f"link add {port} type veth peer name eth0 netns {node}",
        f"link set {port} master underlay up",
    )
    sysctl(
        node,
        [
            ("ipv4/ip_forward", 1),
            ("ipv4/conf/all/rp_filter", 0),
            ("ipv4/conf/default/rp_filter", 0),
            ("ipv4/conf/all/send_redirects", 0),
            ("ipv4/conf/default/send_redirects", 0),
            ("bridge/bridge-nf-call-iptables", 1),
        ],
    )
    ip(
        node,
        "link set lo up",
        f"link set eth0 address {names.node_mac(node_name(number))} mtu {UNDERLAY_MTU} up",
        f"address add {node_ip(number)}/16 dev eth0",
        "route add default via 172.30.0.1",
        *([] if made.routed else _bridge(made, number)),
        *_backend(made, number),
    )
    in_namespace(node, "nft", "-f", "-", text=masquerade(made))
    if made.backend == "vxlan":
        _build_fdb(made, number)


def _bridge(made: Cluster, number: int) -> tuple[str, ...]:
    return (
        "link add cni0 type bridge",
        f"link set cni0 address {names.bridge_mac(node_name(number))} mtu {made.pod_mtu} up",
        f"address add 10.244.{number}.1/24 dev cni0",
    )


def _backend(made: Cluster, number: int) -> Iterator[str]:
    others = [n for n in made.node_numbers if n != number]
    own = node_ip(number)
    if made.backend == "host-gw":
        for n in others:
            yield f"route add 10.244.{n}.0/24 via {node_ip(n)} dev eth0 src {own}"
        return
    mac = names.vtep_mac(node_name(number))
    yield (
        f"link add vxlan.1 address {mac} mtu {made.pod_mtu} type vxlan id 1 "
        f"local {own} dev eth0 dstport 8472 nolearning"
    )
    yield f"address add 10.244.{number}.0/32 dev vxlan.1"
    yield "link set vxlan.1 up"
    for n in others:
        vtep = names.vtep_mac(node_name(n))
        yield f"neighbor add 10.244.{n}.0 lladdr {vtep} dev vxlan.1 nud permanent"
    for n in others:
        yield f"route add 10.244.{n}.0/24 via 10.244.{n}.0 dev vxlan.1 onlink src {own}"


def _build_fdb(made: Cluster, number: int) -> None:
    lines = [
        f"fdb add {names.vtep_mac(node_name(n))} dev vxlan.1 dst {node_ip(n)} self permanent"
        for n in made.node_numbers
        if n != number
    ]
    in_namespace(made.node(number), "bridge", "-batch", "-", text="\n".join(lines))


def masquerade(made: Cluster) -> str:
    nodes = ", ".join(node_ip(n) for n in made.node_numbers)
    return f"""
    table ip labctl {{
        chain postrouting {{
            type nat hook postrouting priority srcnat
            policy accept
            ip saddr != {POD_CIDR} return
            ip daddr {POD_CIDR} return
            ip daddr {{ {nodes} }} return
            fib daddr type local return
            masquerade fully-random
        }}
    }}
    """


def _build_pod(made: Cluster, pod: Pod) -> None:
    node, gateway = made.node(pod.node), f"10.244.{pod.node}.1"
    if made.routed:
        _build_routed_pod(made, pod, gateway)
        return
    ip(
        node,
        f"link add {pod.veth} mtu {made.pod_mtu} type veth "
        f"peer name eth0 address {pod.mac} mtu {made.pod_mtu} netns {made.pod(pod)}",
        f"link set {pod.veth} master cni0 up",
        f"neighbor add {pod.ip} lladdr {pod.mac} dev cni0 nud permanent",
    )
    ip(
        made.pod(pod),
        "link set lo up",
        "link set eth0 up",
        f"address add {pod.ip}/24 dev eth0",
        f"route add default via {gateway}",
        f"neighbor add {gateway} lladdr {names.bridge_mac(node_name(pod.node))} dev eth0 nud permanent",
    )


def _build_routed_pod(made: Cluster, pod: Pod, gateway: str) -> None:
    ip(
        made.node(pod.node),
        f"link add {pod.veth} mtu {made.pod_mtu} type veth "
        f"peer name eth0 address {pod.mac} mtu {made.pod_mtu} netns {made.pod(pod)}",
        f"link set {pod.veth} up",
        f"address add {gateway}/32 dev {pod.veth}",
        f"route add {pod.ip}/32 dev {pod.veth}",
    )
    ip(
        made.pod(pod),
        "link set lo up",
        "link set eth0 up",
        f"address add {pod.ip}/32 dev eth0",
        f"route add {gateway} dev eth0",
        f"route add default via {gateway}",
    )
