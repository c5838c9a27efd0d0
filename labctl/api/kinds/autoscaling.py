"""The group autoscaling, v2."""

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

RESOURCES = (HORIZONTALPODAUTOSCALERS,)
