"""Small API objects for tables of tests."""

from typing import Any

from labctl.api.objects import Obj, format_time

NOW = 1_800_000_000.0


def pod(name: str, *, labels: dict[str, str] | None = None, **changes: Any) -> Obj:
    """A Running, Ready pod on node1 that is an hour old; `changes` by the name of what differs."""
    ready = changes.get("ready", True)
    metadata: Obj = {
        "name": name,
        "namespace": "default",
        "uid": changes.get("uid", f"uid-{name}"),
        "labels": labels if labels is not None else {"app": "web"},
        "creationTimestamp": format_time(NOW - changes.get("age", 3600.0)),
        "annotations": changes.get("annotations", {}),
    }
    if changes.get("deleting"):
        metadata["deletionTimestamp"] = format_time(NOW)
    if changes.get("owner"):
        metadata["ownerReferences"] = [changes["owner"]]
    condition = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "lastTransitionTime": format_time(NOW - changes.get("ready_for", 3000.0)),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "nodeName": changes.get("node", "node1"),
            "containers": [{"name": "c", "image": "i"}],
            "tolerations": changes.get("tolerations", []),
        },
        "status": {
            "phase": changes.get("phase", "Running"),
            "conditions": [condition],
            "containerStatuses": [{"restartCount": changes.get("restarts", 0)}],
        },
    }


def template(image: str = "nginx:1", **labels: str) -> Obj:
    return {
        "metadata": {"labels": labels or {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": image}]},
    }


def deployment(replicas: int = 3, image: str = "nginx:1", **spec: Any) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "uid": "uid-web", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            **spec,
        },
    }


def replicaset(name: str, replicas: int, image: str = "nginx:1", **changes: Any) -> Obj:
    """A ReplicaSet of that many available replicas; `available` for fewer, `age` in seconds."""
    digest = name.rpartition("-")[2]
    available = changes.get("available", replicas)
    actual = changes.get("actual", replicas)
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "generation": 1,
            "resourceVersion": "7",
            "creationTimestamp": format_time(NOW - changes.get("age", 60.0)),
            "labels": {"app": "web", "pod-template-hash": digest},
            "annotations": changes.get("annotations", {}),
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web", "pod-template-hash": digest}},
            "template": template(image, app="web", **{"pod-template-hash": digest}),
        },
        "status": {
            "replicas": actual,
            "readyReplicas": available,
            "availableReplicas": available,
            "observedGeneration": 1,
        },
    }


def node(name: str = "node1", ready: str | None = "True", **changes: Any) -> Obj:
    """A node; `ready` None for one that never said; `taints`, `address`, `unschedulable`."""
    conditions = changes.get("conditions", [])
    if ready is not None:
        conditions = [
            {
                "type": "Ready",
                "status": ready,
                "lastHeartbeatTime": format_time(NOW - 10),
                "lastTransitionTime": format_time(NOW - 100),
            },
            *conditions,
        ]
    spec: Obj = {"taints": changes.get("taints", [])}
    if changes.get("unschedulable"):
        spec["unschedulable"] = True
    status: Obj = {"conditions": conditions}
    if "address" in changes:
        status["addresses"] = [{"type": "InternalIP", "address": changes["address"]}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": changes.get("labels", {})},
        "spec": spec,
        "status": status,
    }
