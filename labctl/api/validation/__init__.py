"""Whether an object may be stored, in Kubernetes' own words where not.

First the schema (types, required and unknown fields), then metadata, then the rules of the kind, and
for a write over an object that exists, what may not change. An object of a kind without rules of its
own is held to the schema and to metadata's rules.
"""

from collections.abc import Callable, Iterator
from itertools import chain

from labctl.api import schema
from labctl.api.causes import Cause, first
from labctl.api.custom.check import schema_problems
from labctl.api.custom.prune import prune
from labctl.api.kinds import (
    apiextensions,
    apps,
    batch,
    coordination,
    core,
    networking,
    policy,
    rbac,
)
from labctl.api.objects import Obj, without_nulls
from labctl.api.resource import Resource
from labctl.api.schema import Problems
from labctl.api.validation import (
    config,
    definition,
    ephemeral,
    pod,
    quota,
    roles,
    service,
    workload,
)
from labctl.api.validation.immutable import check_claim_update, check_immutable
from labctl.api.validation.metadata import check_metadata, check_metadata_update

__all__ = ["Cause", "shape_problems", "unknown_fields", "validate"]

_Check = Callable[[Obj], Iterator[Cause]]
_UpdateCheck = Callable[[Obj, Obj], Iterator[Cause]]

_CHECKS: dict[Resource, _Check] = {
    core.PODS: pod.check_pod,
    core.CONFIGMAPS: config.check_configmap,
    core.SECRETS: config.check_secret,
    core.SERVICES: service.check_service,
    core.NODES: config.check_node,
    core.EVENTS: config.check_event,
    core.RESOURCEQUOTAS: quota.check_quota,
    core.LIMITRANGES: quota.check_limit_range,
    core.REPLICATIONCONTROLLERS: workload.check_replicationcontroller,
    apps.DEPLOYMENTS: workload.check_deployment,
    apps.REPLICASETS: workload.check_replicaset,
    apps.DAEMONSETS: workload.check_daemonset,
    apps.STATEFULSETS: workload.check_statefulset,
    batch.JOBS: workload.check_job,
    batch.CRONJOBS: workload.check_cronjob,
    coordination.LEASES: config.check_lease,
    networking.NETWORKPOLICIES: service.check_networkpolicy,
    policy.PODDISRUPTIONBUDGETS: service.check_disruption_budget,
    apiextensions.CUSTOMRESOURCEDEFINITIONS: definition.check_definition,
    rbac.ROLES: roles.check_role,
    rbac.CLUSTERROLES: roles.check_cluster_role,
    rbac.ROLEBINDINGS: roles.check_binding,
    rbac.CLUSTERROLEBINDINGS: roles.check_binding,
}

_CREATE_CHECKS: dict[Resource, _Check] = {core.PODS: ephemeral.check_without_ephemeral}

_UPDATE_CHECKS: dict[Resource, _UpdateCheck] = {
    core.PODS: pod.check_pod_update,
    core.CONFIGMAPS: config.check_configmap_update,
    core.SECRETS: config.check_secret_update,
    core.SERVICES: service.check_service_update,
    core.PERSISTENTVOLUMECLAIMS: check_claim_update,
    core.NODES: config.check_node_update,
    core.RESOURCEQUOTAS: quota.check_quota_update,
    apps.DEPLOYMENTS: workload.check_selector_update,
    apps.REPLICASETS: workload.check_selector_update,
    apps.DAEMONSETS: workload.check_selector_update,
    apps.STATEFULSETS: workload.check_statefulset_update,
    batch.JOBS: workload.check_job_update,
    rbac.ROLEBINDINGS: roles.check_binding_update,
    rbac.CLUSTERROLEBINDINGS: roles.check_binding_update,
    apiextensions.CUSTOMRESOURCEDEFINITIONS: definition.check_definition_update,
}


def shape_problems(resource: Resource, obj: Obj) -> Problems:
    """What keeps an object from being decoded as its kind, and the fields that the kind lacks.

    Of a custom object that is its metadata alone: its other types are a matter of its rules.
    """
    if resource.custom is None:
        return schema.problems(resource, obj)
    found = schema.metadata_problems(obj)
    return Problems(found.types, (), prune(resource.custom.schema, obj).unknown)


def unknown_fields(resource: Resource, obj: Obj) -> list[str]:
    """The paths of fields that the kind does not have, such as `spec.containers[0].imagee`."""
    return list(shape_problems(resource, obj).unknown)


def validate(resource: Resource, obj: Obj, old: Obj | None = None) -> list[Cause]:
    """What is wrong with an object whose defaults are set, the first hundred things; nothing means
    it is good.

    `old` is the stored object when this one is to replace it. Unknown fields are not wrong here:
    whether they are is the request's choice (`unknown_fields`). Where types are wrong, only that is
    said, since no other rule can be applied.
    """
    if resource.custom is not None:
        return first(chain(_rules(resource, obj, old), schema_problems(resource.custom, obj, old)))
    if schema.is_valid(resource, obj):
        return first(_rules(resource, obj, old))
    problems, cleaned = schema.problems(resource, obj), without_nulls(obj)
    if problems.types:
        return list(problems.types)
    # A member that the schema misses is missed by some rules too: say it once.
    return first(dict.fromkeys((*problems.required, *first(_rules(resource, cleaned, old)))))


def _rules(resource: Resource, obj: Obj, old: Obj | None) -> Iterator[Cause]:
    if old is None or not _has_only_another_status(obj, old):
        yield from check_metadata(resource, obj)
        check = _CHECKS.get(resource)
        if check is not None:
            yield from check(obj)
    if old is None:
        check_new = _CREATE_CHECKS.get(resource)
        if check_new is not None:
            yield from check_new(obj)
    else:
        yield from check_metadata_update(obj, old)
        yield from check_immutable(resource, obj, old)
        check_update = _UPDATE_CHECKS.get(resource)
        if check_update is not None:
            yield from check_update(obj, old)


def _has_only_another_status(new: Obj, old: Obj) -> bool:
    """Whether all else is the very same, which was good when it was written; no rule reads status."""
    return new.keys() - old.keys() <= {"status"} and all(
        new.get(member) is value for member, value in old.items() if member != "status"
    )
