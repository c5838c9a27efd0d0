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

_DEVICES = (names.BRIDGE, names.VXLAN_DEVICE)


def node_domain(observed: Iterable[Noun], wanted: NetState, pod_cidr: str) -> NetState:
    """The part of a node's namespace that the agent answers for."""
    pods = IPv4Network(pod_cidr)
    return NetState(noun for noun in observed if noun.key in wanted.by_key or _is_own(noun, pods))


def _is_own(noun: Noun, pods: IPv4Network) -> bool:
    match noun:
        case Link():
            return noun.name in _DEVICES
        case Route():
            return noun.interface in _DEVICES or _leads_to(noun, pods)
        case NftTable():
            return True  # only tables that bear labctl's mark are observed
        case Sysctl():
            return False
        case _:
            return noun.interface in _DEVICES


def _leads_to(route: Route, pods: IPv4Network) -> bool:
    if route.destination == "default" or ":" in route.destination:
        return False
    return IPv4Network(route.destination).subnet_of(pods)


def pod_domain(observed: Iterable[Noun], wanted: NetState) -> NetState:
    """The part of a pod's namespace that the agent answers for: its cable, and all routes."""
    return NetState(
        noun
        for noun in observed
        if noun.key in wanted.by_key
        or isinstance(noun, Route)
        or (not isinstance(noun, Link) and noun.interface == POD_INTERFACE)
    )
