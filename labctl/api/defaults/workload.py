"""Defaults of what makes Pods: Deployments, ReplicaSets and the rest of apps and batch.

pkg/apis/apps/v1/defaults.go and pkg/apis/batch/v1/defaults.go.
"""

from collections.abc import Callable

from labctl.api.defaults.fill import change, change_spec, each, fill
from labctl.api.defaults.pod import set_template
from labctl.api.defaults.storage import set_claim
from labctl.api.kinds.apps import DAEMONSETS, DEPLOYMENTS, REPLICASETS, STATEFULSETS
from labctl.api.kinds.batch import CRONJOBS, JOBS
from labctl.api.kinds.core import REPLICATIONCONTROLLERS
from labctl.api.objects import Obj
from labctl.api.resource import Resource


def _with_template(spec: Obj) -> Obj:
    return change(spec, "template", set_template)


def _deployment(given: Obj) -> Obj:
    spec = fill(
        given,
        {"replicas": 1, "strategy": {}, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600},
    )
    rolling = {"maxUnavailable": "25%", "maxSurge": "25%"}
    return _with_template(change(spec, "strategy", lambda one: _rolling(one, rolling)))


def _rolling(strategy: Obj, defaults: Obj) -> Obj:
    """An update strategy; RollingUpdate's own fields only where that is the type."""
    filled = {"type": "RollingUpdate", **strategy}
    if filled["type"] != "RollingUpdate":
        return filled
    return {**filled, "rollingUpdate": {**defaults, **filled.get("rollingUpdate", {})}}


def _replicaset(given: Obj) -> Obj:
    return _with_template(fill(given, {"replicas": 1}))


def _daemonset(given: Obj) -> Obj:
    spec = fill(given, {"updateStrategy": {}, "revisionHistoryLimit": 10})
    rolling = {"maxUnavailable": 1, "maxSurge": 0}
    return _with_template(change(spec, "updateStrategy", lambda one: _rolling(one, rolling)))


def _statefulset(given: Obj) -> Obj:
    spec = fill(
        given,
        {
            "replicas": 1,
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {},
            "revisionHistoryLimit": 10,
            "persistentVolumeClaimRetentionPolicy": {},
        },
    )
    retain = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    spec = change(spec, "persistentVolumeClaimRetentionPolicy", lambda one: {**retain, **one})
    spec = change(spec, "volumeClaimTemplates", each(set_claim))
    return _with_template(
        change(spec, "updateStrategy", lambda one: _rolling(one, {"partition": 0}))
    )


def _job(given: Obj) -> Obj:
    spec = fill(
        given,
        {
            "backoffLimit": 6,
            "completionMode": "NonIndexed",
            "suspend": False,
            "podReplacementPolicy": _replacement(given),
        },
    )
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    return _with_template(fill(spec, {"parallelism": 1}))


def _replacement(spec: Obj) -> str:
    return "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"


def _cronjob(given: Obj) -> Obj:
    spec = fill(
        given,
        {
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
        },
    )
    return change(spec, "jobTemplate", lambda job: change(job, "spec", _with_template))


def _replicationcontroller(obj: Obj) -> Obj:
    """Its selector and labels come from the template, unlike those of a ReplicaSet."""
    spec = _replicaset(obj.get("spec") or {})
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if not labels:
        return {**obj, "spec": spec}
    metadata = fill(obj.get("metadata") or {}, {"labels": labels})
    return {**obj, "metadata": metadata, "spec": fill(spec, {"selector": labels})}


def _spec(setter: Callable[[Obj], Obj]) -> Callable[[Obj], Obj]:
    return lambda obj: change_spec(obj, setter)


DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {
    DEPLOYMENTS: _spec(_deployment),
    REPLICASETS: _spec(_replicaset),
    DAEMONSETS: _spec(_daemonset),
    STATEFULSETS: _spec(_statefulset),
    JOBS: _spec(_job),
    CRONJOBS: _spec(_cronjob),
    REPLICATIONCONTROLLERS: _replicationcontroller,
}
