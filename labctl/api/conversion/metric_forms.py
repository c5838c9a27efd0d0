"""The metrics of a HorizontalPodAutoscaler in the types of v1 and of v2.

v2 puts what a metric shall be into `target` and what it is into `current`; v1 spells the side into
the names of fields: targetValue, currentAverageValue. `side` is "target" or "current".
"""

from collections.abc import Callable
from typing import Any

from labctl.api.conversion.members import only
from labctl.api.objects import Obj


def to_v1(metric: Obj, side: str) -> Obj:
    member = _MEMBERS.get(metric.get("type", ""), "")
    source = metric.get(member)
    if not isinstance(source, dict):
        return metric
    return {"type": metric["type"], member: _TO_V1[member](source, side)}


def to_v2(metric: Any, side: str) -> Obj:
    if not isinstance(metric, dict):
        return {"type": metric}
    member = _MEMBERS.get(str(metric.get("type", "")), "")
    source = metric.get(member)
    if not isinstance(source, dict):
        return metric
    return {"type": metric["type"], member: _TO_V2[member](source, side)}


_MEMBERS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def _resource_to_v1(source: Obj, side: str) -> Obj:
    value = source.get(side) or {}
    return only(
        name=source.get("name"),
        container=source.get("container"),
        **{
            f"{side}AverageUtilization": value.get("averageUtilization"),
            f"{side}AverageValue": value.get("averageValue"),
        },
    )


def _resource_to_v2(source: Obj, side: str) -> Obj:
    percent, value = source.get(f"{side}AverageUtilization"), source.get(f"{side}AverageValue")
    kind = "AverageValue" if percent is None else "Utilization"
    amount = only(averageUtilization=percent, averageValue=value)
    return only(
        name=source.get("name"),
        container=source.get("container"),
        **{side: _typed(amount, kind, side)},
    )


def _pods_to_v1(source: Obj, side: str) -> Obj:
    metric = source.get("metric") or {}
    return only(
        metricName=metric.get("name"),
        selector=metric.get("selector"),
        **{f"{side}AverageValue": (source.get(side) or {}).get("averageValue")},
    )


def _pods_to_v2(source: Obj, side: str) -> Obj:
    amount = only(averageValue=source.get(f"{side}AverageValue"))
    metric = only(name=source.get("metricName"), selector=source.get("selector"))
    return {"metric": metric, side: _typed(amount, "AverageValue", side)}


def _object_to_v1(source: Obj, side: str) -> Obj:
    metric, value = source.get("metric") or {}, source.get(side) or {}
    return only(
        target=source.get("describedObject"),
        metricName=metric.get("name"),
        selector=metric.get("selector"),
        averageValue=value.get("averageValue"),
        **{f"{side}Value": value.get("value", "0")},
    )


def _object_to_v2(source: Obj, side: str) -> Obj:
    average, value = source.get("averageValue"), source.get(f"{side}Value")
    amount = only(averageValue=average) if average is not None else only(value=value)
    kind = "Value" if average is None else "AverageValue"
    metric = only(name=source.get("metricName"), selector=source.get("selector"))
    return {
        "describedObject": source.get("target") or {},
        "metric": metric,
        side: _typed(amount, kind, side),
    }


def _external_to_v1(source: Obj, side: str) -> Obj:
    metric, value = source.get("metric") or {}, source.get(side) or {}
    return only(
        metricName=metric.get("name"),
        metricSelector=metric.get("selector"),
        **{f"{side}Value": value.get("value"), f"{side}AverageValue": value.get("averageValue")},
    )


def _external_to_v2(source: Obj, side: str) -> Obj:
    value, average = source.get(f"{side}Value"), source.get(f"{side}AverageValue")
    metric = only(name=source.get("metricName"), selector=source.get("metricSelector"))
    kind = "Value" if average is None else "AverageValue"
    return {"metric": metric, side: _typed(only(value=value, averageValue=average), kind, side)}


def _typed(amount: Obj, kind: str, side: str) -> Obj:
    """A target says of which type it is; a current value does not."""
    return {"type": kind, **amount} if side == "target" else amount


_Convert = Callable[[Obj, str], Obj]
_TO_V1: dict[str, _Convert] = {
    "resource": _resource_to_v1,
    "containerResource": _resource_to_v1,
    "pods": _pods_to_v1,
    "object": _object_to_v1,
    "external": _external_to_v1,
}
_TO_V2: dict[str, _Convert] = {
    "resource": _resource_to_v2,
    "containerResource": _resource_to_v2,
    "pods": _pods_to_v2,
    "object": _object_to_v2,
    "external": _external_to_v2,
}
