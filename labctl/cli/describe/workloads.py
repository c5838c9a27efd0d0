"""Deployments and ReplicaSets."""

from collections.abc import Sequence

from labctl.api.objects import Obj, annotations, name
from labctl.cli.describe import times
from labctl.cli.describe.common import (
    annotation_lines,
    controller_lines,
    heading,
    label_lines,
    section,
    selector_text,
)
from labctl.cli.describe.templates import template_lines
from labctl.lab.rollout import REVISION


def deployment_lines(deployment: Obj, replicasets: Sequence[Obj]) -> list[str]:
    """The description of a Deployment, with its ReplicaSets, without its events."""
    spec, status = deployment["spec"], deployment.get("status") or {}
    strategy = spec.get("strategy") or {}
    return [
        *heading(deployment),
        f"CreationTimestamp:\t{times.date(deployment['metadata'].get('creationTimestamp'))}",
        *label_lines(deployment),
        *annotation_lines(deployment),
        f"Selector:\t{selector_text(spec['selector'])}",
        f"Replicas:\t{_replicas(spec, status)}",
        f"StrategyType:\t{strategy.get('type', '')}",
        f"MinReadySeconds:\t{spec.get('minReadySeconds', 0)}",
        *_rolling(strategy),
        *template_lines(spec["template"]),
        *_conditions(status),
        *_replicasets(deployment, replicasets),
    ]


def _replicas(spec: Obj, status: Obj) -> str:
    parts = (
        (spec.get("replicas", 1), "desired"),
        (status.get("updatedReplicas", 0), "updated"),
        (status.get("replicas", 0), "total"),
        (status.get("availableReplicas", 0), "available"),
        (status.get("unavailableReplicas", 0), "unavailable"),
    )
    return " | ".join(f"{number} {word}" for number, word in parts)


def _rolling(strategy: Obj) -> list[str]:
    rolling = strategy.get("rollingUpdate")
    if not rolling:
        return []
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    return [f"RollingUpdateStrategy:\t{unavailable} max unavailable, {surge} max surge"]


def _conditions(status: Obj) -> list[str]:
    conditions = status.get("conditions") or ()
    rows = [[one["type"], one["status"], one.get("reason", "")] for one in conditions]
    return section("Conditions", ("Type", "Status", "Reason"), rows) if rows else []


def _replicasets(deployment: Obj, replicasets: Sequence[Obj]) -> list[str]:
    current = annotations(deployment).get(REVISION)
    new = [one for one in replicasets if annotations(one).get(REVISION) == current]
    old = [one for one in replicasets if one not in new and one["spec"].get("replicas")]
    return [f"OldReplicaSets:\t{_named(old)}", f"NewReplicaSet:\t{_named(new)}"]


def _named(replicasets: Sequence[Obj]) -> str:
    shown = [
        f"{name(one)} ({(one.get('status') or {}).get('replicas', 0)}/{one['spec'].get('replicas')}"
        " replicas created)"
        for one in replicasets
    ]
    return ", ".join(shown) or "<none>"


def replicaset_lines(replicaset: Obj, pods: Sequence[Obj]) -> list[str]:
    """The description of a ReplicaSet, with the phases of its pods, without its events."""
    spec, status = replicaset["spec"], replicaset.get("status") or {}
    return [
        *heading(replicaset),
        f"Selector:\t{selector_text(spec['selector'])}",
        *label_lines(replicaset),
        *annotation_lines(replicaset),
        *controller_lines(replicaset),
        f"Replicas:\t{status.get('replicas', 0)} current / {spec.get('replicas', 0)} desired",
        f"Pods Status:\t{_phases(pods)}",
        *template_lines(spec["template"]),
        *_conditions(status),
    ]


def _phases(pods: Sequence[Obj]) -> str:
    found = [(pod.get("status") or {}).get("phase", "Pending") for pod in pods]
    words = (
        ("Running", "Running"),
        ("Waiting", "Pending"),
        ("Succeeded", "Succeeded"),
        ("Failed", "Failed"),
    )
    return " / ".join(f"{found.count(phase)} {word}" for word, phase in words)
