"""Masquerade: pods reach the outside as their node, and nothing else is translated.

Pod to pod and pod to node keep their addresses both ways, which the network model promises; the
rest leaves with the node's own address, on a port taken fully at random: two flows that take the
same port at the same moment would lose a packet to the race.
"""

from collections.abc import Iterator

from labctl import names
from labctl.net import nft
from labctl.net.nouns import Noun
from labctl.node.snapshot import Snapshot

_HOOK = "type nat hook postrouting priority srcnat"
_MULTICAST = "224.0.0.0/4"


def nouns(snapshot: Snapshot, _node: str) -> Iterator[Noun]:
    """The nft table; it is the same on every node.

    None where CNI plugins masquerade themselves: what they do is then seen as they do it.
    """
    if not snapshot.masquerade:
        return
    places = (*snapshot.machines, *snapshot.nodes)
    addresses = sorted({place.address for place in places}, key=_numeric)
    rules = (
        f"ip saddr != {snapshot.pod_cidr} accept",
        f"ip daddr {snapshot.pod_cidr} accept",
        "ip daddr @nodes accept",
        f"ip daddr {_MULTICAST} accept",
        "fib daddr type local accept",
        "masquerade fully-random",
    )
    yield nft.render(
        "ip",
        names.NFT_TABLE,
        (
            nft.Set("nodes", "ipv4_addr", tuple(addresses)),
            nft.Chain("postrouting", rules, _HOOK),
        ),
    )


def _numeric(address: str) -> tuple[int, ...]:
    return tuple(int(part) for part in address.split("."))
