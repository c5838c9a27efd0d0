"""Gives every node its podCIDR: a /24 of the cluster's, never taken back while the node lives.

The n-th node of a lab gets the n-th subnet where that is free, so that addresses can be read:
a pod of node2 is 10.244.2.x.
"""

import asyncio
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from itertools import chain
from typing import Final

from labctl.api.kinds.core import NODES
from labctl.api.objects import Obj, name
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.writes import Patch, perform
from labctl.names import UNDERLAY_CIDR

_PREFIX: Final = 24
_FIRST_NODE: Final = IPv4Network(UNDERLAY_CIDR).network_address + 256  # 172.30.1.0, see contract


def allocate(cluster: str, node: Obj, taken: Iterable[str]) -> str | None:
    """A free /24 of the cluster's CIDR for the node; None when all are taken."""
    network = IPv4Network(cluster)
    count = 1 << max(0, _PREFIX - network.prefixlen)
    number = node_number(node)
    preferred = [number] if number is not None and number < count else []
    # Subnet 0 is left for last: its number is nobody's.
    numbers = chain(preferred, range(1, count), [0])
    subnets = (f"{network.network_address + (n << 32 - _PREFIX)}/{_PREFIX}" for n in numbers)
    used = set(taken)
    return next((one for one in subnets if one not in used), None)


def node_number(node: Obj) -> int | None:
    """The n of a node with the InternalIP 172.30.1.0 + n."""
    for address in (node.get("status") or {}).get("addresses") or ():
        if address.get("type") == "InternalIP":
            number = int(IPv4Address(address["address"])) - int(_FIRST_NODE)
            return number if number > 0 else None
    return None


def pod_cidr(node: Obj) -> str:
    return (node.get("spec") or {}).get("podCIDR") or ""


class NodeIpamController:
    """Allocates one node after the other, so that none gets what another just got."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._nodes = desk.caches.of(NODES)
        self._given: dict[str, str] = {}
        self._reconciler = Reconciler("node-ipam", self._reconcile)
        self._nodes.subscribe(self._node_changed)

    async def run(self) -> None:
        await asyncio.gather(self._desk.caches.synced(), self._desk.settings.synced())
        await self._reconciler.run()

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None:
            self._given.pop(name(old or {}), None)
            for node in self._nodes.objects.values():
                self._mark(node)
        else:
            self._mark(new)

    def _mark(self, node: Obj) -> None:
        if not pod_cidr(node):
            self._reconciler.mark(name(node))

    async def _reconcile(self, at: str) -> float | None:
        node = self._nodes.objects.get(at)
        if node is None or pod_cidr(node) or at in self._given:
            return None
        taken = {pod_cidr(one) for one in self._nodes.objects.values()}
        cidr = allocate(self._desk.settings.pod_cidr, node, taken | set(self._given.values()))
        if cidr is None:
            text = f"Node {at} status is now: CIDRNotAvailable"
            self._desk.recorder.event(node, "Normal", "CIDRNotAvailable", text)
            return None
        patch = {"spec": {"podCIDR": cidr, "podCIDRs": [cidr]}}
        await perform(self._desk.client, Patch(NODES, node, patch))
        self._given[at] = cidr
        return None
