"""The kernel settings of a node, every one that matters spelled out.

A new namespace takes its IPv4 settings from the host's, so one on a host with Docker differs from
one on a bare host: nothing may be left to chance. `all` and `default` are set before links are
made, which copy `default`; devices that may be older are set by name.
"""

from collections.abc import Iterator

from labctl import names
from labctl.net.nouns import Noun, Sysctl
from labctl.net.sysctl import device_sysctl
from labctl.node.snapshot import Snapshot
from labctl.node.underlay import UNDERLAY_INTERFACE

_NAMESPACE = {
    "net.ipv4.ip_forward": "1",
    # Services and policies between two pods of one bridge need their packets to meet nftables.
    "net.bridge.bridge-nf-call-iptables": "1",
}
_EVERY_INTERFACE = {
    # Under vxlan a pod's packet to another node comes back another way; the greater of `all` and
    # the device's own value holds, so both must be 0.
    "rp_filter": "0",
    # Nodes share a segment, so the kernel would tell each about shorter ways; here `all` or the
    # device's own value is enough to send them.
    "send_redirects": "0",
    "accept_redirects": "0",
    "proxy_arp": "0",
    "arp_ignore": "0",
    "arp_announce": "0",
    "arp_filter": "0",
    "route_localnet": "0",
    "forwarding": "1",
}


def nouns(snapshot: Snapshot, node: str) -> Iterator[Noun]:
    for name, value in _NAMESPACE.items():
        yield Sysctl(name, value)
    for interface in _interfaces(snapshot, node):
        for name, value in _EVERY_INTERFACE.items():
            yield device_sysctl("ipv4", interface, name, value)
    if any(port.mappings for port in snapshot.ports):  # 127.0.0.1:hostPort leads into the bridge
        yield device_sysctl("ipv4", names.BRIDGE, "route_localnet", "1")


def _interfaces(snapshot: Snapshot, node: str) -> Iterator[str]:
    yield from ("all", "default", UNDERLAY_INTERFACE)
    if snapshot.node(node).pod_cidr:
        if not snapshot.plugins:
            yield names.BRIDGE
        if snapshot.backend == "vxlan":
            yield names.VXLAN_DEVICE
