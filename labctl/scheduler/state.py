"""The cluster as the scheduler counts it: nodes with their pods, those just decided included.

A pod that was placed is counted at once (assumed), long before the watch tells of its binding;
when the watch does, nothing changes; when binding fails, the assumption is forgotten. Every change
touches one node, whatever the number of pods.
"""

from collections.abc import Mapping
from types import MappingProxyType

from labctl.api.objects import Obj, key, name, uid
from labctl.scheduler.crowds import Crowd
from labctl.scheduler.filters import NO_WAKE, Wake
from labctl.scheduler.nodeinfo import NodeInfo
from labctl.scheduler.podinfo import PodInfo
from labctl.scheduler.tallies import Tallies
from labctl.scheduler.topology import Extras, extras

_FINISHED = ("Succeeded", "Failed")


class ClusterState:
    """Nodes by name, each with the sums of its pods."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._placed: dict[str, tuple[PodInfo, str]] = {}
        self._on_node: dict[str, dict[str, PodInfo]] = {}
        self._tallies = Tallies()
        self.nodes: Mapping[str, NodeInfo] = MappingProxyType(self._nodes)

    def node_changed(self, old: Obj | None, new: Obj | None) -> Wake:
        """Takes a node's change in; what it may be good for to pods that wait."""
        if new is None:
            if old is not None:
                self._nodes.pop(name(old), None)
            return NO_WAKE
        at = name(new)
        before = self._nodes.get(at)
        if before is None:
            self._nodes[at] = self._with_pods(NodeInfo.of(new))
            return Wake.NODE
        self._nodes[at] = before.updated(new)
        return NO_WAKE if self._nodes[at] == before else Wake.NODE

    def pod_changed(self, old: Obj | None, new: Obj | None) -> Wake:
        """Takes a pod's change in, if it is or was on a node."""
        gone = new is None or new.get("status", {}).get("phase") in _FINISHED
        if gone or new is None:
            known = self._placed.get(key(new or old or {}))
            if known is None or known[0].uid != uid(new or old or {}):
                return NO_WAKE
            self._remove(known[0].key)
            return Wake.POD_GONE
        node = new["spec"].get("nodeName")
        if not node or self._has(key(new), uid(new), node):
            return NO_WAKE
        self.assume(PodInfo.of(new), node)
        return Wake.POD_PLACED

    def extras(self, pod: PodInfo) -> Extras:
        """The rules about the pod's company, with the counts of now."""
        return extras(pod, self._nodes, self._count, self._tallies.loners(pod))

    def _count(self, crowd: Crowd) -> Mapping[str, int]:
        return self._tallies.count(crowd, self._placed.values())

    def assume(self, pod: PodInfo, node: str) -> None:
        """Counts the pod on the node."""
        self._remove(pod.key)
        self._placed[pod.key] = (pod, node)
        self._on_node.setdefault(node, {})[pod.key] = pod
        self._tallies.change(pod, node, 1)
        if node in self._nodes:
            self._nodes[node] = self._nodes[node].with_pod(pod)

    def forget(self, pod: PodInfo, node: str) -> None:
        """The pod did not get to this node after all."""
        if self._has(pod.key, pod.uid, node):
            self._remove(pod.key)

    def _has(self, at: str, uid: str, node: str) -> bool:
        known = self._placed.get(at)
        return known is not None and known[0].uid == uid and known[1] == node

    def _remove(self, at: str) -> None:
        known = self._placed.pop(at, None)
        if known is None:
            return
        pod, node = known
        self._tallies.change(pod, node, -1)
        self._on_node[node].pop(at, None)
        if not self._on_node[node]:
            del self._on_node[node]
        if node in self._nodes:
            self._nodes[node] = self._nodes[node].without_pod(pod)

    def _with_pods(self, node: NodeInfo) -> NodeInfo:
        for pod in self._on_node.get(node.name, {}).values():
            node = node.with_pod(pod)
        return node
