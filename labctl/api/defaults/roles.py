"""Defaults of bindings of roles (pkg/apis/rbac/v1/defaults.go): the API groups of what they name."""

from collections.abc import Callable

from labctl.api.defaults.fill import change, fill
from labctl.api.kinds.rbac import CLUSTERROLEBINDINGS, ROLEBINDINGS
from labctl.api.objects import Obj
from labctl.api.resource import Resource

_GROUP = ROLEBINDINGS.group


def _binding(obj: Obj) -> Obj:
    bound = change(obj, "roleRef", lambda reference: fill(reference, {"apiGroup": _GROUP}))
    if not bound.get("subjects"):
        return bound
    return {**bound, "subjects": [_subject(subject) for subject in bound["subjects"]]}


def _subject(subject: Obj) -> Obj:
    if subject.get("kind") in {"User", "Group"} and not subject.get("apiGroup"):
        return {**subject, "apiGroup": _GROUP}
    return subject


DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {
    ROLEBINDINGS: _binding,
    CLUSTERROLEBINDINGS: _binding,
}
