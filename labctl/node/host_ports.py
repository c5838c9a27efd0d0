"""hostPort: ports of the node that lead to its pods, as the reference plugin portmap has them.

A table of its own, there only while a pod wants it. Who asks from the pod's own subnet, or from the
node's loopback, is hidden behind the node: the answer would otherwise not come back the same way.
"""

from collections.abc import Iterable, Iterator

from labctl import names
from labctl.cri.messages import PortMapping
from labctl.net import nft
from labctl.net.nouns import Noun
from labctl.node.snapshot import PodPort, Snapshot

_HIDDEN = "0x2000"  # a bit of the packet mark: portmap's own
_PREROUTING = "type nat hook prerouting priority dstnat"
_OUTPUT = "type nat hook output priority -100"
_POSTROUTING = "type nat hook postrouting priority srcnat"


def nouns(snapshot: Snapshot, node: str) -> Iterator[Noun]:
    mapped = [port for port in snapshot.ports if port.mappings]
    if not mapped:
        return
    own = f"{{ 127.0.0.0/8, {snapshot.node(node).pod_cidr} }}"
    hides = f"ip saddr {own} meta mark set meta mark or {_HIDDEN}"
    yield nft.render(
        "ip",
        names.NFT_HOST_PORTS,
        (
            nft.Chain("mappings", tuple(_rules(mapped, hides))),
            nft.Chain("prerouting", ("fib daddr type local jump mappings",), _PREROUTING),
            nft.Chain("output", ("fib daddr type local jump mappings",), _OUTPUT),
            nft.Chain(
                "postrouting", (f"meta mark and {_HIDDEN} == {_HIDDEN} masquerade",), _POSTROUTING
            ),
        ),
    )


def _rules(ports: Iterable[PodPort], hides: str) -> Iterator[str]:
    for port in sorted(ports, key=lambda one: one.sandbox):
        for mapping in port.mappings:
            meant = _match(mapping)
            yield f"{meant} {hides}"
            yield f"{meant} dnat to {port.address}:{mapping.container_port}"


def _match(mapping: PortMapping) -> str:
    where = f"ip daddr {mapping.host_ip} " if mapping.host_ip not in ("", "0.0.0.0") else ""  # noqa: S104
    return f"{where}{mapping.protocol.lower()} dport {mapping.host_port}"
