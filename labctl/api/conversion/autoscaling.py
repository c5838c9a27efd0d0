"""HorizontalPodAutoscalers of v1 and v2.

v1 has one field for the use of cpu; whatever else v2 can say, it carries as JSON in annotations, in
the shapes of v1's own types. pkg/apis/autoscaling/v1/conversion.go.
"""

import json
from collections.abc import Iterable
from typing import Any

from labctl.api.conversion import metric_forms
from labctl.api.conversion.members import only
from labctl.api.kinds.autoscaling import HORIZONTALPODAUTOSCALERS, HORIZONTALPODAUTOSCALERS_V1
from labctl.api.objects import Obj

_PREFIX = "autoscaling.alpha.kubernetes.io/"
_METRICS, _CURRENT = f"{_PREFIX}metrics", f"{_PREFIX}current-metrics"
_CONDITIONS, _BEHAVIOR = f"{_PREFIX}conditions", f"{_PREFIX}behavior"
_ANNOTATIONS = frozenset({_METRICS, _CURRENT, _CONDITIONS, _BEHAVIOR})

_CPU_TARGET, _CPU_NOW = "targetCPUUtilizationPercentage", "currentCPUUtilizationPercentage"


def to_v1(hpa: Obj) -> Obj:
    """The form of v1 of an autoscaler of v2."""
    spec, status = dict(hpa.get("spec") or {}), dict(hpa.get("status") or {})
    percent, metrics = _split_cpu(spec.pop("metrics", None) or (), "target")
    percent_now, current = _split_cpu(status.pop("currentMetrics", None) or (), "current")
    carried = {
        _METRICS: [metric_forms.to_v1(one, "target") for one in metrics],
        _CURRENT: [metric_forms.to_v1(one, "current") for one in current],
        _CONDITIONS: status.pop("conditions", None),
        _BEHAVIOR: spec.pop("behavior", None),
    }
    spec |= only(**{_CPU_TARGET: percent})
    status |= only(**{_CPU_NOW: percent_now})
    if "desiredReplicas" in status:
        status.setdefault("currentReplicas", 0)  # never absent in v1
    metadata = _annotated(hpa["metadata"], carried)
    return _assembled(HORIZONTALPODAUTOSCALERS_V1.api_version, hpa, metadata, spec, status)


def to_v2(hpa: Obj) -> Obj:
    """The form of v2 of an autoscaler of v1; annotations that hold no JSON are left alone."""
    spec, status = dict(hpa.get("spec") or {}), dict(hpa.get("status") or {})
    metadata, carried = _without_annotations(hpa["metadata"])
    metrics = [metric_forms.to_v2(one, "target") for one in carried.get(_METRICS) or ()]
    current = [metric_forms.to_v2(one, "current") for one in carried.get(_CURRENT) or ()]
    percent, percent_now = spec.pop(_CPU_TARGET, None), status.pop(_CPU_NOW, None)
    if percent is not None:
        metrics.insert(0, _cpu("target", {"type": "Utilization", "averageUtilization": percent}))
    if percent_now is not None:
        current.insert(0, _cpu("current", {"averageUtilization": percent_now}))
    spec |= only(metrics=metrics or None, behavior=carried.get(_BEHAVIOR))
    status |= only(currentMetrics=current or None, conditions=carried.get(_CONDITIONS))
    return _assembled(HORIZONTALPODAUTOSCALERS.api_version, hpa, metadata, spec, status)


def _assembled(version: str, hpa: Obj, metadata: Obj, spec: Obj, status: Obj) -> Obj:
    rest = {name: value for name, value in hpa.items() if name != "status"}
    parts = {"metadata": metadata, "spec": spec, **({"status": status} if status else {})}
    return {**rest, **parts, "apiVersion": version}


def _split_cpu(metrics: Iterable[Obj], side: str) -> tuple[int | None, list[Obj]]:
    """The average use of cpu in percent, which v1 has a field for, and the other metrics."""
    percent, others = None, []
    for metric in metrics:
        resource = metric.get("resource") or {}
        use = (resource.get(side) or {}).get("averageUtilization")
        if metric.get("type") == "Resource" and resource.get("name") == "cpu" and use is not None:
            percent = use
        else:
            others.append(metric)
    return percent, others


def _cpu(side: str, value: Obj) -> Obj:
    return {"type": "Resource", "resource": {"name": "cpu", side: value}}


def _annotated(metadata: Obj, carried: Obj) -> Obj:
    texts = {
        key: json.dumps(value, separators=(",", ":")) for key, value in carried.items() if value
    }
    if not texts:
        return metadata
    return {**metadata, "annotations": {**(metadata.get("annotations") or {}), **texts}}


def _without_annotations(metadata: Obj) -> tuple[Obj, Obj]:
    """The metadata without the annotations that carry v2's fields, and what they carry."""
    annotations = metadata.get("annotations") or {}
    carried = {key: _decoded(annotations[key]) for key in _ANNOTATIONS & annotations.keys()}
    understood = {key: value for key, value in carried.items() if value is not None}
    if not understood:
        return metadata, {}
    kept = {key: text for key, text in annotations.items() if key not in understood}
    rest = {name: value for name, value in metadata.items() if name != "annotations"}
    return ({**rest, "annotations": kept} if kept else rest), understood


def _decoded(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list | dict) else None
