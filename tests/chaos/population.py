"""Pods of all sorts, under names and on nodes that are the same every time, so that a seed says all."""

import json
from collections.abc import Iterator

from labctl.api.objects import Obj

SPACE = "default"
_LIVES = {
    "image": "none",
    "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.2; done"],
}
_STANDS_IN = {"image": "none", "ports": [{"containerPort": 80}]}


def population(nodes: int) -> list[Obj]:
    """Stand-ins, programs, several containers, sidecars, on each node; two of odd kinds besides."""
    pods = [pod for number in range(1, nodes + 1) for pod in _on(f"node{number}")]
    host = _pod("host", "node1", program=_LIVES)
    together = _pod("together", "node2", first=_LIVES, second=_LIVES)
    host["spec"]["hostNetwork"] = True
    together["spec"]["shareProcessNamespace"] = True
    return [*pods, host, together]


def manifest(pods: list[Obj]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": pods})


def containers(pod: Obj) -> Iterator[tuple[str, Obj]]:
    """The pod's containers of all kinds, by name."""
    for kind in ("initContainers", "containers"):
        yield from ((one["name"], one) for one in pod["spec"].get(kind) or ())


def _on(node: str) -> Iterator[Obj]:
    yield _pod(f"stand-in-{node}", node, web=_STANDS_IN)
    yield _pod(f"program-{node}", node, program=_LIVES)
    yield _pod(f"several-{node}", node, web=_STANDS_IN, one=_LIVES, two=_LIVES)
    served = _pod(f"served-{node}", node, program=_LIVES)
    served["spec"]["initContainers"] = [
        {"name": "before", "image": "none", "command": ["true"]},
        {"name": "sidecar", "restartPolicy": "Always", **_LIVES},
    ]
    yield served


def _pod(name: str, node: str, **bodies: Obj) -> Obj:
    spec: Obj = {
        "nodeName": node,
        "terminationGracePeriodSeconds": 2,
        "tolerations": [{"operator": "Exists"}],  # a node that is lost does not cost them
        "containers": [{"name": at, **body} for at, body in bodies.items()],
    }
    metadata = {"name": name, "namespace": SPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
