"""Rollouts of a Deployment: how far one is, what came before, going back, and starting anew.

The sentences are kubectl's (k8s.io/kubectl/pkg/polymorphichelpers), since people match on them.
"""

from collections.abc import Sequence

from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.objects import Obj, annotations, condition, controller_of, name, namespace, now, uid
from labctl.api.selectors import from_object
from labctl.client.client import Client
from labctl.errors import LabError

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_HASH = "pod-template-hash"
# What belongs to a ReplicaSet or to kubectl and not to the revision (kubectl, rollback.go).
_OWN_ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)


def progress(deployment: Obj) -> tuple[str, bool]:
    """Where the rollout is, as a sentence, and whether it is done; LabError when it never will."""
    what = f'deployment "{name(deployment)}"'
    status = deployment.get("status") or {}
    if deployment["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return "Waiting for deployment spec update to be observed...", False
    progressing = condition(deployment, "Progressing") or {}
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        raise LabError(f"{what} exceeded its progress deadline")
    wanted = deployment["spec"].get("replicas", 1)
    total, updated = status.get("replicas", 0), status.get("updatedReplicas", 0)
    available = status.get("availableReplicas", 0)
    waiting = f"Waiting for {what} rollout to finish: "
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new replicas have been updated...", False
    if total > updated:
        return f"{waiting}{total - updated} old replicas are pending termination...", False
    if available < updated:
        return f"{waiting}{available} of {updated} updated replicas are available...", False
    return f"{what} successfully rolled out", True


def revision(obj: Obj) -> int:
    """The revision of a Deployment or ReplicaSet; 0 while it has none."""
    text = annotations(obj).get(REVISION, "0")
    return int(text) if text.isdecimal() else 0


async def revisions(client: Client, deployment: Obj) -> list[Obj]:
    """The Deployment's ReplicaSets, oldest revision first."""
    labels = from_object(deployment["spec"]["selector"])
    found = (await client.list(REPLICASETS, namespace(deployment))).items
    own = [one for one in found if _is_owned(one, deployment) and labels.matches(_labels(one))]
    return sorted(own, key=revision)


def _is_owned(replicaset: Obj, deployment: Obj) -> bool:
    owner = controller_of(replicaset)
    return owner is not None and owner["uid"] == uid(deployment)


def _labels(obj: Obj) -> dict[str, str]:
    labels: dict[str, str] = obj["metadata"].get("labels") or {}
    return labels


def history(replicasets: Sequence[Obj]) -> list[tuple[int, str]]:
    """(revision, change cause) of each."""
    return [(revision(one), annotations(one).get(CHANGE_CAUSE, "<none>")) for one in replicasets]


async def undo(client: Client, deployment: Obj, to: int = 0) -> bool:
    """Goes back to revision `to` (0: the one before); False when it is there already."""
    found = await revisions(client, deployment)
    target = _target(found, to)
    template = template_of(target)
    if template == deployment["spec"]["template"]:
        return False
    kept = {k: v for k, v in annotations(deployment).items() if k in _OWN_ANNOTATIONS}
    carried = {k: v for k, v in annotations(target).items() if k not in _OWN_ANNOTATIONS}
    patch = [
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": {**kept, **carried}},
    ]
    await client.patch(DEPLOYMENTS, name(deployment), patch, namespace(deployment), type="json")
    return True


def _target(replicasets: Sequence[Obj], to: int) -> Obj:
    if to == 0:
        if len(replicasets) < 2:
            raise LabError("no rollout history found for deployment")
        return replicasets[-2]
    for replicaset in replicasets:
        if revision(replicaset) == to:
            return replicaset
    raise LabError(f"unable to find specified revision {to} in history")


def template_of(replicaset: Obj) -> Obj:
    """The pod template as the Deployment had it: without the hash that the controller adds."""
    template: Obj = replicaset["spec"]["template"]
    metadata = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != _HASH}
    return {**template, "metadata": {**metadata, "labels": labels}}


async def restart(client: Client, deployment: Obj) -> None:
    """A new rollout of the same: only an annotation of the template changes."""
    stamp = {"metadata": {"annotations": {RESTARTED_AT: now()}}}
    patch = {"spec": {"template": stamp}}
    await client.patch(
        DEPLOYMENTS, name(deployment), patch, namespace(deployment), type="strategic"
    )
