"""Defaults of CustomResourceDefinitions (apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go)."""

from collections.abc import Callable

from labctl.api.defaults.fill import change, change_spec, fill
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS
from labctl.api.objects import Obj
from labctl.api.resource import Resource


def _definition(obj: Obj) -> Obj:
    return change_spec(obj, _spec)


def _spec(spec: Obj) -> Obj:
    named = change(spec, "names", _names)
    return fill(named, {"conversion": {"strategy": "None"}})


def _names(names: Obj) -> Obj:
    """A name that is written as "" is not written."""
    kind = names.get("kind")
    if not kind:
        return names
    given = {word: value for word, value in names.items() if value != ""}
    return fill(given, {"singular": kind.lower(), "listKind": f"{kind}List"})


DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {CUSTOMRESOURCEDEFINITIONS: _definition}
