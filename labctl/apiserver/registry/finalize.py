"""The subresource finalize of a namespace: the namespace controller says that it is empty."""

from labctl.api.objects import Obj
from labctl.apiserver.answers import Plain, Stored
from labctl.apiserver.decoding import decode_object
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.change import change
from labctl.apiserver.registry.metadata import check_identity, check_location
from labctl.apiserver.registry.update import answer
from labctl.apiserver.request import Request
from labctl.apiserver.validation import shaped


async def finalize(backend: Backend, request: Request) -> Stored | Plain:
    """PUT of a namespace: only its spec.finalizers are taken; without any it goes, if deleted."""
    sent = decode_object(request)
    check_location(request, sent["metadata"])
    sent, warnings = shaped(request, sent)

    def make(old: Obj) -> Obj:
        check_identity(request.resource, sent["metadata"], old["metadata"])
        finalizers = (sent.get("spec") or {}).get("finalizers") or []
        return {**old, "spec": {**(old.get("spec") or {}), "finalizers": finalizers}}

    return answer(await change(backend, request, request.name, make), warnings)
