"""Labels and taints that a lab file gives to nodes, brought to nodes that have registered already.

An agent puts them on when it registers. Later changes are `up`'s: what the file said before and
says no more goes, what it says comes, and what others put there stays.
"""

from labctl.api.kinds.core import NODES
from labctl.api.lab import LabSpec, NodeSpec
from labctl.api.objects import Obj, labels
from labctl.client.client import Client


async def converge(client: Client, stored: LabSpec | None, spec: LabSpec) -> None:
    """Patches the nodes whose labels or taints the lab file changed."""
    known = {node.name: node for node in stored.nodes} if stored is not None else {}
    for node in spec.nodes:
        before = known.get(node.name)
        if before is None or before == node:
            continue
        present = await client.get(NODES, node.name)
        patch = patch_for(present, before, node)
        if patch:
            await client.patch(NODES, node.name, patch)


def patch_for(present: Obj, before: NodeSpec, after: NodeSpec) -> Obj:
    """The JSON merge patch that a Node needs; empty for none. Pure."""
    patch: Obj = {}
    if changed := _labels(present, before, after):
        patch["metadata"] = {"labels": changed}
    taints = _taints(present, before, after)
    if taints != (present.get("spec", {}).get("taints") or []):
        patch["spec"] = {"taints": taints or None}
    return patch


def _labels(present: Obj, before: NodeSpec, after: NodeSpec) -> dict[str, str | None]:
    wanted = dict(after.labels)
    there = labels(present)
    changed: dict[str, str | None] = {k: v for k, v in wanted.items() if there.get(k) != v}
    gone = [key for key, _ in before.labels if key not in wanted and key in there]
    return changed | dict.fromkeys(gone)


def _taints(present: Obj, before: NodeSpec, after: NodeSpec) -> list[Obj]:
    ours = [taint.object() for taint in (*before.taints, *after.taints)]
    identities = [(taint["key"], taint["effect"]) for taint in ours]
    there = present.get("spec", {}).get("taints") or []
    others = [taint for taint in there if (taint["key"], taint["effect"]) not in identities]
    return [*others, *(taint.object() for taint in after.taints)]
