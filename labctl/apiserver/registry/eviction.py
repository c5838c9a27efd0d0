"""The subresource eviction: a deletion that the pod's disruption budget may refuse.

What a budget allows, the disruption controller has counted into its status; each eviction takes one
from it by compare-and-swap, so that two at once never share the last. As pkg/registry/core/pod/
storage/eviction.go, but that the pod's DisruptionTarget is told with its deletion, in one write.
"""

from dataclasses import dataclass, replace
from typing import Any

from labctl.api import status
from labctl.api.causes import Cause
from labctl.api.disruption import covering, targeted, with_permission
from labctl.api.kinds.core import PODS
from labctl.api.kinds.policy import PODDISRUPTIONBUDGETS
from labctl.api.objects import Obj, is_condition_true, is_deleting, name, now, resource_version
from labctl.api.resource import Resource
from labctl.apiserver.answers import Plain
from labctl.apiserver.decoding import decode_body
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.change import change
from labctl.apiserver.registry.deletion import delete_object
from labctl.apiserver.registry.options import DeleteOptions, options_of
from labctl.apiserver.request import Request, Target
from labctl.errors import StatusError

_EVICTIONS = Resource("policy", "v1", "Eviction", "evictions", namespaced=True)
_VERSIONS = ("", "policy/v1", "policy/v1beta1")  # kubectl 1.20 still sends v1beta1
_ATTEMPTS = 20
_MOST_DISRUPTED = 2000  # evictions that the controller has not noticed yet
_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_FINISHED = ("Succeeded", "Failed")


async def evict(backend: Backend, request: Request) -> Plain:
    """201 once the pod's deletion has begun; raises 400, 404, 409, and 429 where a budget refuses."""
    options = _read(request)
    for _ in range(_ATTEMPTS):
        pod = (await backend.read(PODS, request.namespace, request.name)).object
        permit = await _ask(backend, request, pod, options)
        try:
            await delete_object(backend, request, permit.options, _targeted)
        except StatusError as error:
            if error.reason != "Conflict" or permit.options is options:
                raise
            if permit.refusal is not None:
                raise permit.refusal from None
        else:
            return Plain(status.success(), 201)
    raise status.conflict(PODS, request.name)


@dataclass(frozen=True, slots=True)
class _Permit:
    """How a pod may be deleted; `refusal` is what to answer if it changes before that."""

    options: DeleteOptions
    refusal: StatusError | None = None


def _read(request: Request) -> DeleteOptions:
    eviction: Any = decode_body(request, _EVICTIONS) if request.body else {}
    if not isinstance(eviction, dict) or eviction.get("apiVersion", "") not in _VERSIONS:
        raise status.bad_request("the body must be an Eviction of policy/v1")
    metadata = eviction.get("metadata") or {}
    if not isinstance(metadata, dict) or metadata.get("name", request.name) != request.name:
        raise status.bad_request("name in URL does not match name in Eviction object")
    return options_of(eviction.get("deleteOptions") or {}, request)


async def _ask(backend: Backend, request: Request, pod: Obj, options: DeleteOptions) -> _Permit:
    """Raises 429 where the pod's budget refuses; 500 where it has several."""
    phase = (pod.get("status") or {}).get("phase")
    if phase in _FINISHED or is_deleting(pod):
        return _Permit(options)  # what could be disrupted is already
    if phase == "Pending":
        return _Permit(_held(options, pod))
    entries = backend.cache.entries(PODDISRUPTIONBUDGETS, request.namespace)
    budgets = list(covering((entry.object for entry in entries), pod))
    if len(budgets) > 1:
        raise _several()
    if not budgets:
        return _Permit(options)
    if not is_condition_true(pod, "Ready") and _spares(budgets[0]):
        return _Permit(_held(options, pod), _being_processed(budgets[0]))
    await _take(backend, request, name(budgets[0]), options)
    return _Permit(options)


def _held(options: DeleteOptions, pod: Obj) -> DeleteOptions:
    """The options, for this very state of the pod: it could become ready before it is deleted."""
    if options.resource_version:
        return options
    return replace(options, resource_version=resource_version(pod))


def _spares(budget: Obj) -> bool:
    """Whether the budget lets a pod go that is not healthy, without counting it."""
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    told = budget.get("status") or {}
    desired = told.get("desiredHealthy", 0)
    return bool(0 < desired <= told.get("currentHealthy", 0))


async def _take(backend: Backend, request: Request, budget: str, options: DeleteOptions) -> None:
    """Takes one disruption from the budget; raises 403, 429."""
    query = {"dryRun": "All"} if options.dry_run else {}
    target = Target(PODDISRUPTIONBUDGETS, request.namespace, budget, "status")
    write = Request("update", target, request.user, query)
    await change(backend, write, budget, lambda old: _with_one_less(old, request.name))


def _with_one_less(budget: Obj, pod: str) -> Obj:
    told, generation = budget.get("status") or {}, budget["metadata"].get("generation", 0)
    if told.get("observedGeneration", 0) < generation:
        raise _being_processed(budget)
    disrupted = told.get("disruptedPods") or {}
    if len(disrupted) > _MOST_DISRUPTED:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise status.forbidden(PODDISRUPTIONBUDGETS, name(budget), why)
    allowed = told.get("disruptionsAllowed", 0) - 1
    if allowed < 0:
        raise _exhausted(budget)
    taken = {**told, "disruptionsAllowed": allowed, "disruptedPods": {**disrupted, pod: now()}}
    return {**budget, "status": with_permission(taken, generation)}


def _targeted(pod: Obj) -> Obj:
    return targeted(pod, "EvictionByEvictionAPI", "Eviction API: evicting")


def _exhausted(budget: Obj) -> StatusError:
    told = budget.get("status") or {}
    return _refused(
        f"The disruption budget {name(budget)} needs {told.get('desiredHealthy', 0)} healthy pods "
        f"and has {told.get('currentHealthy', 0)} currently"
    )


def _being_processed(budget: Obj) -> StatusError:
    return _refused(f"The disruption budget {name(budget)} is still being processed by the server.")


def _refused(why: str) -> StatusError:
    """Without a Retry-After: kubectl drain has a rhythm of its own and must keep its time limit."""
    return status.too_many_requests(_REFUSED, causes=[Cause("", "DisruptionBudget", why)])


def _several() -> StatusError:
    text = (
        "This pod has more than one PodDisruptionBudget, "
        "which the eviction subresource does not support."
    )
    return status.failure(500, "", text)
