"""The group events.k8s.io, v1: the events of the core group in the newer form."""

from labctl.api.kinds.core import EVENTS
from labctl.api.resource import Resource

NEWER_EVENTS = Resource(
    "events.k8s.io",
    "v1",
    "Event",
    "events",
    namespaced=True,
    short_names=("ev",),
    stored=EVENTS,
    acted_upon=True,
    field_selectors=(
        "reason",
        "regarding.apiVersion",
        "regarding.fieldPath",
        "regarding.kind",
        "regarding.name",
        "regarding.namespace",
        "regarding.resourceVersion",
        "regarding.uid",
        "reportingController",
        "type",
    ),
)

RESOURCES = (NEWER_EVENTS,)
