"""The rows of HorizontalPodAutoscalers: what each metric is and what it shall be."""

from typing import Any

from labctl.api.conversion.autoscaling import to_v2
from labctl.api.kinds.autoscaling import HORIZONTALPODAUTOSCALERS, HORIZONTALPODAUTOSCALERS_V1
from labctl.api.objects import Obj, name
from labctl.api.tables.columns import AGE, NAME, Printer, text
from labctl.api.tables.text import NONE, UNKNOWN, UNSET, age, spec, status

_SHOWN = 2  # metrics in a cell; the rest is counted
_MEMBERS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
_OF_RESOURCES = ("Resource", "ContainerResource")
_MAY_AVERAGE = ("Object", "External")  # a value, or one for each pod


def _autoscaler(hpa: Obj, now: float) -> list[Any]:
    target = spec(hpa).get("scaleTargetRef") or {}
    return [
        name(hpa),
        f"{target.get('kind')}/{target.get('name')}",
        _metrics(spec(hpa).get("metrics") or (), status(hpa).get("currentMetrics") or ()),
        str(spec(hpa).get("minReplicas", UNSET)),
        spec(hpa).get("maxReplicas") or 0,
        status(hpa).get("currentReplicas") or 0,
        age(hpa, now),
    ]


def _metrics(wanted: Any, current: Any) -> str:
    if not wanted:
        return NONE
    now = [*current, *[{}] * len(wanted)]
    shown = [_metric(metric, now[at]) for at, metric in enumerate(wanted)]
    more = f" + {len(shown) - _SHOWN} more..." if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


def _metric(metric: Obj, current: Obj) -> str:
    kind = metric.get("type") or ""
    member = _MEMBERS.get(kind)
    if member is None:
        return "<unknown type>"
    source = metric.get(member) or {}
    target, value = source.get("target") or {}, (current.get(member) or {}).get("current") or {}
    if kind in _OF_RESOURCES:
        return f"{source.get('name')}: {_amounts(target, value)}"
    if kind in _MAY_AVERAGE and target.get("averageValue") is None:
        return f"{value.get('value', UNKNOWN)}/{target.get('value')}"
    average = f"{value.get('averageValue', UNKNOWN)}/{target.get('averageValue')}"
    return f"{average} (avg)" if kind in _MAY_AVERAGE else average


def _amounts(target: Obj, value: Obj) -> str:
    if target.get("averageValue") is not None:
        return f"{value.get('averageValue', UNKNOWN)}/{target['averageValue']}"
    return f"{_percent(value, UNKNOWN)}/{_percent(target, '<auto>')}"


def _percent(amount: Obj, absent: str) -> str:
    use = amount.get("averageUtilization")
    return absent if use is None else f"{use}%"


_COLUMNS = (
    NAME,
    text("Reference"),
    text("Targets"),
    text("MinPods"),
    text("MaxPods"),
    text("Replicas"),
    AGE,
)

PRINTERS = {
    HORIZONTALPODAUTOSCALERS: Printer(_COLUMNS, _autoscaler),
    HORIZONTALPODAUTOSCALERS_V1: Printer(
        _COLUMNS, lambda hpa, now: _autoscaler(to_v2({"metadata": {}, **hpa}), now)
    ),
}
