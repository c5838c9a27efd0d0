"""Who owns whom, by UID: the present state of all objects, as far as ownership goes.

Names are no identity: an owner that was deleted and made again under its name is another object,
and what the first one owned is garbage.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final, Self

from labctl.api.objects import Obj, is_deleting, key, name, namespace, owner_references, uid
from labctl.api.resource import Resource

FOREGROUND: Final = "foregroundDeletion"
ORPHAN: Final = "orphan"


@dataclass(frozen=True)
class Owner:
    """One owner reference."""

    api_version: str
    kind: str
    name: str
    uid: str
    blocks: bool

    @classmethod
    def of(cls, reference: Obj) -> Self:
        return cls(
            reference["apiVersion"],
            reference["kind"],
            reference["name"],
            reference["uid"],
            bool(reference.get("blockOwnerDeletion")),
        )


@dataclass(frozen=True)
class Item:
    """One object."""

    resource: Resource
    key: str
    namespace: str
    name: str
    uid: str
    owners: tuple[Owner, ...]
    deleting: bool
    finalizers: frozenset[str]

    @classmethod
    def of(cls, resource: Resource, obj: Obj) -> Self:
        return cls(
            resource,
            key(obj),
            namespace(obj),
            name(obj),
            uid(obj),
            tuple(Owner.of(one) for one in owner_references(obj)),
            is_deleting(obj),
            frozenset(obj["metadata"].get("finalizers") or ()),
        )

    @property
    def waits(self) -> bool:
        """Whether it is being deleted in the foreground: after its dependents."""
        return self.deleting and FOREGROUND in self.finalizers

    @property
    def orphans(self) -> bool:
        """Whether it is being deleted and its dependents shall live on."""
        return self.deleting and ORPHAN in self.finalizers


class Graph:
    """All objects by UID, and whom each owns."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._dependents: dict[str, set[str]] = {}

    def put(self, item: Item) -> None:
        self.remove(item.uid)
        self._items[item.uid] = item
        for owner in item.owners:
            self._dependents.setdefault(owner.uid, set()).add(item.uid)

    def remove(self, uid: str) -> None:
        item = self._items.pop(uid, None)
        for owner in item.owners if item is not None else ():
            dependents = self._dependents.get(owner.uid, set())
            dependents.discard(uid)
            if not dependents:
                self._dependents.pop(owner.uid, None)

    def get(self, uid: str) -> Item | None:
        return self._items.get(uid)

    def dependents(self, uid: str) -> list[Item]:
        return [self._items[one] for one in self._dependents.get(uid, ())]


@dataclass(frozen=True)
class Owners:
    """An object's owners by what is known of them."""

    solid: tuple[Owner, ...]
    waiting: tuple[Owner, ...]
    """Those that are being deleted and wait for their dependents."""
    absent: tuple[Owner, ...]
    unknown: tuple[Owner, ...]
    """Those that the graph does not have: the API must be asked whether they exist."""


def classify(item: Item, graph: Graph, absent: Container[str]) -> Owners:
    """Sorts an item's owners; `absent` are UIDs that the API was seen not to have.

    An owner in another namespace does not count: it is as good as absent.
    """
    groups: dict[str, list[Owner]] = {"solid": [], "waiting": [], "absent": [], "unknown": []}
    for owner in item.owners:
        groups[_state(item, owner, graph, absent)].append(owner)
    return Owners(**{group: tuple(owners) for group, owners in groups.items()})


def _state(item: Item, owner: Owner, graph: Graph, absent: Container[str]) -> str:
    found = graph.get(owner.uid)
    if found is None:
        return "absent" if owner.uid in absent else "unknown"
    if is_foreign(item, found):
        return "absent"
    return "waiting" if found.waits and owner.blocks else "solid"


def is_foreign(item: Item, owner: Item) -> bool:
    """Whether the owner is in another namespace, which owner references cannot reach."""
    return owner.resource.namespaced and owner.namespace != item.namespace


@dataclass(frozen=True)
class Keep:
    """Nothing is to be done."""


@dataclass(frozen=True)
class Ask:
    """The API must be asked first whether these owners exist."""

    owners: tuple[Owner, ...]


@dataclass(frozen=True)
class Disown:
    """These references lead nowhere, another owner keeps the object."""

    uids: tuple[str, ...]


@dataclass(frozen=True)
class Collect:
    """No owner is left: delete it, with this propagation."""

    propagation: str


@dataclass(frozen=True)
class Finish:
    """All dependents that blocked are gone: take the finalizer away, the object may go."""


@dataclass(frozen=True)
class Pursue:
    """These dependents have to go first."""

    items: tuple[Item, ...]


Verdict = Keep | Ask | Disown | Collect | Finish | Pursue


def judge(item: Item, graph: Graph, absent: Container[str] = ()) -> Verdict:
    """What has to be done about an item (attemptToDeleteItem of Kubernetes)."""
    if item.waits:
        return _judge_waiting(item, graph)
    if item.deleting or not item.owners:
        return Keep()
    owners = classify(item, graph, absent)
    if owners.unknown:
        return Ask(owners.unknown)
    if owners.solid:
        lost = tuple(one.uid for one in (*owners.absent, *owners.waiting))
        return Disown(lost) if lost else Keep()
    if owners.waiting and graph.dependents(item.uid):
        return Collect("Foreground")
    return Collect(_propagation(item.finalizers))


def _judge_waiting(item: Item, graph: Graph) -> Verdict:
    blocking = tuple(one for one in graph.dependents(item.uid) if _blocks(one, item))
    if not blocking:
        return Finish()
    return Pursue(tuple(one for one in blocking if not one.waits))


def _blocks(dependent: Item, item: Item) -> bool:
    return any(owner.uid == item.uid and owner.blocks for owner in dependent.owners)


def _propagation(finalizers: frozenset[str]) -> str:
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


def needs_judgement(item: Item, graph: Graph, absent: Container[str]) -> bool:
    """Whether an item that has appeared may be garbage: an owner is unknown, or going."""
    if item.waits:
        return True
    owners = classify(item, graph, absent)
    return bool(owners.unknown or owners.absent or owners.waiting)
