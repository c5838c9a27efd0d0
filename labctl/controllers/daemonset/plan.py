"""One pass over a DaemonSet: from its pods, the nodes and the time to what is to be made and ended.

Two steps of Kubernetes in one: `manage` (a pod wherever one is wanted, none elsewhere) and, where
that leaves nothing to do, the rolling update. An update ends old pods, no more at once than
maxUnavailable allows; the next pass makes their successors. With maxSurge the successor comes first.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labctl.api.objects import Obj, is_deleting, labels, name
from labctl.controllers.claim import owned_pod
from labctl.controllers.daemonset.nodes import Verdict, pinned, verdict, wanted_node
from labctl.controllers.pods import is_available, is_finished, is_ready, phase
from labctl.controllers.revisions import HASH_LABEL
from labctl.controllers.share import share

Pods = Mapping[str, list[Obj]]
"""A DaemonSet's pods by the node that they are on or made for, oldest first."""


@dataclass(frozen=True)
class Plan:
    """What one pass decided. `create` are nodes; `failed` those of `delete` that had failed."""

    status: Obj
    create: tuple[str, ...] = ()
    delete: tuple[Obj, ...] = ()
    failed: tuple[Obj, ...] = ()


@dataclass(frozen=True)
class _View:
    daemonset: Obj
    hash: str
    verdicts: Mapping[str, Verdict]
    pods: Pods
    now: float

    def is_new(self, pod: Obj) -> bool:
        return labels(pod).get(HASH_LABEL) == self.hash

    def is_available(self, pod: Obj) -> bool:
        wait = self.daemonset["spec"].get("minReadySeconds", 0)
        return not is_deleting(pod) and is_available(pod, wait, self.now)

    def on(self, node: str) -> list[Obj]:
        return self.pods.get(node, [])


def plan(daemonset: Obj, hash_: str, nodes: Iterable[Obj], pods: Iterable[Obj], now: float) -> Plan:
    """`pods` are its own; `hash_` is that of its present template; `now` in epoch seconds."""
    template = daemonset["spec"]["template"]
    verdicts = {name(node): verdict(template, node) for node in nodes}
    view = _View(daemonset, hash_, verdicts, _by_node(pods), now)
    status = _status(view)
    if is_deleting(daemonset):
        return Plan(status)
    create, delete, failed = _manage(view)
    if not create and not delete:
        create, delete = _roll(view)
    return Plan(status, tuple(create), tuple(delete), tuple(failed))


def new_pod(daemonset: Obj, hash_: str, node: str) -> Obj:
    """The pod of a DaemonSet for one node."""
    pod = owned_pod(daemonset, daemonset["spec"]["template"])
    marks = {**(pod["metadata"].get("labels") or {}), HASH_LABEL: hash_}
    return {
        **pod,
        "metadata": {**pod["metadata"], "labels": marks},
        "spec": pinned(pod["spec"], node),
    }


def _by_node(pods: Iterable[Obj]) -> Pods:
    found: dict[str, list[Obj]] = defaultdict(list)
    for pod in sorted(pods, key=lambda one: one["metadata"]["creationTimestamp"]):
        found[wanted_node(pod)].append(pod)
    return found


def _manage(view: _View) -> tuple[list[str], list[Obj], list[Obj]]:
    """Nodes that lack a pod, pods that are not wanted, and those of them that had failed."""
    create: list[str] = []
    delete: list[Obj] = []
    failed: list[Obj] = []
    for node, wish in view.verdicts.items():
        alive = [pod for pod in view.on(node) if not is_deleting(pod)]
        ended = [pod for pod in alive if phase(pod) == "Failed"]
        failed += ended
        going = ended if wish.stay else alive
        delete += going
        left = [pod for pod in alive if pod not in going]
        if wish.stay:
            delete += _too_many(view, left)
        if wish.run and not view.on(node):
            create.append(node)
    # Pods of nodes that are no more are the pod garbage collector's, unless nobody bound them yet.
    gone = [pods for node, pods in view.pods.items() if node not in view.verdicts]
    delete += [pod for pods in gone for pod in pods if not _is_bound(pod) and not is_deleting(pod)]
    return create, delete, failed


def _too_many(view: _View, pods: list[Obj]) -> list[Obj]:
    """All but the oldest of each template: during a surge an old and a new one may be there."""
    surplus = [pod for some in _by_template(view, pods) for pod in some[1:]]
    if _surge(view) and len(pods) == 2 and not surplus:
        old = [pod for pod in pods if not view.is_new(pod)]
        new = [pod for pod in pods if view.is_new(pod)]
        return old if view.is_available(new[0]) else []
    by_age = sorted(pods, key=lambda pod: not _is_bound(pod))
    return surplus if _surge(view) else by_age[1:]


def _by_template(view: _View, pods: list[Obj]) -> tuple[list[Obj], list[Obj]]:
    return [p for p in pods if view.is_new(p)], [p for p in pods if not view.is_new(p)]


def _roll(view: _View) -> tuple[list[str], list[Obj]]:
    """The next step of a rolling update: nodes for a surge, old pods to end."""
    if view.daemonset["spec"]["updateStrategy"]["type"] != "RollingUpdate":
        return [], []
    old = [pod for node in _wanted(view) for pod in view.on(node) if _is_old(view, pod)]
    if _surge(view):
        busy = sum(len(view.on(node)) > 1 for node in _wanted(view))
        free = max(_surge(view) - busy, 0)
        alone = [wanted_node(pod) for pod in old if len(view.on(wanted_node(pod))) == 1]
        return alone[:free], []
    lacking = [pod for pod in old if not view.is_available(pod)]
    serving = [pod for pod in old if view.is_available(pod)]
    return [], [*lacking, *serving[: max(_unavailable(view) - _missing(view), 0)]]


def _is_old(view: _View, pod: Obj) -> bool:
    return not view.is_new(pod) and not is_deleting(pod)


def _missing(view: _View) -> int:
    """How many wanted nodes have no pod that serves."""
    return sum(not any(map(view.is_available, view.on(node))) for node in _wanted(view))


def _wanted(view: _View) -> list[str]:
    return [node for node, wish in view.verdicts.items() if wish.run]


def _rolling(view: _View) -> Obj:
    return view.daemonset["spec"]["updateStrategy"].get("rollingUpdate") or {}


def _surge(view: _View) -> int:
    return share(_rolling(view).get("maxSurge", 0), len(_wanted(view)), up=True)


def _unavailable(view: _View) -> int:
    return share(_rolling(view).get("maxUnavailable", 1), len(_wanted(view)), up=True)


def _is_bound(pod: Obj) -> bool:
    return bool(pod["spec"].get("nodeName"))


def _status(view: _View) -> Obj:
    wanted = _wanted(view)
    covered = {node: [p for p in view.on(node) if not is_finished(p)] for node in view.verdicts}
    serving = [node for node in wanted if any(map(view.is_available, covered[node]))]
    counts = {
        "currentNumberScheduled": sum(bool(covered[node]) for node in wanted),
        "numberMisscheduled": sum(
            bool(covered[node]) for node, wish in view.verdicts.items() if not wish.run
        ),
        "desiredNumberScheduled": len(wanted),
        "numberReady": sum(any(map(is_ready, covered[node])) for node in wanted),
    }
    optional = {
        "updatedNumberScheduled": sum(any(map(view.is_new, covered[node])) for node in wanted),
        "numberAvailable": len(serving),
        "numberUnavailable": len(wanted) - len(serving),
    }
    return {
        **counts,
        "observedGeneration": view.daemonset["metadata"].get("generation", 0),
        **{field: count for field, count in optional.items() if count},
    }
