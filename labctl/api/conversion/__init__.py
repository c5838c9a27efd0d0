"""One stored object in several versions or groups: what each shows of it, and how it is written.

Kubernetes converts through types of its own; here the stored form is that hub. A `View` belongs to
the resource that is not stored: `shown` makes its form of a stored object, `kept` the stored form
of what a client sends.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from labctl.api.causes import Cause
from labctl.api.conversion import autoscaling, events, ingresses
from labctl.api.kinds.autoscaling import HORIZONTALPODAUTOSCALERS_V1
from labctl.api.kinds.batch import CRONJOBS_V1BETA1
from labctl.api.kinds.events import NEWER_EVENTS
from labctl.api.kinds.networking import INGRESSES_V1BETA1
from labctl.api.kinds.policy import PODDISRUPTIONBUDGETS_V1BETA1
from labctl.api.objects import Obj
from labctl.api.resource import Resource

__all__ = ["View", "view_of"]


def _nothing(_: Obj) -> Iterator[Cause]:
    return iter(())


@dataclass(frozen=True)
class View:
    """How a resource shows the objects of another."""

    resource: Resource
    shown: Callable[[Obj], Obj]
    kept: Callable[[Obj], Obj]
    check: Callable[[Obj], Iterator[Cause]] = _nothing
    """What is asked of a new object in this form alone."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Fields of selectors, by their names here, under the names of the stored form."""
    warning: str = ""
    """What everybody is told who uses this form."""

    @property
    def stored(self) -> Resource:
        assert self.resource.stored is not None
        return self.resource.stored


def _older(resource: Resource, since: str, gone: str) -> View:
    """A view of an earlier version with the same fields, which a newer one took the place of."""
    assert resource.stored is not None
    newer = resource.stored.api_version
    return View(
        resource,
        shown=lambda obj: {**obj, "apiVersion": resource.api_version},
        kept=lambda obj: {**obj, "apiVersion": newer},
        warning=_deprecated(resource, since, gone),
    )


def _deprecated(resource: Resource, since: str, gone: str) -> str:
    assert resource.stored is not None
    return (
        f"{resource.api_version} {resource.kind} is deprecated in {since}+, "
        f"unavailable in {gone}+; use {resource.stored.api_version} {resource.kind}"
    )


_VIEWS = {
    view.resource: view
    for view in (
        View(HORIZONTALPODAUTOSCALERS_V1, autoscaling.to_v1, autoscaling.to_v2),
        View(NEWER_EVENTS, events.to_newer, events.to_core, events.check_new, events.FIELDS),
        View(
            INGRESSES_V1BETA1,
            ingresses.to_older,
            ingresses.to_v1,
            warning=_deprecated(INGRESSES_V1BETA1, "v1.14", "v1.22"),
        ),
        _older(CRONJOBS_V1BETA1, "v1.21", "v1.25"),
        _older(PODDISRUPTIONBUDGETS_V1BETA1, "v1.21", "v1.25"),
    )
}


def view_of(resource: Resource) -> View | None:
    """How the resource shows what another stores, or None: it stores its own."""
    return _VIEWS.get(resource)
