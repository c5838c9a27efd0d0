"""Which of the things in a namespace the agent answers for, and may therefore take away.

What is asked for is its own wherever it is. Beside that: all on its own devices, and the ways to
pods' addresses. Devices that others put into the namespace (a CNI plugin, a user in a lesson), and
what hangs on them, are left alone; so is what the fabric keeps on the underlay.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network

from labctl import names
from labctl.net.nouns import Link, NftTable, Noun, Route, Sysctl
from labctl.net.state import NetState
from labctl.node.ports import POD_INTERFACE
from labctl.node.snapshot import Snapshot
from labctl.node.underlay import UNDERLAY_INTERFACE


def node_domain(observed: Iterable[Noun], wanted: NetState, cluster: Snapshot) -> NetState:
    """The part of a node's namespace that the agent answers for."""
    return NetState(
        noun
        for noun in observed
        if noun.key in wanted.by_key or _is_own(noun, cluster) or _is_renamed_cable(noun, wanted)
    )


def _is_renamed_cable(noun: Noun, wanted: NetState) -> bool:
    """Of no use under another name; it goes, and the fabric plugs in a new one."""
    cable = wanted.get(("link", UNDERLAY_INTERFACE))
    if not isinstance(noun, Link) or not isinstance(cable, Link):
        return False
    return (noun.kind, noun.mac, noun.master) == (cable.kind, cable.mac, "")


def _is_own(noun: Noun, cluster: Snapshot) -> bool:
    # A bridge that plugins made is theirs, whatever it is called.
    devices = (names.VXLAN_DEVICE,) if cluster.plugins else (names.BRIDGE, names.VXLAN_DEVICE)
    match noun:
        case Link():
            return noun.name in devices
        case Route():
            return noun.interface in devices or _is_way_to_pods(noun, cluster)
        case NftTable():
            return True  # only tables that bear labctl's mark are observed
        case Sysctl():
            return False
        case _:
            return noun.interface in devices


def _is_way_to_pods(route: Route, cluster: Snapshot) -> bool:
    """Plugins lead to the node's own pods as they like; between nodes the agent does."""
    if cluster.plugins and route.interface != UNDERLAY_INTERFACE:
        return False
    if route.destination == "default" or ":" in route.destination:
        return False
    return IPv4Network(route.destination).subnet_of(IPv4Network(cluster.pod_cidr))


def pod_domain(observed: Iterable[Noun], wanted: NetState) -> NetState:
    """The part of a pod's namespace that the agent answers for: its cable, with the ways over it.

    Devices that a pod makes for itself (a tunnel, say), and what hangs on them, are its own.
    """
    return NetState(noun for noun in observed if concerns_pod(noun, wanted))


def concerns_pod(noun: Noun, wanted: NetState) -> bool:
    return noun.key in wanted.by_key or _is_of_cable(noun)


def _is_of_cable(noun: Noun) -> bool:
    match noun:
        case Link() | Sysctl() | NftTable():
            return False
        case Route():  # one without an interface keeps packets from the cable
            return noun.interface in {POD_INTERFACE, ""}
        case _:
            return noun.interface == POD_INTERFACE
