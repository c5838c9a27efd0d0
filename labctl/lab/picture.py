"""A lab's topology as text, drawn from its objects: what `labctl graph` prints.

A pure function of the Lab, its Nodes and its Pods, so the picture cannot drift from the cluster.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network
from itertools import zip_longest

from labctl import names
from labctl.api.lab import LabSpec
from labctl.api.objects import Obj, key, name

_PODS_SHOWN = 8
_NODES_IN_A_ROW = 3


def draw(spec: LabSpec, nodes: Sequence[Obj], pods: Sequence[Obj]) -> str:
    """The fabric above, the nodes with their bridges and pods below."""
    by_node: dict[str, list[Obj]] = {}
    for pod in sorted(pods, key=key):
        by_node.setdefault(pod["spec"].get("nodeName", ""), []).append(pod)
    boxes = [_node_box(spec, node, by_node.get(name(node), [])) for node in nodes]
    rows = [boxes[at : at + _NODES_IN_A_ROW] for at in range(0, len(boxes), _NODES_IN_A_ROW)]
    return "\n".join([*_fabric(spec), *(line for row in rows for line in _beside(row))])


def _fabric(spec: LabSpec) -> list[str]:
    middle = 12
    router = f"router {names.OUTSIDE_ROUTER_ADDRESS} · {names.ROUTER_ADDRESS}"
    return [
        f"outside {names.OUTSIDE_ADDRESS}".center(2 * middle + 1).rstrip(),
        " " * middle + "│",
        router + f"     control plane {names.CONTROL_PLANE_ADDRESS}:{names.API_PORT}",
        " " * middle + "│" + " " * 32 + "│",
        f"═══ underlay {names.UNDERLAY_CIDR}, {spec.network.backend}, "
        f"mtu {spec.network.mtu} ".ljust(78, "═"),
    ]


def _node_box(spec: LabSpec, node: Obj, pods: Sequence[Obj]) -> list[str]:
    lines = [f"eth0 {_internal_ip(node)}"]
    if spec.network.backend == "vxlan":
        lines.append(names.VXLAN_DEVICE)
    cidr = node["spec"].get("podCIDR")
    if cidr:
        network = IPv4Network(cidr)
        cni = spec.network.cni
        own = f"{names.BRIDGE} {network[1]}/{network.prefixlen}"
        lines.append(f"CNI {cni.conflist['name']}, {network}" if cni else own)
    shown = [_pod_line(pod) for pod in pods[:_PODS_SHOWN]]
    if len(pods) > _PODS_SHOWN:
        shown.append(f"… {len(pods) - _PODS_SHOWN} more")
    lines += [("└─ " if line is shown[-1] else "├─ ") + line for line in shown]
    return _box(name(node), lines)


def _internal_ip(node: Obj) -> str:
    addresses = node.get("status", {}).get("addresses", [])
    return next((str(a["address"]) for a in addresses if a["type"] == "InternalIP"), "?")


def _pod_line(pod: Obj) -> str:
    space = pod["metadata"]["namespace"]
    shown = name(pod) if space == "default" else f"{space}/{name(pod)}"
    return f"{pod.get('status', {}).get('podIP', '?')} {_cut(shown)}"


def _cut(text: str, limit: int = 22) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _box(title: str, lines: Sequence[str]) -> list[str]:
    width = max(24, len(title) + 3, *(len(line) for line in lines))
    top = f"┌ {title} ".ljust(width + 3, "─") + "┐"
    stem = " " * (len(top) // 2) + "│" + " " * (len(top) - len(top) // 2 - 1)
    body = [f"│ {line.ljust(width)} │" for line in lines]
    return [stem, top, *body, "└" + "─" * (width + 2) + "┘"]


def _beside(boxes: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line) for line in box) for box in boxes]
    return [
        " ".join(line.ljust(width) for line, width in zip(lines, widths, strict=True)).rstrip()
        for lines in zip_longest(*boxes, fillvalue="")
    ]
