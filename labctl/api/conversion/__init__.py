"""One stored object in several versions or groups: what each shows of it, and how it is written.

Kubernetes converts through types of its own; here the stored form is that hub. A `View` belongs to
the resource that is not stored: `shown` makes its form of a stored object, `kept` the stored form
of what a client sends.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from labctl.api.causes import Cause
from labctl.api.conversion import autoscaling, events
from labctl.api.kinds.autoscaling import HORIZONTALPODAUTOSCALERS_V1
from labctl.api.kinds.events import NEWER_EVENTS
from labctl.api.objects import Obj
from labctl.api.resource import Resource

__all__ = ["View", "view_of"]


def _nothing(_: Obj) -> Iterator[Cause]:
    return iter(())


@dataclass(frozen=True)
class View:
    """How a resource shows the objects of another."""

    resource: Resource
    stored: Resource
    shown: Callable[[Obj], Obj]
    kept: Callable[[Obj], Obj]
    check: Callable[[Obj], Iterator[Cause]] = _nothing
    """What is asked of a new object in this form alone."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Fields of selectors, by their names here, under the names of the stored form."""


def _view(
    resource: Resource,
    shown: Callable[[Obj], Obj],
    kept: Callable[[Obj], Obj],
    check: Callable[[Obj], Iterator[Cause]] = _nothing,
    fields: Mapping[str, str] | None = None,
) -> View:
    assert resource.stored is not None
    return View(resource, resource.stored, shown, kept, check, fields or {})


_VIEWS = {
    view.resource: view
    for view in (
        _view(HORIZONTALPODAUTOSCALERS_V1, autoscaling.to_v1, autoscaling.to_v2),
        _view(NEWER_EVENTS, events.to_newer, events.to_core, events.check_new, events.FIELDS),
    )
}


def view_of(resource: Resource) -> View | None:
    """How the resource shows what another stores, or None: it stores its own."""
    return _VIEWS.get(resource)
