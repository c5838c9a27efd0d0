"""Pods, sandboxes and containers as values, for tests of plans and statuses."""

from typing import Any

from labctl.api.objects import Obj
from labctl.cri.messages import Container, ContainerConfig, ContainerState, Sandbox, SandboxConfig
from labctl.node.pods.facts import PodFacts

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z
UID = "0b1c"


def pod(
    *containers: str, init: tuple[str, ...] = (), status: Obj | None = None, **spec: Any
) -> Obj:
    """A pod named web-0 with the containers `containers` ("web" when none is said)."""
    full: Obj = {
        "containers": [_container(name) for name in containers or ("web",)],
        "nodeName": "node1",
        **spec,
    }
    if init:
        full["initContainers"] = [_container(name) for name in init]
    metadata = {"name": "web-0", "namespace": "default", "uid": UID}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": full,
        "status": status or {},
    }


def _container(name: str) -> Obj:
    return {"name": name, "image": "nginx:1.14.2"}


def deleting(obj: Obj, stamp: str = "2023-11-14T22:13:50Z", grace: int = 30) -> Obj:
    """The pod with a deletionTimestamp, by default 30 s after NOW."""
    marks = {"deletionTimestamp": stamp, "deletionGracePeriodSeconds": grace}
    return {**obj, "metadata": {**obj["metadata"], **marks}}


def sandbox(attempt: int = 0, state: Any = "ready", ip: str = "10.244.1.2") -> Sandbox:
    config = SandboxConfig("web-0", "default", UID, attempt, "node1", "web-0", ip)
    return Sandbox(f"{UID}-{attempt}", config, 4711, "/proc/4711/ns/net", state, NOW + attempt)


def container(
    name: str = "web",
    state: ContainerState = "running",
    attempt: int = 0,
    *,
    in_sandbox: int = 0,
    code: int = 0,
    stand_in: bool = False,
    ended: float = NOW,
) -> Container:
    exited = state == "exited"
    return Container(
        id=f"{name}-{attempt}",
        sandbox_id=f"{UID}-{in_sandbox}",
        config=ContainerConfig(name, "nginx:1.14.2", attempt),
        state=state,
        stand_in=stand_in,
        exit_code=code,
        reason=("Error" if code else "Completed") if exited else "",
        created_at=NOW - 60 + attempt,
        started_at=0.0 if state == "created" else NOW - 60,
        finished_at=ended if exited else 0.0,
    )


def facts(*things: Sandbox | Container, **more: Any) -> PodFacts:
    """What a node has of the pod; its ready sandboxes are on the network unless `attached` says
    otherwise.
    """
    sandboxes = tuple(one for one in things if isinstance(one, Sandbox))
    containers = tuple(one for one in things if isinstance(one, Container))
    ready = frozenset(one.id for one in sandboxes if one.state == "ready")
    return PodFacts(sandboxes, containers, **{"attached": ready, **more})
