"""From what the user asked of `up` and what is stored, to the lab that shall be: pure.

What is not said stays as it is. What a living lab cannot change is refused before anything is
touched, with the field that asked for it.
"""

from dataclasses import dataclass, replace
from typing import Any

from labctl.api.lab import (
    LabSpec,
    NodeSpec,
    StoreSpec,
    check_node_count,
    default_lab,
    lab_object,
    parse_lab,
    store_of_word,
)
from labctl.api.objects import Obj
from labctl.errors import BadInput
from labctl.lab.manifests import Manifest


@dataclass(frozen=True)
class Wish:
    """What `up` was asked for. `document` is the Lab object of a file; None means: not said."""

    lab: str
    document: Obj | None = None
    nodes: int | None = None
    backend: str | None = None
    store: str | None = None
    manifests: tuple[Manifest, ...] = ()


@dataclass(frozen=True)
class Change:
    """From what is stored (None: nothing) to what shall be."""

    stored: LabSpec | None
    spec: LabSpec

    @property
    def leaving(self) -> tuple[str, ...]:
        """The nodes that are stored and shall not be."""
        return self.wider.node_names[len(self.spec.nodes) :]

    @property
    def wider(self) -> LabSpec:
        """What shall be, with the nodes that leave: they are drained before they go."""
        if self.stored is None:
            return self.spec
        nodes = self.spec.nodes + self.stored.nodes[len(self.spec.nodes) :]
        return replace(self.spec, nodes=nodes)


def resolve(wish: Wish, stored: LabSpec | None) -> LabSpec:
    """The lab that shall be; BadInput (naming the field) when it cannot be, or not from here."""
    spec = _asked(wish, stored)
    if stored is not None:
        check_change(stored, spec)
    return spec


def _asked(wish: Wish, stored: LabSpec | None) -> LabSpec:
    if wish.document is not None:
        base = parse_lab(wish.document, wish.lab)
    else:
        base = stored or default_lab(wish.lab)
    if wish.nodes is not None:
        check_node_count(wish.nodes)
        base = replace(base, nodes=_resized(base.nodes, wish.nodes))
    if wish.backend is not None:
        base = replace(base, network=replace(base.network, backend=wish.backend))
    if wish.store is not None:
        base = replace(base, store=store_of_word(wish.store, base.store))
    return parse_lab(lab_object(base), wish.lab)


def _resized(nodes: tuple[NodeSpec, ...], count: int) -> tuple[NodeSpec, ...]:
    """The first `count` nodes, and further ones named by their number."""
    taken = {node.name for node in nodes[:count]}
    more = (f"node{number}" for number in range(len(nodes) + 1, count + 1))
    return nodes[:count] + tuple(NodeSpec(name) for name in more if name not in taken)


def check_change(old: LabSpec, new: LabSpec) -> None:
    """Refuses what a lab that exists cannot become."""
    fixed: tuple[tuple[str, Any, Any], ...] = (
        ("podCIDR", old.network.pod_cidr, new.network.pod_cidr),
        ("serviceCIDR", old.network.service_cidr, new.network.service_cidr),
        ("mtu", old.network.mtu, new.network.mtu),
    )
    for field, before, after in fixed:
        if before != after:
            raise _cannot_change(old.name, f"spec.network.{field}: {before} cannot become {after}")
    if old.store != new.store:
        before, after = _store_words(old.store), _store_words(new.store)
        raise _cannot_change(old.name, f"spec.store: {before} cannot become {after}")
    _check_plugins(old, new)
    _check_places(old, new)


def _store_words(store: StoreSpec) -> str:
    return f"{store.engine} at {', '.join(store.endpoints)}" if store.endpoints else store.engine


def _check_plugins(old: LabSpec, new: LabSpec) -> None:
    """What plugins made for a pod stays as they made it, for as long as the pod lives."""
    if old.network.cni != new.network.cni:
        raise _cannot_change(old.name, "spec.network.cni: it cannot change")
    if new.network.cni and old.network.backend != new.network.backend:
        change = f"{old.network.backend} cannot become {new.network.backend}"
        raise _cannot_change(old.name, f"spec.network.backend: {change} under a CNI plugin's pods")


def _check_places(old: LabSpec, new: LabSpec) -> None:
    """A node's place in the list is its address, so nodes come and go only at the end."""
    for place, (before, after) in enumerate(zip(old.node_names, new.node_names, strict=False)):
        if before != after:
            problem = f"spec.nodes[{place}]: {before} cannot become {after}"
            raise _cannot_change(old.name, f"{problem}: a node's place is its address")


def _cannot_change(lab: str, problem: str) -> BadInput:
    down = "labctl down" if lab == "lab" else f"labctl down --lab {lab}"
    return BadInput(f"{problem} in a lab that exists", f"take it down first: {down}")
