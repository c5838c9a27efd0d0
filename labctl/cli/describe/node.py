"""A node, with the pods on it."""

from collections.abc import Sequence

from labctl.api.objects import Obj, labels, name, namespace
from labctl.cli.describe import times
from labctl.cli.describe.common import annotation_lines, label_lines, list_lines

_ROLE = "node-role.kubernetes.io/"
_SYSTEM_INFO = (
    ("Machine ID", "machineID"),
    ("System UUID", "systemUUID"),
    ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
)


def node_lines(node: Obj, lease: Obj | None, pods: Sequence[Obj]) -> list[str]:
    """The description of a node, without its events."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    return [
        f"Name:\t{name(node)}",
        f"Roles:\t{_roles(node)}",
        *label_lines(node),
        *annotation_lines(node),
        f"CreationTimestamp:\t{times.date(node['metadata'].get('creationTimestamp'))}",
        *list_lines("Taints:", map(_taint, spec.get("taints") or ())),
        f"Unschedulable:\t{str(bool(spec.get('unschedulable'))).lower()}",
        *_lease(lease),
        *_conditions(status),
        *_pairs(
            "Addresses", [(one["type"], one["address"]) for one in status.get("addresses", ())]
        ),
        *_pairs("Capacity", sorted((status.get("capacity") or {}).items())),
        *_pairs("Allocatable", sorted((status.get("allocatable") or {}).items())),
        *_system_info(status),
        *([f"PodCIDR:\t{spec['podCIDR']}"] if spec.get("podCIDR") else []),
        *([f"PodCIDRs:\t{','.join(spec['podCIDRs'])}"] if spec.get("podCIDRs") else []),
        *_pods(pods),
    ]


def _roles(node: Obj) -> str:
    found = sorted(key.removeprefix(_ROLE) for key in labels(node) if key.startswith(_ROLE))
    return ",".join(found) or "<none>"


def _taint(taint: Obj) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def _lease(lease: Obj | None) -> list[str]:
    spec = (lease or {}).get("spec") or {}
    return [
        "Lease:",
        f"  HolderIdentity:\t{spec.get('holderIdentity', '<unset>')}",
        f"  AcquireTime:\t{times.date(spec.get('acquireTime'))}",
        f"  RenewTime:\t{times.date(spec.get('renewTime'))}",
    ]


def _conditions(status: Obj) -> list[str]:
    lines = ["Conditions:"]
    lines.append("  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage")
    lines.append("  ----\t------\t-----------------\t------------------\t------\t-------")
    for one in status.get("conditions") or ():
        heartbeat = times.date(one.get("lastHeartbeatTime"))
        transition = times.date(one.get("lastTransitionTime"))
        cells = (one["type"], one["status"], heartbeat, transition)
        lines.append(
            "\t".join([f"  {cells[0]}", *cells[1:], one.get("reason", ""), one.get("message", "")])
        )
    return lines


def _pairs(title: str, pairs: Sequence[tuple[str, object]]) -> list[str]:
    return [f"{title}:", *(f"  {key}:\t{value}" for key, value in pairs)]


def _system_info(status: Obj) -> list[str]:
    info = status.get("nodeInfo") or {}
    found = [(title, info[key]) for title, key in _SYSTEM_INFO if info.get(key)]
    return _pairs("System Info", found)


def _pods(pods: Sequence[Obj]) -> list[str]:
    lines = [f"Non-terminated Pods:\t({len(pods)} in total)"]
    lines.append("  Namespace\tName\tIP\tAge")
    lines.append("  ---------\t----\t--\t---")
    for pod in sorted(pods, key=lambda one: (namespace(one), name(one))):
        age = times.age(pod["metadata"].get("creationTimestamp"))
        ip = (pod.get("status") or {}).get("podIP", "")
        lines.append(f"  {namespace(pod)}\t{name(pod)}\t{ip}\t{age}")
    return lines
