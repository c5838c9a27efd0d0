"""Ways to hurt a lab by hand, and what must be said when it was mended.

Every kind of kernel object that a lab makes is in it: whoever adds one adds its wound. The names
are those of the contract, so the rows fit any lab with two nodes, a and b, and pods a1, a2, b1, b2.
Each is mended within a second by whoever keeps the object, with one line in that one's log and one
Event; `healers` says of whom, where a wound goes across (a cable has two ends).
"""

from dataclasses import dataclass

HOST_GW, VXLAN = "host-gw", "vxlan"
BOTH = (HOST_GW, VXLAN)
HOST = "host"  # the machine's own namespaces, where /run/netns is


@dataclass(frozen=True)
class Wound:
    """`line` is for sh, in `place`, with {fields}.

    `said` is part of what is told, in an Event of the object `of` (its kind and name).
    """

    name: str
    place: str
    line: str
    said: str
    of: str
    healers: tuple[str, ...] = ()
    backends: tuple[str, ...] = BOTH


def _pod(name: str, line: str, said: str) -> Wound:
    return Wound(f"pod: {name}", "a1", line, said, "Pod/{a1}")


def _node(name: str, line: str, said: str, backends: tuple[str, ...] = BOTH) -> Wound:
    return Wound(f"node: {name}", "a", line, said, "Node/{a}", backends=backends)


def _port(name: str, line: str, said: str) -> Wound:
    return Wound(f"port: {name}", "a", line, said, "Pod/{a1}")


def _fabric(name: str, place: str, line: str, said: str, of: str = "Lab/{lab}") -> Wound:
    return Wound(f"{place}: {name}", place, line, said, of, backends=(HOST_GW,))


def _pin(name: str, line: str, said: str, of: str) -> Wound:
    return Wound(f"pin: {name}", HOST, line, said, of, backends=(HOST_GW,))


_STRANGE_MAC = "02:00:00:00:be:ef"

POD_SIDE = (
    _pod("eth0 deleted", "ip link del eth0", "no veth {a1_veth}"),
    _pod("eth0 down", "ip link set eth0 down", "veth eth0 down"),
    _pod(
        "eth0 down and up",
        "printf 'link set eth0 down\\nlink set eth0 up' | ip -batch -",
        "no default via",
    ),
    _pod(
        "eth0 renamed",
        "printf 'link set eth0 down\\nlink set eth0 name other' | ip -batch -",
        "no veth {a1_veth}",
    ),
    _pod("MTU", "ip link set eth0 mtu 1400", "veth eth0 with mtu 1400"),
    _pod("MAC", f"ip link set eth0 address {_STRANGE_MAC}", f"veth eth0 with mac {_STRANGE_MAC}"),
    _pod("lo down", "ip link set lo down", "no loopback lo"),
    _pod("address deleted", "ip address del {a1_ip}/24 dev eth0", "no {a1_ip}/24 dev eth0"),
    _pod("address added", "ip address add {b1_ip}/32 dev eth0", "a stray {b1_ip}/32 dev eth0"),
    _pod("default route deleted", "ip route del default", "no default via"),
    _pod(
        "connected route deleted",
        "ip route del {a_subnet}",
        "{a1_ip}/24 dev eth0 without its route",
    ),
    _pod("blackhole", "ip route add blackhole {b_subnet}", "a stray {b_subnet}"),
    _pod("neighbour deleted", "ip neigh del {a_gateway} dev eth0", "no {a_gateway} lladdr"),
    _pod(
        "neighbour's MAC",
        f"ip neigh replace {{a_gateway}} lladdr {_STRANGE_MAC} dev eth0 nud permanent",
        f"{{a_gateway}} lladdr {_STRANGE_MAC} dev eth0 nud permanent in place of",
    ),
    _pod(
        "neighbour no longer permanent",
        "ip neigh change {a_gateway} dev eth0 nud stale",
        "no {a_gateway} lladdr",
    ),
)

PORTS = (
    _port("deleted", "ip link del {a1_veth}", "no veth {a1_veth}"),
    _port("down", "ip link set {a1_veth} down", "veth {a1_veth} down"),
    _port("out of its bridge", "ip link set {a1_veth} nomaster", "veth {a1_veth} without master"),
    _port("MTU", "ip link set {a1_veth} mtu 1400", "veth {a1_veth} with mtu 1400"),
    _port(
        "MAC",
        f"ip link set {{a1_veth}} address {_STRANGE_MAC}",
        f"veth {{a1_veth}} with mac {_STRANGE_MAC}",
    ),
    _port("neighbour deleted", "ip neigh del {a1_ip} dev cni0", "no {a1_ip} lladdr"),
)

NODE = (
    _node("bridge deleted", "ip link del cni0", "no bridge cni0"),
    _node("bridge down", "ip link set cni0 down", "bridge cni0 down"),
    _node("bridge's MTU", "ip link set cni0 mtu 1000", "bridge cni0 with mtu 1000"),
    _node("bridge's MAC", f"ip link set cni0 address {_STRANGE_MAC}", "bridge cni0 with mac"),
    _node(
        "bridge's address", "ip address del {a_gateway}/24 dev cni0", "no {a_gateway}/24 dev cni0"
    ),
    _node("route deleted", "ip route del {b_subnet}", "no {b_subnet} via"),
    _node("route replaced", "ip route replace blackhole {b_subnet}", "in place of {b_subnet} via"),
    _node("default route deleted", "ip route del default", "no default via"),
    _node("eth0's address", "ip address del {a_ip}/16 dev eth0", "no {a_ip}/16 dev eth0"),
    _node("eth0 down", "ip link set eth0 down", "veth eth0 down"),
    _node("eth0's MTU", "ip link set eth0 mtu 1400", "veth eth0 with mtu 1400"),
    _node("eth0's MAC", f"ip link set eth0 address {_STRANGE_MAC}", "veth eth0 with mac"),
    _node("neighbour deleted", "ip neigh del {b_ip} dev eth0", "no {b_ip} lladdr"),
    _node("forwarding off", "sysctl -qw net.ipv4.ip_forward=0", "net.ipv4.ip_forward=0 in place"),
    _node("setting without event", "sysctl -qw net.ipv4.conf.all.arp_ignore=2", "arp_ignore=2"),
    _node("nft table deleted", "nft delete table ip labctl", "no table ip labctl"),
    _node("nft chain flushed", "nft flush chain ip labctl postrouting", "in place of table ip"),
    _node(
        "nft rule added", "nft insert rule ip labctl postrouting counter drop", "in place of table"
    ),
    _node("vxlan device deleted", "ip link del vxlan.1", "no vxlan vxlan.1", (VXLAN,)),
    _node("vxlan device down", "ip link set vxlan.1 down", "vxlan vxlan.1 down", (VXLAN,)),
    _node("vxlan device's MTU", "ip link set vxlan.1 mtu 1300", "vxlan.1 with mtu", (VXLAN,)),
    _node(
        "FDB entry deleted",
        "bridge fdb del {b_vtep_mac} dev vxlan.1 dst {b_ip}",
        "no {b_vtep_mac} dev vxlan.1",
        (VXLAN,),
    ),
    _node(
        "FDB entry's destination",
        "bridge fdb replace {b_vtep_mac} dev vxlan.1 dst 172.30.1.249 self permanent",
        "in place of {b_vtep_mac} dev vxlan.1",
        (VXLAN,),
    ),
    _node("vtep's neighbour", "ip neigh del {b_vtep} dev vxlan.1", "no {b_vtep} lladdr", (VXLAN,)),
    Wound(
        "node: eth0 deleted",
        "a",
        "ip link del eth0",
        "no veth {a_port}",
        "Node/{a}",
        healers=("fabric", "agent"),
    ),
    Wound(
        "node: eth0 renamed",
        "a",
        "printf 'link set eth0 down\\nlink set eth0 name other' | ip -batch -",
        "a stray veth other",
        "Node/{a}",
        healers=("agent", "fabric", "agent"),
    ),
)

FABRIC = (
    _fabric("bridge deleted", "fabric", "ip link del underlay", "no bridge underlay"),
    _fabric("bridge down", "fabric", "ip link set underlay down", "bridge underlay down"),
    _fabric("bridge's address", "fabric", "ip address flush dev underlay", "no 172.30.0.1/16"),
    _fabric(
        "neighbour", "fabric", "ip neigh del {a_ip} dev underlay", "no {a_ip} lladdr", "Node/{a}"
    ),
    _fabric("port down", "fabric", "ip link set {a_port} down", "veth {a_port} down", "Node/{a}"),
    _fabric("port's MTU", "fabric", "ip link set {a_port} mtu 1400", "mtu 1400", "Node/{a}"),
    _fabric(
        "port out of the bridge", "fabric", "ip link set {a_port} nomaster", "without", "Node/{a}"
    ),
    _fabric(
        "forwarding off", "fabric", "sysctl -qw net.ipv4.ip_forward=0", "net.ipv4.ip_forward=0"
    ),
    _fabric("setting", "fabric", "sysctl -qw net.ipv4.conf.all.arp_ignore=2", "arp_ignore=2"),
    _fabric("cable deleted", "outside", "ip link del eth0", "no veth outside"),
    _fabric("address", "outside", "ip address flush dev eth0", "no 203.0.113.10/24 dev eth0"),
    _fabric("default route", "outside", "ip route del default", "no default via 203.0.113.1"),
    _fabric("cable down", "control-plane", "ip link set eth0 down", "veth eth0 down"),
    _fabric("cable deleted", "control-plane", "ip link del eth0", "no veth control-plane"),
    Wound(
        "fabric: cable of a node deleted",
        "fabric",
        "ip link del {a_port}",
        "no veth {a_port}",
        "Node/{a}",
        healers=("fabric", "agent"),
        backends=(HOST_GW,),
    ),
)

_NETNS = "/run/netns/labctl.{lab}"

PINS = (
    _pin("pod's", f"rm {_NETNS}.pod.default.{{a1}}", "no /run/netns", "Pod/{a1}"),
    _pin("pod's, by ip netns", "ip netns del labctl.{lab}.pod.default.{a1}", "no /run", "Pod/{a1}"),
    _pin(
        "pod's, given to another",
        f"ln -sfn /proc/self/ns/net {_NETNS}.pod.default.{{a1}}",
        "something else at",
        "Pod/{a1}",
    ),
    _pin("node's", "ip netns del labctl.{lab}.node.{a}", "no namespace at", "Node/{a}"),
    _pin("node's, unmounted", f"umount -l {_NETNS}.node.{{a}}", "no namespace at", "Node/{a}"),
    _pin(
        "node's, given to another",
        f"mount --bind /proc/self/ns/net {_NETNS}.node.{{a}}",
        "something else at",
        "Node/{a}",
    ),
    _pin("fabric's", "ip netns del labctl.{lab}.fabric", "no namespace at", "Lab/{lab}"),
    _pin("outside's", "ip netns del labctl.{lab}.outside", "no namespace at", "Lab/{lab}"),
    _pin(
        "control plane's", "ip netns del labctl.{lab}.control-plane", "no namespace at", "Lab/{lab}"
    ),
)

TABLE = (*POD_SIDE, *PORTS, *NODE, *FABRIC, *PINS)
