"""The group autoscaling: v2, and v1 as another form of the same objects."""

from dataclasses import replace

from labctl.api.resource import Resource

HORIZONTALPODAUTOSCALERS = Resource(
    "autoscaling",
    "v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    namespaced=True,
    short_names=("hpa",),
    categories=("all",),
    subresources=("status",),
)

HORIZONTALPODAUTOSCALERS_V1 = replace(
    HORIZONTALPODAUTOSCALERS, version="v1", stored=HORIZONTALPODAUTOSCALERS
)

RESOURCES = (HORIZONTALPODAUTOSCALERS, HORIZONTALPODAUTOSCALERS_V1)
