"""The subresource ephemeralcontainers of a pod: containers added to one that runs, to look into it.

Of what is sent, only these containers are taken (podEphemeralContainersStrategy).
"""

from collections.abc import Sequence

from labctl.api import status
from labctl.api.causes import Cause
from labctl.api.defaults import set_defaults
from labctl.api.objects import Obj
from labctl.api.validation.ephemeral import check_ephemeral_update
from labctl.api.validation.pod import check_pod
from labctl.apiserver.answers import Plain, Stored
from labctl.apiserver.decoding import decode_object
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.change import change
from labctl.apiserver.registry.metadata import check_identity, check_location
from labctl.apiserver.registry.ownership import owned_change, settled
from labctl.apiserver.registry.patching import Patch, read_patch
from labctl.apiserver.registry.strategies import strategy_of, with_member
from labctl.apiserver.registry.update import answer
from labctl.apiserver.request import Request
from labctl.apiserver.validation import shaped


async def update_ephemeral(backend: Backend, request: Request) -> Stored | Plain:
    """PUT of the pod; raises what an update raises."""
    sent = shaped(request, decode_object(request))
    return await _change(backend, request, lambda _: sent)


async def patch_ephemeral(backend: Backend, request: Request) -> Stored | Plain:
    """PATCH of the pod; raises what a patch raises."""
    return await _change(backend, request, read_patch(request, request.resource))


async def _change(backend: Backend, request: Request, make: Patch) -> Stored | Plain:
    warnings: Sequence[str] = ()

    def ruled(old: Obj) -> Obj:
        nonlocal warnings
        candidate, warnings = make(old)
        check_location(request, candidate["metadata"])
        return _ruled(backend, request, candidate, old)

    return answer(await change(backend, request, request.name, ruled), warnings)


def _ruled(backend: Backend, request: Request, candidate: Obj, old: Obj) -> Obj:
    """The pod with the candidate's ephemeral containers; raises 409, 422."""
    check_identity(request.resource, candidate["metadata"], old["metadata"])
    strategy = strategy_of(request.resource)
    containers = (candidate.get("spec") or {}).get("ephemeralContainers")
    spec = with_member(old["spec"], "ephemeralContainers", containers or None)
    new = set_defaults(request.resource, {**old, "spec": spec})
    new = owned_change(request, strategy, new, old)
    new = backend.admission.admit(backend.circumstances(request, "UPDATE", old), new)
    new = settled(strategy.changed(new, old), old)
    causes: list[Cause] = [*check_pod(new), *check_ephemeral_update(new, old)]
    if causes:
        raise status.invalid(request.resource, request.name, causes)
    return new
