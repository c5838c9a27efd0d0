"""Ways to break a healthy network by hand, one at a time, and what verify must say of each.

A check that cannot fail proves nothing. Each row has shell commands that break and mend, to be run
inside network namespaces, and what must fail: which claims, and no others, and with which words.
Nothing here knows who built the network: the names are those of the contract, and what a mend needs
is saved by the break. So the same table holds for clusters made by hand and for real labs (with
`network.healing: false`, or an agent would mend first).
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path

from labctl import names
from labctl.verify.plan import EGRESS, MTU, NODE_TO_POD, POD_TO_NODE, POD_TO_POD
from labctl.verify.topology import Endpoint, Topology

HOST_GW, VXLAN = "host-gw", "vxlan"
Command = tuple[str, str]  # where (a key of Site.places), and a line for sh with {fields}


@dataclass(frozen=True)
class Sabotage:
    """A wound. `claims` are exactly those that fail; `path` and `reason` those of one such check.

    `claim` is the one that must name it, `reason` a regular expression with {fields}.
    """

    name: str
    claim: str
    path: str
    reason: str
    breaks: tuple[Command, ...]
    mends: tuple[Command, ...]
    claims: frozenset[str]
    protocol: str = "icmp"
    backends: tuple[str, ...] = (HOST_GW, VXLAN)


@dataclass(frozen=True)
class Site:
    """Where to strike: pods a1 and a2 on node a, b1 and b2 on node b."""

    places: Mapping[str, Path]
    fields: Mapping[str, str]

    def run(self, commands: tuple[Command, ...]) -> None:
        """Runs the commands in their namespaces; raises if one fails."""
        for place, line in commands:
            text = line.format_map(self.fields)
            whole = ["nsenter", f"--net={self.places[place]}", "sh", "-ec", text]
            done = subprocess.run(whole, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{place}: {text}: {done.stderr}"


def site(topology: Topology, scratch: Path) -> Site:
    """The first two nodes that have two pods each; `scratch` is where breaks save for mends."""
    by_node = {
        node: pods
        for node in topology.nodes
        if len(pods := [pod for pod in topology.pods if pod.node == node.name]) > 1
    }
    (a, pods_a), (b, pods_b) = list(by_node.items())[:2]
    ends = {"a": a, "b": b, "a1": pods_a[0], "a2": pods_a[1], "b1": pods_b[0], "b2": pods_b[1]}
    fields = {"scratch": str(scratch), "pod_cidr": topology.pod_cidr, "mtu": str(topology.mtu)}
    for key, end in ends.items():
        fields |= _fields(key, end)
    fields |= {"a_subnet": _subnet(pods_a[0]), "b_subnet": _subnet(pods_b[0])}
    fields |= {"a_port": names.port_name(a.name), "b_vtep_mac": names.vtep_mac(b.name)}
    fields |= {"b_vtep": fields["b_subnet"].split("/")[0]}
    places = {key: end.netns for key, end in ends.items()} | {"fabric": topology.fabric.netns}
    return Site(places, fields)


def _fields(key: str, end: Endpoint) -> dict[str, str]:
    veth = names.veth_name(end.uid, 0)
    return {key: end.label, f"{key}_ip": end.ip, f"{key}_veth": veth}


def _subnet(pod: Endpoint) -> str:
    return str(ip_interface(f"{pod.ip}/24").network)


def _claims(*claims: str) -> frozenset[str]:
    return frozenset(claims)


ALL = _claims(POD_TO_POD, POD_TO_NODE, NODE_TO_POD, EGRESS, MTU)


def _nat(hook: str, rule: str) -> tuple[Command, ...]:
    """A NAT rule of its own table, before everyone else's, in node a."""
    priority = "srcnat - 10" if hook == "postrouting" else "dstnat - 10"
    return _chain(f"type nat hook {hook} priority {priority}", rule)


def _chain(*lines: str) -> tuple[Command, ...]:
    """A table of its own in node a, with one chain; a statement a line, as nft 1.0.6 wants it."""
    body = "\n".join(lines)
    text = f"nft -f - <<END\ntable ip sabotage {{{{\nchain one {{{{\n{body}\n}}}}\n}}}}\nEND"
    return (("a", text),)


def _forwards(place: str, port: str) -> Command:
    """Waits for a bridge port: the kernel tells bridges of a carrier up to a second later."""
    return place, f"until bridge link show dev {port} | grep -q 'state forwarding'; do :; done"


def _is_up(place: str) -> Command:
    return place, "until ip -brief link show dev eth0 | grep -q ' UP '; do :; done"


_NO_TABLE: tuple[Command, ...] = (("a", "nft delete table ip sabotage"),)

TABLE = (
    Sabotage(
        "stray SNAT between pods of one node",
        POD_TO_POD,
        "same-node",
        r"^translated source {a1_ip} into {a_ip} \(first seen at {a} \S+\)$",
        _nat("postrouting", "ip saddr {a_subnet} ip daddr {a_subnet} snat to {a_ip}"),
        _NO_TABLE,
        _claims(POD_TO_POD, MTU),
    ),
    Sabotage(
        "stray SNAT between pods of two nodes",
        POD_TO_POD,
        "cross-node",
        r"^translated source {a1_ip} into {a_ip} \(first seen at {a} (eth0|vxlan\.1)\)$",
        _nat("postrouting", "ip saddr {a_subnet} ip daddr {b_subnet} snat to {a_ip}"),
        _NO_TABLE,
        _claims(POD_TO_POD, MTU),
    ),
    Sabotage(
        "masquerade removed",
        EGRESS,
        "egress",
        r"^not translated: outside saw source {a1_ip}, not {a_ip}$",
        (
            (
                "a",
                "nft list table ip labctl > {scratch}/labctl.nft; nft delete table ip labctl",
            ),
        ),
        (("a", "nft -f {scratch}/labctl.nft"),),
        _claims(EGRESS, MTU),
    ),
    Sabotage(
        "masquerade that also catches pod to node",
        POD_TO_NODE,
        "cross-node",
        r"^translated source {a1_ip} into {a_ip} \(first seen at {a} eth0\)$",
        _nat("postrouting", "ip saddr {pod_cidr} ip daddr 172.30.0.0/16 masquerade"),
        _NO_TABLE,
        _claims(POD_TO_NODE, MTU),
    ),
    Sabotage(
        "route to another node's pods deleted",
        POD_TO_POD,
        "cross-node",
        r"^lost after fabric underlay",
        (
            (
                "a",
                "ip route show {b_subnet} > {scratch}/route; ip route delete {b_subnet}",
            ),
        ),
        (("a", "ip route add $(cat {scratch}/route)"),),
        _claims(POD_TO_POD, POD_TO_NODE, NODE_TO_POD, MTU),  # to node a: its answers are lost
    ),
    Sabotage(
        "wrong MAC of the remote VTEP in the neighbour entry",
        POD_TO_POD,
        "cross-node",
        r"^lost after {a} vxlan\.1",
        (
            (
                "a",
                "ip neighbor replace {b_vtep} lladdr 02:00:00:00:be:ef dev vxlan.1 nud permanent",
            ),
        ),
        (
            (
                "a",
                "ip neighbor replace {b_vtep} lladdr {b_vtep_mac} dev vxlan.1 nud permanent",
            ),
        ),
        _claims(POD_TO_POD, POD_TO_NODE, NODE_TO_POD, MTU),
        backends=(VXLAN,),
    ),
    Sabotage(
        "wrong VNI",
        POD_TO_POD,
        "cross-node",
        r"^lost after {b} eth0 \(in VXLAN 99 to {b_ip}\)",
        (("a", "bridge fdb replace {b_vtep_mac} dev vxlan.1 dst {b_ip} vni 99 self permanent"),),
        (("a", "bridge fdb replace {b_vtep_mac} dev vxlan.1 dst {b_ip} vni 1 self permanent"),),
        _claims(POD_TO_POD, POD_TO_NODE, NODE_TO_POD, MTU),
        backends=(VXLAN,),
    ),
    Sabotage(
        "wrong FDB destination",
        POD_TO_POD,
        "cross-node",
        r"^lost after {a} vxlan\.1",
        (("a", "bridge fdb replace {b_vtep_mac} dev vxlan.1 dst 172.30.1.249 self permanent"),),
        (("a", "bridge fdb replace {b_vtep_mac} dev vxlan.1 dst {b_ip} self permanent"),),
        _claims(POD_TO_POD, POD_TO_NODE, NODE_TO_POD, MTU),
        backends=(VXLAN,),
    ),
    Sabotage(
        "rp_filter strict under vxlan",
        POD_TO_NODE,
        "cross-node",
        r"^no reply: {b} got it and did not answer",
        (("b", "sysctl -qw net.ipv4.conf.all.rp_filter=1"),),
        (("b", "sysctl -qw net.ipv4.conf.all.rp_filter=0"),),
        _claims(POD_TO_NODE, NODE_TO_POD),
        backends=(VXLAN,),
    ),
    Sabotage(
        "ip_forward off",
        POD_TO_POD,
        "cross-node",
        r"^lost after {a} cni0",
        (("a", "sysctl -qw net.ipv4.ip_forward=0"),),
        (("a", "sysctl -qw net.ipv4.ip_forward=1"),),
        ALL,
    ),
    Sabotage(
        "a pod's veth down",
        POD_TO_POD,
        "same-node",
        r"^lost after {a1}: it never left",
        (("a", "ip link set {a1_veth} down"),),
        (("a", "ip link set {a1_veth} up"), _forwards("a", "{a1_veth}"), _is_up("a1")),
        ALL,
    ),
    Sabotage(
        "a pod's default route gone",
        POD_TO_POD,
        "cross-node",
        r"^lost after {a1}: its own stack would not send it: .*\(ENETUNREACH\)$",
        (("a1", "ip route show default > {scratch}/default; ip route delete default"),),
        (("a1", "ip route add $(cat {scratch}/default)"),),
        ALL,
    ),
    Sabotage(
        "two pods with one address on one node",
        POD_TO_POD,
        "same-node",
        r"^wrong peer: {a1_ip} belongs to more than one: (?=.*{a1})(?=.*{a2})",
        (("a2", "ip address add {a1_ip}/32 dev eth0"),),
        (
            ("a2", "ip address delete {a1_ip}/32 dev eth0"),
            ("a", "ip neigh flush to {a1_ip} dev cni0"),  # it may have learned the wrong MAC
        ),
        ALL,
    ),
    Sabotage(
        "two pods with one address on two nodes",
        POD_TO_POD,
        "cross-node",
        r"^wrong peer: {a1_ip} belongs to more than one: (?=.*{a1})(?=.*{b1})",
        (("b1", "ip address add {a1_ip}/32 dev eth0"),),
        (("b1", "ip address delete {a1_ip}/32 dev eth0"),),
        ALL,
    ),
    Sabotage(
        "pods' MTU left at the underlay's",
        MTU,
        "cross-node",
        r"^wrong size: 1500 bytes are the sending interface's MTU, but \S+ takes 1450 ",
        (
            ("a", "for link in cni0 {a1_veth} {a2_veth}; do ip link set $link mtu 1500; done"),
            ("a1", "ip link set eth0 mtu 1500"),
            ("a2", "ip link set eth0 mtu 1500"),
        ),
        (
            ("a1", "ip link set eth0 mtu 1450"),
            ("a2", "ip link set eth0 mtu 1450"),
            ("a", "for link in {a1_veth} {a2_veth} cni0; do ip link set $link mtu 1450; done"),
        ),
        _claims(MTU),
        backends=(VXLAN,),
    ),
    Sabotage(
        "a switch port of the fabric at 1400",
        MTU,
        "cross-node",
        r"^lost after {a} eth0",
        (("fabric", "ip link set {a_port} mtu 1400"),),
        (("fabric", "ip link set {a_port} mtu {mtu}"),),
        _claims(MTU),
    ),
    Sabotage(
        "DNAT of a pod's address to the wrong pod",
        POD_TO_POD,
        "cross-node",
        r"^wrong peer: {b2} got it: translated destination {b1_ip} into {b2_ip} \(first seen at {a} ",
        _nat("prerouting", "ip daddr {b1_ip} dnat to {b2_ip}"),
        _NO_TABLE,
        _claims(POD_TO_POD, MTU),
    ),
    Sabotage(
        "a drop rule for UDP only",
        POD_TO_POD,
        "cross-node",
        r"^lost after {a} cni0",
        _chain("type filter hook forward priority filter", "meta l4proto udp drop"),
        _NO_TABLE,
        ALL,
        protocol="udp",
    ),
    Sabotage(
        "a node's cable pulled",
        POD_TO_POD,
        "cross-node",
        r"^lost after {a} (eth0|vxlan\.1|cni0)",
        (("fabric", "ip link set {a_port} down"),),
        (("fabric", "ip link set {a_port} up"), _forwards("fabric", "{a_port}"), _is_up("a")),
        ALL,
    ),
)
