"""A pod."""

from labctl.api.objects import Obj, is_deleting
from labctl.cli.describe import times
from labctl.cli.describe.common import annotation_lines, controller_lines, heading, label_lines
from labctl.cli.describe.containers import container_lines
from labctl.cli.describe.templates import placement_lines, volume_lines


def pod_lines(pod: Obj) -> list[str]:
    """The description of a pod, without its events."""
    spec, status = pod["spec"], pod.get("status") or {}
    return [
        *heading(pod),
        *_given(spec, "Priority", "priority"),
        *_given(spec, "Service Account", "serviceAccountName"),
        f"Node:\t{_node(spec, status)}",
        *_start_time(status),
        *label_lines(pod),
        *annotation_lines(pod),
        *_phase(pod, status),
        *_addresses(status),
        *controller_lines(pod),
        *_containers(spec, status),
        *_conditions(status),
        *volume_lines(spec),
        *_quality(status),
        *placement_lines(spec),
    ]


def _given(spec: Obj, title: str, field: str) -> list[str]:
    return [f"{title}:\t{spec[field]}"] if field in spec else []


def _node(spec: Obj, status: Obj) -> str:
    if not spec.get("nodeName"):
        return "<none>"
    address = status.get("hostIP")
    return f"{spec['nodeName']}/{address}" if address else str(spec["nodeName"])


def _start_time(status: Obj) -> list[str]:
    return [f"Start Time:\t{times.date(status['startTime'])}"] if status.get("startTime") else []


def _phase(pod: Obj, status: Obj) -> list[str]:
    if is_deleting(pod):
        metadata = pod["metadata"]
        lasts = times.age(metadata["deletionTimestamp"])
        lines = [f"Status:\tTerminating (lasts {lasts})"]
        grace = metadata.get("deletionGracePeriodSeconds")
        return [*lines, f"Termination Grace Period:\t{grace}s"] if grace is not None else lines
    found = (("Status", "phase"), ("Reason", "reason"), ("Message", "message"))
    return [f"{title}:\t{status[key]}" for title, key in found if status.get(key)]


def _addresses(status: Obj) -> list[str]:
    ips = status.get("podIPs") or []
    lines = [f"IP:\t{status.get('podIP', '')}"]
    if not ips:
        return [*lines, "IPs:\t<none>"]
    return [*lines, "IPs:", *(f"  IP:\t{one['ip']}" for one in ips)]


def _containers(spec: Obj, status: Obj) -> list[str]:
    lines: list[str] = []
    if spec.get("initContainers"):
        statuses = status.get("initContainerStatuses") or ()
        lines += container_lines("Init Containers", spec["initContainers"], statuses)
    statuses = status.get("containerStatuses") or ()
    return lines + container_lines("Containers", spec["containers"], statuses)


def _conditions(status: Obj) -> list[str]:
    conditions = status.get("conditions") or ()
    if not conditions:
        return []
    rows = [f"  {one['type']}\t{one['status']}" for one in conditions]
    return ["Conditions:", "  Type\tStatus", *rows]


def _quality(status: Obj) -> list[str]:
    return [f"QoS Class:\t{status['qosClass']}"] if status.get("qosClass") else []
