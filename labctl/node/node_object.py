"""The Node object: as it is registered, and its status (pure).

Worded as a kubelet words it. Labels and taints come from the lab file; the Node carries
`not-ready:NoSchedule` from the start, as Kubernetes' admission would see to, by the API server.
"""

from collections.abc import Sequence
from typing import Any

from labctl.api.lab import NodeSpec
from labctl.api.objects import Obj, now, set_condition
from labctl.cri.messages import StoredImage
from labctl.names import AGENT_PORT
from labctl.node.machine import EPHEMERAL_STORAGE, PODS, Machine

LEASE_SECONDS = 40
LEASE_NAMESPACE = "kube-node-lease"

_MAX_IMAGES, _MAX_IMAGE_NAMES = 50, 5

_HEALTHY = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def node_object(spec: NodeSpec, address: str, machine: Machine, problems: tuple[str, ...]) -> Obj:
    """The object with which the node `spec` registers."""
    node: Obj = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": spec.name, "labels": node_labels(spec, machine)},
        "spec": {},
    }
    if spec.taints:
        node["spec"]["taints"] = [taint.object() for taint in spec.taints]
    return {**node, "status": node_status({}, spec.name, address, machine, problems)}


def node_labels(spec: NodeSpec, machine: Machine) -> dict[str, str]:
    return {
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": machine.architecture,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": machine.architecture,
        **dict(spec.labels),
    }


def node_status(
    told: Obj, name: str, address: str, machine: Machine, problems: tuple[str, ...]
) -> Obj:
    """The status after `told`; `problems` say why the node cannot run pods, none when it can."""
    return {
        **told,
        "capacity": capacity(machine),
        "allocatable": capacity(machine),
        "conditions": _conditions(told, problems),
        "addresses": [
            {"type": "InternalIP", "address": address},
            {"type": "Hostname", "address": name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": AGENT_PORT}},
        "nodeInfo": _node_info(machine),
    }


def with_images(status: Obj, images: Sequence[StoredImage]) -> Obj:
    """The status with the images that the lab's store has, the largest first, as many as a kubelet
    tells of.
    """
    rest = {key: value for key, value in status.items() if key != "images"}
    largest = sorted(images, key=lambda one: (-one.size, one.names))[:_MAX_IMAGES]
    told = [{"names": list(one.names[:_MAX_IMAGE_NAMES]), "sizeBytes": one.size} for one in largest]
    return {**rest, "images": told} if told else rest


def without_heartbeats(status: Obj) -> Obj:
    """The status less what changes with every look at the clock."""
    conditions = [
        {key: value for key, value in one.items() if key != "lastHeartbeatTime"}
        for one in status.get("conditions") or ()
    ]
    return {**status, "conditions": conditions}


def lease(node: Obj, renewed: str) -> Obj:
    """The Lease of a Node at time `renewed`; it goes when the Node goes."""
    metadata = node["metadata"]
    owner: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Node",
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": metadata["name"],
            "namespace": LEASE_NAMESPACE,
            "ownerReferences": [owner],
        },
        "spec": {
            "holderIdentity": metadata["name"],
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": renewed,
        },
    }


def capacity(machine: Machine) -> Obj:
    return {
        "cpu": str(machine.cpus),
        "memory": f"{machine.memory_kib}Ki",
        "ephemeral-storage": EPHEMERAL_STORAGE,
        "pods": str(PODS),
    }


def _conditions(told: Obj, problems: tuple[str, ...]) -> list[Obj]:
    conditions: list[Obj] = list(told.get("conditions") or ())
    for type_, reason, message in _HEALTHY:
        conditions = _beat(conditions, type_, "False", reason, message)
    if problems:
        text = ", ".join(problems)
        return _beat(conditions, "Ready", "False", "KubeletNotReady", text)
    ready = ("KubeletReady", "kubelet is posting ready status")
    return _beat(conditions, "Ready", "True", *ready)


def _beat(conditions: list[Obj], type_: str, status: str, reason: str, message: str) -> list[Obj]:
    """Sets a condition with the time of looking, which is when it was set."""
    return set_condition(conditions, type_, status, reason, message, lastHeartbeatTime=now())


def _node_info(machine: Machine) -> Obj:
    return {
        "machineID": machine.machine_id,
        "systemUUID": machine.machine_id,
        "bootID": machine.boot_id,
        "kernelVersion": machine.kernel,
        "osImage": machine.os_image,
        "containerRuntimeVersion": machine.runtime_version,
        "kubeletVersion": machine.kubelet_version,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": machine.architecture,
    }
