"""What a node's network should be: a pure function of a snapshot and the node's name.

The union of what each feature asks for, one file a feature. What is not asked for but observed in
the agent's own part of the namespace (`domain`) is taken away.
"""

from collections.abc import Callable, Iterator

from labctl.net.nouns import Noun
from labctl.net.state import NetState
from labctl.node import (
    backend_hostgw,
    backend_vxlan,
    bridge,
    host_ports,
    masquerade,
    ports,
    sysctls,
    underlay,
)
from labctl.node.snapshot import Snapshot

Feature = Callable[[Snapshot, str], Iterator[Noun]]

BACKENDS: dict[str, Feature] = {"host-gw": backend_hostgw.nouns, "vxlan": backend_vxlan.nouns}
FEATURES: tuple[Feature, ...] = (
    underlay.nouns,
    sysctls.nouns,
    bridge.nouns,
    ports.nouns,
    masquerade.nouns,
    host_ports.nouns,
)


def desired(snapshot: Snapshot, node: str) -> NetState:
    """The network of `node`'s namespace. KeyError if the snapshot does not know the node."""
    features = (*FEATURES, BACKENDS[snapshot.backend])
    return NetState(noun for feature in features for noun in feature(snapshot, node))
