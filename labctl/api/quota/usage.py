"""What an object counts as, by the names that a quota may limit."""

import time
from collections.abc import Iterable
from decimal import Decimal
from functools import cache

from labctl.api.kinds.core import (
    CONFIGMAPS,
    PERSISTENTVOLUMECLAIMS,
    PODS,
    REPLICATIONCONTROLLERS,
    RESOURCEQUOTAS,
    SECRETS,
    SERVICES,
)
from labctl.api.objects import Obj, parse_time
from labctl.api.pod_resources import pod_amounts
from labctl.api.quantity import Quantity
from labctl.api.resource import Resource
from labctl.api.resources import RESOURCES

Usage = dict[str, Quantity]

COUNT = "count/"
ONE = Quantity(Decimal(1))
_PLAIN = (
    CONFIGMAPS,
    PERSISTENTVOLUMECLAIMS,
    PODS,
    REPLICATIONCONTROLLERS,
    RESOURCEQUOTAS,
    SECRETS,
    SERVICES,
)
"""Kinds that a quota may also name without `count/`."""
_STORAGE_CLASS = ".storageclass.storage.k8s.io/"
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_FINISHED = ("Succeeded", "Failed")


def usage_of(resource: Resource, obj: Obj) -> Usage:
    """What one object of a kind counts as."""
    counts: Usage = {COUNT + resource.qualified: ONE}
    if resource is PODS:
        return counts | (pod_usage(obj["spec"]) if _is_alive(obj) else {})
    if resource is SERVICES:
        return counts | _service(obj.get("spec") or {})
    if resource is PERSISTENTVOLUMECLAIMS:
        return counts | _claim(obj.get("spec") or {})
    return counts | {resource.plural: ONE} if resource in _PLAIN else counts


def pod_usage(spec: Obj) -> Usage:
    """What a pod that has not ended counts as."""
    usage: Usage = {"pods": ONE}
    for name, amount in pod_amounts(spec, "requests").items():
        usage |= requested(name, amount)
    for name, amount in pod_amounts(spec, "limits").items():
        usage |= limited(name, amount)
    return usage


def requested(name: str, amount: Quantity) -> Usage:
    """A request under the names by which it may be limited: `cpu` and `requests.cpu`."""
    plain = {name: amount} if name in _COMPUTE or name.startswith("hugepages-") else {}
    return {**plain, f"requests.{name}": amount}


def limited(name: str, amount: Quantity) -> Usage:
    return {f"limits.{name}": amount} if name in _COMPUTE else {}


def _is_alive(pod: Obj) -> bool:
    """Ended pods use nothing; nor do those that their node should long have ended."""
    metadata = pod["metadata"]
    if (pod.get("status") or {}).get("phase") in _FINISHED:
        return False
    going = metadata.get("deletionTimestamp")
    if not going:
        return True
    grace = metadata.get("deletionGracePeriodSeconds") or 0
    return time.time() <= parse_time(going) + grace


def _service(spec: Obj) -> Usage:
    ports, kind = spec.get("ports") or [], spec.get("type")
    usage: Usage = {"services": ONE}
    if kind == "LoadBalancer":
        usage["services.loadbalancers"] = ONE
        if spec.get("allocateLoadBalancerNodePorts") is False:
            ports = [port for port in ports if port.get("nodePort")]
    if kind in ("NodePort", "LoadBalancer"):
        usage["services.nodeports"] = Quantity(Decimal(len(ports)))
    return usage


def _claim(spec: Obj) -> Usage:
    usage: Usage = {PERSISTENTVOLUMECLAIMS.plural: ONE}
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if size is not None:
        usage["requests.storage"] = Quantity.of(size)
    if spec.get("storageClassName"):
        prefix = spec["storageClassName"] + _STORAGE_CLASS
        usage |= {prefix + name: amount for name, amount in usage.items()}
    return usage


@cache
def _by_count() -> dict[str, Resource]:
    return {COUNT + one.qualified: one for one in RESOURCES if one.namespaced}


def counted(names: Iterable[str]) -> set[Resource]:
    """The kinds that have to be looked at to know how much is used of these."""
    return {resource for name in names if (resource := _kind(name)) is not None}


def _kind(name: str) -> Resource | None:
    if name.startswith(COUNT):
        return _by_count().get(name)
    if name == "requests.storage" or _STORAGE_CLASS in name:
        return PERSISTENTVOLUMECLAIMS
    plain = {one.plural: one for one in _PLAIN}
    return plain.get(name) or (SERVICES if name.startswith("services.") else PODS)
