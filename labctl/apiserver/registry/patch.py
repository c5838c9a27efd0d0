"""Patch, of objects and of their status: PATCH makes the new state of the old one."""

from collections.abc import Sequence

from labctl.api.objects import Obj
from labctl.apiserver.answers import Plain, Stored
from labctl.apiserver.directives import is_apply
from labctl.apiserver.registry.applying import apply_object
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.metadata import check_location
from labctl.apiserver.registry.patching import Patch, read_patch
from labctl.apiserver.registry.update import answer, change_object
from labctl.apiserver.registry.warnings import unevaluated
from labctl.apiserver.request import Request


async def patch(backend: Backend, request: Request) -> Stored | Plain:
    """200 with the object, or 201 if it was applied and not there.

    Raises 400, 403, 404, 409, 413, 415, 422.
    """
    if is_apply(request):
        return await apply_object(backend, request)
    apply = _patch_in_its_form(request)
    warnings: list[str] = []

    def make(old: Obj) -> Obj:
        patched, doubts = apply(old)
        check_location(request, patched["metadata"])
        warnings[:] = [*doubts, *unevaluated(request.resource, patched)]
        return patched

    return answer(await change_object(backend, request, make), warnings)


def _patch_in_its_form(request: Request) -> Patch:
    """What the patch does to a stored object, where it is written for another form of it too."""
    view = request.view
    if view is None:
        return read_patch(request, request.resource)
    change = read_patch(request, view.resource)

    def make(old: Obj) -> tuple[Obj, Sequence[str]]:
        patched, doubts = change(view.shown(old))
        return view.kept(patched), doubts

    return make
