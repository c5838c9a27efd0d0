"""From API objects to a `Topology`: what the API says is there is what has to work."""

import asyncio
import time
from typing import NamedTuple

from labctl.api import objects
from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.kinds.core import CONFIGMAPS, NODES, PODS
from labctl.api.lab import LAB_CONFIGMAP, LabSpec, lab_from_configmap
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.verify.topology import (
    Endpoint,
    LeftOut,
    Topology,
    fabric_endpoint,
    node_endpoint,
    outside_endpoint,
    pod_endpoint,
)

PATIENCE = 10.0  # seconds that pods which are still starting are waited for
_INTERVAL = 0.1


class _Sorted(NamedTuple):
    running: tuple[Endpoint, ...]
    starting: tuple[LeftOut, ...]
    left_out: tuple[LeftOut, ...]


async def snapshot(client: Client, lab: str, patience: float = PATIENCE) -> Topology:
    """The lab as its API describes it now: Running pods of all namespaces, and all nodes.

    Waits up to `patience` seconds for pods that are still starting, or that a workload has yet to
    make; those that are not running then are in `left_out`, each with its reason. hostNetwork pods are no endpoints of their own.
    """
    spec = await _lab(client)
    deadline = time.monotonic() + patience
    while True:
        # Workloads first: what one of them has made since is then among the pods.
        coming = await _pods_are_coming(client)
        pods = sort_pods(lab, (await client.list(PODS)).items)
        if not (coming or pods.starting) or time.monotonic() >= deadline:
            break
        await asyncio.sleep(_INTERVAL)
    nodes = (await client.list(NODES)).items
    return _topology(lab, spec, nodes, pods)


async def _pods_are_coming(client: Client) -> bool:
    workloads = [
        workload
        for resource in (DEPLOYMENTS, REPLICASETS)
        for workload in (await client.list(resource)).items
    ]
    return any(map(owes_pods, workloads))


def owes_pods(workload: Obj) -> bool:
    """Whether a Deployment or ReplicaSet has not made all of its pods, or was not even seen yet."""
    status = workload.get("status") or {}
    if objects.is_deleting(workload) or workload["spec"].get("paused"):
        return False
    unseen = status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0)
    return bool(unseen or status.get("replicas", 0) < workload["spec"].get("replicas", 1))


async def _lab(client: Client) -> LabSpec:
    namespace, name = LAB_CONFIGMAP
    return lab_from_configmap(await client.get(CONFIGMAPS, name, namespace))


def _topology(lab: str, spec: LabSpec, nodes: list[Obj], pods: _Sorted) -> Topology:
    return Topology(
        lab=lab,
        backend=spec.network.backend,
        mtu=spec.network.mtu,
        pod_cidr=spec.network.pod_cidr,
        pods=pods.running,
        nodes=tuple(
            node_endpoint(lab, objects.name(node), address)
            for node in sorted(nodes, key=objects.name)
            if (address := internal_ip(node))
        ),
        outside=outside_endpoint(lab),
        fabric=fabric_endpoint(lab),
        left_out=pods.starting + pods.left_out,
        counts_hops=spec.network.cni is None,
    )


def internal_ip(node: Obj) -> str:
    """The InternalIP of a Node, or "" of one that has none yet."""
    addresses = (node.get("status") or {}).get("addresses") or ()
    return next((one["address"] for one in addresses if one.get("type") == "InternalIP"), "")


def sort_pods(lab: str, pods: list[Obj]) -> _Sorted:
    """Who is judged, who is waited for, and who is left out; a node's pods stand together."""
    running, starting, left_out = [], [], []
    for pod in sorted(pods, key=_node_and_key):
        status = pod.get("status") or {}
        phase = status.get("phase", "Pending")
        if pod["spec"].get("hostNetwork") or phase in ("Succeeded", "Failed"):
            continue
        if objects.is_deleting(pod):
            left_out.append(_left_out(pod, "it is being deleted"))
        elif phase == "Running" and status.get("podIP"):
            running.append(_endpoint(lab, pod))
        elif (scheduled := objects.condition(pod, "PodScheduled")) and (
            scheduled.get("reason") == "Unschedulable"
        ):
            left_out.append(_left_out(pod, f"no node takes it: {scheduled.get('message', '')}"))
        else:
            starting.append(_left_out(pod, f"still starting: {waiting_reason(pod)}"))
    return _Sorted(tuple(running), tuple(starting), tuple(left_out))


def _node_and_key(pod: Obj) -> tuple[str, str]:
    return pod["spec"].get("nodeName", ""), objects.key(pod)


def waiting_reason(pod: Obj) -> str:
    """Why a pod does not run yet: its first waiting container's reason, else its phase."""
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason"):
            return str(waiting["reason"])
    return str(status.get("phase", "Pending"))


def _left_out(pod: Obj, reason: str) -> LeftOut:
    return LeftOut(objects.namespace(pod), objects.name(pod), reason)


def _endpoint(lab: str, pod: Obj) -> Endpoint:
    return pod_endpoint(
        lab,
        objects.namespace(pod),
        objects.name(pod),
        pod["spec"].get("nodeName", ""),
        pod["status"]["podIP"],
        objects.uid(pod),
    )
