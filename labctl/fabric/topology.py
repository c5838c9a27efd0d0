"""What a lab's fabric should be, as a value: the state of each of its namespaces.

                          fabric                            outside
    node1 eth0 ──── p-node1 ┐                     ┌──────── eth0 203.0.113.10
    node2 eth0 ──── p-node2 ┼ underlay 172.30.0.1 ┴ outside 203.0.113.1
    control-plane ───────── ┘

The router is the fabric's namespace itself. It forwards whatever source address it is given, so
that a masquerade that is missing shows as an untranslated packet at outside and not as a lost one.
MACs are derived, and whoever can know one has it as a permanent neighbour: the ARP table's limits
are global across namespaces. Between nodes that is the agents' work.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network

from labctl import names
from labctl.api.lab import LabSpec, node_address
from labctl.net.nouns import LOOPBACK, Address, Link, Neighbor, Noun, Peer, Route, Sysctl
from labctl.net.state import NetState
from labctl.net.sysctl import device_sysctl

CABLE = "eth0"  # what the end of a cable is called on a node, the control plane and outside
CONTROL_PLANE_PORT = "control-plane"
OUTSIDE_PORT = "outside"

_UNDERLAY_LENGTH = IPv4Network(names.UNDERLAY_CIDR).prefixlen
_OUTSIDE_LENGTH = IPv4Network(names.OUTSIDE_CIDR).prefixlen
_ROUTER_MAC = names.router_mac()
_CONTROL_PLANE_MAC = names.control_plane_mac()
_OUTSIDE_ROUTER_MAC = names.mac_address("router", "outside")
_OUTSIDE_MAC = names.mac_address("outside")

# Spelled out in every namespace, since a new one copies the host's. `all` counts together with the
# device's own value (rp_filter: the greater; redirects: either), so both are set.
_SETTINGS = {
    "rp_filter": "0",  # loose ends are a lesson's matter, not the router's
    "send_redirects": "0",  # nodes are on one segment, so the router would redirect among them
    "accept_redirects": "0",
    "proxy_arp": "0",
    "arp_ignore": "0",
    "arp_announce": "0",
    "arp_filter": "0",
}
_NO_IPV6_ADDRESSES = Sysctl("net.ipv6.conf.default.addr_gen_mode", "1")
_BRIDGE_NETFILTER = "net.bridge.bridge-nf-call-iptables"


def desired_fabric(spec: LabSpec) -> dict[str, NetState]:
    """The namespaces of a lab's fabric by name, the fabric itself first, and what each holds.

    Of a node's namespace it is the cable's end and what is needed to reach the control plane; the
    rest is the agent's.
    """
    states = {names.fabric_netns(spec.name): NetState(_switch(spec))}
    states[names.outside_netns(spec.name)] = NetState(_outside(spec))
    states[names.control_plane_netns(spec.name)] = NetState(_control_plane(spec))
    for node in spec.node_names:
        states[names.node_netns(spec.name, node)] = NetState(_node(spec, node))
    return states


def port_of(spec: LabSpec, machine: str) -> str:
    """The switch port of a node, or of the control plane, if no node is called that."""
    known = spec.node_names
    if machine == CONTROL_PLANE_PORT and machine not in known:
        return CONTROL_PLANE_PORT
    return names.port_name(machine)


def bridge_netfilter_off() -> Sysctl:
    """What keeps bridged packets of the fabric from nftables, where br_netfilter is loaded."""
    return Sysctl(_BRIDGE_NETFILTER, "0")


def _switch(spec: LabSpec) -> Iterator[Noun]:
    mtu, bridge = spec.network.mtu, names.UNDERLAY_BRIDGE
    yield LOOPBACK
    yield from _settings(forwarding=True, devices=(bridge, OUTSIDE_PORT))
    yield Link(bridge, "bridge", mtu=mtu, mac=_ROUTER_MAC)
    yield Address(bridge, f"{names.ROUTER_ADDRESS}/{_UNDERLAY_LENGTH}")
    yield _port(spec, CONTROL_PLANE_PORT, names.control_plane_netns(spec.name), _CONTROL_PLANE_MAC)
    yield Neighbor(bridge, names.CONTROL_PLANE_ADDRESS, _CONTROL_PLANE_MAC)
    for node in spec.node_names:
        netns, mac = names.node_netns(spec.name, node), names.node_mac(node)
        yield _port(spec, names.port_name(node), netns, mac, alias=node)
        yield Neighbor(bridge, node_address(spec, node), mac)
    outside = Peer(CABLE, _pin(names.outside_netns(spec.name)), _OUTSIDE_MAC, mtu)
    yield Link(OUTSIDE_PORT, "veth", mtu=mtu, mac=_OUTSIDE_ROUTER_MAC, peer=outside)
    yield Address(OUTSIDE_PORT, f"{names.OUTSIDE_ROUTER_ADDRESS}/{_OUTSIDE_LENGTH}")
    yield Neighbor(OUTSIDE_PORT, names.OUTSIDE_ADDRESS, _OUTSIDE_MAC)


def _port(spec: LabSpec, name: str, netns: str, peer_mac: str, alias: str = "") -> Link:
    """A switch port and, as its peer, the cable's other end."""
    mtu = spec.network.mtu
    return Link(
        name=name,
        kind="veth",
        mtu=mtu,
        mac=names.mac_address("port", name),
        master=names.UNDERLAY_BRIDGE,
        alias=alias,
        peer=Peer(CABLE, _pin(netns), peer_mac, mtu),
    )


def _pin(netns: str) -> str:
    return str(names.netns_path(netns))


def _outside(spec: LabSpec) -> Iterator[Noun]:
    yield LOOPBACK
    yield from _settings(forwarding=False, devices=(CABLE,))
    yield Link(CABLE, "veth", mtu=spec.network.mtu, mac=_OUTSIDE_MAC)
    yield Address(CABLE, f"{names.OUTSIDE_ADDRESS}/{_OUTSIDE_LENGTH}")
    yield Neighbor(CABLE, names.OUTSIDE_ROUTER_ADDRESS, _OUTSIDE_ROUTER_MAC)
    yield Route("default", CABLE, gateway=names.OUTSIDE_ROUTER_ADDRESS)


def _control_plane(spec: LabSpec) -> Iterator[Noun]:
    yield LOOPBACK
    yield from _settings(forwarding=False, devices=(CABLE,))
    yield from _on_segment(spec, names.CONTROL_PLANE_ADDRESS, _CONTROL_PLANE_MAC)
    for node in spec.node_names:
        yield Neighbor(CABLE, node_address(spec, node), names.node_mac(node))


def _node(spec: LabSpec, node: str) -> Iterator[Noun]:
    yield LOOPBACK
    yield _NO_IPV6_ADDRESSES  # before the link is made; all other settings are the agent's
    yield from _on_segment(spec, node_address(spec, node), names.node_mac(node))
    yield Neighbor(CABLE, names.CONTROL_PLANE_ADDRESS, _CONTROL_PLANE_MAC)


def _on_segment(spec: LabSpec, address: str, mac: str) -> Iterator[Noun]:
    yield Link(CABLE, "veth", mtu=spec.network.mtu, mac=mac)
    yield Address(CABLE, f"{address}/{_UNDERLAY_LENGTH}")
    yield Neighbor(CABLE, names.ROUTER_ADDRESS, _ROUTER_MAC)
    yield Route("default", CABLE, gateway=names.ROUTER_ADDRESS)


def _settings(*, forwarding: bool, devices: tuple[str, ...]) -> Iterator[Sysctl]:
    yield Sysctl("net.ipv4.ip_forward", str(int(forwarding)))
    yield _NO_IPV6_ADDRESSES
    for device in ("all", "default", *devices):
        for setting, value in _SETTINGS.items():
            yield device_sysctl("ipv4", device, setting, value)
