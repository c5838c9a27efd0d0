"""How a lab is: its nodes, pods and processes, and one word for all of it (`LabStatus`)."""

from collections import Counter
from typing import Any

from labctl.api.kinds.core import NODES, PODS
from labctl.api.lab import LabSpec
from labctl.api.objects import Obj, condition, is_condition_true, is_deleting, name
from labctl.errors import LabError, NoSuchLab, StatusError
from labctl.lab import connect, control, processes, state

API_VERSION = "labctl.io/v1alpha1"
_FINISHED = ("Succeeded", "Failed")


async def lab_status(lab: str) -> Obj:
    """The LabStatus of a lab that is up, at least in part; NoSuchLab otherwise."""
    spec = state.require(lab)
    if not processes.is_up(lab):
        raise connect.not_up(lab)
    nodes, pods = await _objects(lab)
    return compose(spec, nodes, pods, process_overview(lab))


async def _objects(lab: str) -> tuple[list[Obj], list[Obj]]:
    """Nodes and pods; nothing while the API does not answer, which `processes` then explains."""
    try:
        client = connect.client(lab)
        return (await client.list(NODES)).items, (await client.list(PODS)).items
    except (NoSuchLab, StatusError):
        return [], []


def compose(spec: LabSpec, nodes: list[Obj], pods: list[Obj], found: list[Obj]) -> Obj:
    """The report, from what was found: pure."""
    node_reports = [_node_report(node, pods) for node in sorted(nodes, key=_place(spec))]
    counts = _pod_counts(pods)
    missing = set(spec.node_names) - {name(node) for node in nodes}
    healthy = (
        not missing
        and all(node["ready"] for node in node_reports)
        and all(process["state"] == "running" for process in found)
        and counts["ready"] == counts["total"] - counts["finished"]
    )
    return {
        "apiVersion": API_VERSION,
        "kind": "LabStatus",
        "lab": spec.name,
        "phase": "Ready" if healthy else "Degraded",
        "healthy": healthy,
        "backend": spec.network.backend,
        "podCIDR": spec.network.pod_cidr,
        "serviceCIDR": spec.network.service_cidr,
        "mtu": spec.network.mtu,
        "healing": spec.network.healing,
        "store": spec.store.engine,
        "nodes": node_reports,
        "pods": counts,
        "processes": found,
    }


def process_overview(lab: str, patience: float = control.PATIENCE) -> list[Obj]:
    """The lab's processes, from the supervisor or, where it is dead, from what it wrote down."""
    try:
        found: list[Obj] = control.request(lab, "status", patience=patience)["processes"]
    except LabError:
        return [_recorded(process) for process in processes.read_record(lab).processes]
    return found


def lab_list() -> Obj:
    """The LabList: every lab of this machine."""
    return {
        "apiVersion": API_VERSION,
        "kind": "LabList",
        "items": [_summary(lab) for lab in state.traces()],
    }


def _summary(lab: str) -> Obj:
    try:
        spec = state.load(lab)
    except LabError:
        spec = None
    if spec is None:  # what a crash left: `down` takes it away
        return {"name": lab, "phase": "Broken", "nodes": 0, "backend": ""}
    phase = "Up" if processes.is_up(lab) else "Down"
    return {
        "name": lab,
        "phase": phase,
        "nodes": len(spec.nodes),
        "backend": spec.network.backend,
    }


def _recorded(process: processes.Process) -> Obj:
    alive = processes.is_alive(process)
    return {
        "name": process.name,
        "pid": process.pid if alive else None,
        "state": "running" if alive else "dead",
        "restarts": process.restarts,
    }


def _place(spec: LabSpec) -> Any:
    order = {node: place for place, node in enumerate(spec.node_names)}
    return lambda node: (order.get(name(node), len(order)), name(node))


def _node_report(node: Obj, pods: list[Obj]) -> Obj:
    status = node.get("status") or {}
    addresses = {one["type"]: one["address"] for one in status.get("addresses") or ()}
    ready = condition(node, "Ready") or {}
    mine = [pod for pod in pods if pod["spec"].get("nodeName") == name(node)]
    return {
        "name": name(node),
        "ready": ready.get("status") == "True",
        "status": _node_word(node, ready),
        "reason": "" if ready.get("status") == "True" else ready.get("message", ""),
        "address": addresses.get("InternalIP", ""),
        "podCIDR": (node.get("spec") or {}).get("podCIDR", ""),
        "pods": len([pod for pod in mine if not _is_finished(pod)]),
    }


def _node_word(node: Obj, ready: Obj) -> str:
    word = "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{word},SchedulingDisabled" if node["spec"].get("unschedulable") else word


def _pod_counts(pods: list[Obj]) -> Obj:
    phases = Counter((pod.get("status") or {}).get("phase", "Pending") for pod in pods)
    return {
        "total": len(pods),
        "ready": sum(map(_is_ready, pods)),
        "finished": sum(map(_is_finished, pods)),
        "phases": dict(sorted(phases.items())),
    }


def _is_ready(pod: Obj) -> bool:
    return is_condition_true(pod, "Ready") and not is_deleting(pod) and not _is_finished(pod)


def _is_finished(pod: Obj) -> bool:
    return (pod.get("status") or {}).get("phase") in _FINISHED
