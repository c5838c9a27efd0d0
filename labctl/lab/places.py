"""Where in a lab something is: a pod, a node or outside, by the words that users use for it.

POD is a pod's name, NAME.NAMESPACE, or a workload whose first ready pod is meant (`deploy/web`).
A place is a pod, `node/NAME`, `outside`, or (as a destination only) an address.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from labctl import names
from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj, is_condition_true, is_deleting, name, namespace
from labctl.api.selectors import from_object
from labctl.client.client import Client
from labctl.errors import BadInput, LabError, StatusError
from labctl.lab.words import find_resource


@dataclass(frozen=True)
class Place:
    """An end of a path through the lab's network. `netns` is the name of its namespace, if any."""

    kind: str  # Pod, Node, Outside, Address
    name: str
    ip: str
    namespace: str = ""
    node: str = ""
    netns: str = ""

    @property
    def title(self) -> str:
        """How messages call it."""
        if self.kind == "Pod" and self.namespace != "default":
            return f"{self.name}.{self.namespace}"
        return f"node/{self.name}" if self.kind == "Node" else self.name

    @property
    def path(self) -> Path:
        return names.netns_path(self.netns)

    def report(self) -> Obj:
        """As labctl's own reports carry it."""
        members = {"namespace": self.namespace, "name": self.name, "node": self.node}
        return {"kind": self.kind, **{k: v for k, v in members.items() if v}, "ip": self.ip}


async def find_pod(client: Client, word: str, space: str = "default") -> Obj:
    """The pod that POD means; StatusError (NotFound) or LabError when there is none."""
    kind, slash, at = word.partition("/")
    if slash and find_resource(kind) != PODS:
        return await _pod_of(client, kind, at, space)
    at = at if slash else word
    try:
        return await client.get(PODS, at, space)
    except StatusError as error:
        if error.reason != "NotFound" or "." not in at:
            raise
        pod, _, elsewhere = at.rpartition(".")
        try:
            return await client.get(PODS, pod, elsewhere)
        except StatusError:
            raise error from None


async def find_placed_pod(client: Client, word: str, space: str = "default") -> Obj:
    """The same, of pods that a node has; LabError while none has it."""
    pod = await find_pod(client, word, space)
    if not pod["spec"].get("nodeName"):
        raise LabError(f"pod {name(pod)} has no node yet", f"labctl describe pod {name(pod)}")
    return pod


async def _pod_of(client: Client, kind: str, at: str, space: str) -> Obj:
    """The first ready pod of a workload."""
    resource = find_resource(kind)
    owner, dot, elsewhere = at.rpartition(".") if "." in at else (at, "", space)
    owner, space = (owner, elsewhere) if dot else (at, space)
    workload = await client.get(resource, owner, space)
    selector = (workload.get("spec") or {}).get("selector")
    if not isinstance(selector, dict):
        raise BadInput(f"{kind}/{owner} has no pods of its own")
    labels = from_object(selector if resource.group else {"matchLabels": selector})
    pods = [p for p in (await client.list(PODS, space)).items if labels.matches(_labels(p))]
    ready = [p for p in pods if is_condition_true(p, "Ready") and not is_deleting(p)]
    if not ready:
        raise LabError(f"{kind}/{owner} has no pod that is Ready")
    return min(ready, key=name)


def _labels(pod: Obj) -> dict[str, str]:
    labels: dict[str, str] = pod["metadata"].get("labels") or {}
    return labels


async def find_place(client: Client, lab: str, word: str, space: str = "default") -> Place:
    """The place that a word means; LabError when the pod or node has no address."""
    if word == "outside":
        return Place("Outside", "outside", names.OUTSIDE_ADDRESS, netns=names.outside_netns(lab))
    if word.startswith(("node/", "nodes/", "no/")):
        return _node_place(lab, await client.get(NODES, word.partition("/")[2]))
    if _is_address(word):
        return Place("Address", word, word)
    try:
        return pod_place(lab, await find_pod(client, word, space))
    except StatusError as error:
        error.hint = "a pod, NAME.NAMESPACE, deploy/NAME, node/NAME, outside or an IPv4 address"
        raise


def pod_place(lab: str, pod: Obj) -> Place:
    """A pod as a place; LabError while it has no address."""
    ip = (pod.get("status") or {}).get("podIP") or ""
    if not ip:
        phase = (pod.get("status") or {}).get("phase", "Pending")
        raise LabError(
            f"pod {name(pod)} has no address ({phase})", f"labctl describe pod {name(pod)}"
        )
    node = pod["spec"].get("nodeName", "")
    if pod["spec"].get("hostNetwork"):
        netns = names.node_netns(lab, node)
    else:
        netns = names.pod_netns(lab, namespace(pod), name(pod))
    return Place("Pod", name(pod), ip, namespace(pod), node, netns)


def _node_place(lab: str, node: Obj) -> Place:
    addresses = (node.get("status") or {}).get("addresses") or ()
    ips = [one["address"] for one in addresses if one["type"] == "InternalIP"]
    if not ips:
        raise LabError(f"node {name(node)} has no address", f"labctl describe node {name(node)}")
    return Place(
        "Node", name(node), ips[0], node=name(node), netns=names.node_netns(lab, name(node))
    )


def _is_address(word: str) -> bool:
    try:
        ipaddress.IPv4Address(word)
    except ValueError:
        return False
    return True
