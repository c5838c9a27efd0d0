"""Whether a lab says of itself that all is as it was asked for: nodes, pods and Deployments.

Each function yields a sentence for what is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from labctl.api.objects import Obj, is_condition_true, name
from tests.chaos.kills import Restarts
from tests.command import Labctl

_CORDONED = "node.kubernetes.io/unschedulable"
_STATUSES = ("initContainerStatuses", "containerStatuses")


class Unanswered(Exception):
    """A command failed: its control plane may be on its way back."""


def asked(labctl: Labctl, *words: str) -> Obj:
    """What a command says, as JSON; raises Unanswered with its error."""
    result = labctl(*words, "-o", "json")
    if result.code:
        raise Unanswered(f"labctl {words[0]}: {result.code}: {result.err}")
    found: Obj = result.json
    return found


@dataclass(frozen=True)
class Told:
    """What the API has, of one moment; nodes and pods by name."""

    nodes: dict[str, Obj]
    pods: dict[str, Obj]
    deployments: tuple[Obj, ...]

    @classmethod
    def of(cls, labctl: Labctl) -> "Told":
        kinds = ("Node", "Pod", "Deployment")
        objects = asked(labctl, "get", ",".join(kinds))["items"]
        nodes, pods, deployments = ([o for o in objects if o["kind"] == kind] for kind in kinds)
        return cls(
            {name(node): node for node in nodes},
            {name(pod): pod for pod in pods},
            tuple(deployments),
        )


def unrest(told: Told, restarts: Restarts) -> list[str]:
    """All that is wrong, after containers were to be started again so often."""
    return [*_nodes(told), *_pods(told), *_rollouts(told), *_restarts(told, restarts)]


def statuses(pod: Obj) -> Iterator[Obj]:
    """Those of its containers of all kinds."""
    for kind in _STATUSES:
        yield from pod["status"].get(kind) or ()


def _nodes(told: Told) -> Iterator[str]:
    for at, node in told.nodes.items():
        if not is_condition_true(node, "Ready"):
            yield f"{at} is not Ready"
        for taint in node["spec"].get("taints") or ():
            if taint["key"] != _CORDONED or not node["spec"].get("unschedulable"):
                yield f"{at} has the taint {taint['key']}"


def _pods(told: Told) -> Iterator[str]:
    for at, pod in told.pods.items():
        if not is_condition_true(pod, "Ready"):
            yield f"pod {at} is not Ready"


def _rollouts(told: Told) -> Iterator[str]:
    """Every Deployment has what it wants, of its newest template, and no more."""
    for one in told.deployments:
        status, wanted = one.get("status", {}), one["spec"]["replicas"]
        if status.get("observedGeneration") != one["metadata"]["generation"]:
            yield f"deployment {name(one)} has not been looked at since it was changed"
        for count in ("replicas", "updatedReplicas", "availableReplicas"):
            if status.get(count, 0) != wanted:
                yield f"deployment {name(one)}: {status.get(count, 0)} {count}, not {wanted}"
        labels = one["spec"]["selector"]["matchLabels"].items()
        pods = [at for at, pod in told.pods.items() if labels <= _labels(pod).items()]
        if len(pods) != wanted:
            yield f"deployment {name(one)} has {len(pods)} pods, not {wanted}: {pods}"


def _labels(pod: Obj) -> dict[str, str]:
    return pod["metadata"].get("labels") or {}


def _restarts(told: Told, wanted: Restarts) -> Iterator[str]:
    for at, pod in told.pods.items():
        for one in statuses(pod):
            count, right = one["restartCount"], wanted[at, one["name"]]
            if count != right:
                yield f"{one['name']} of {at} was started again {count} times, not {right}"
