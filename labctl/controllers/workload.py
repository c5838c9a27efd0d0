"""What the shells of workload controllers share: whose pod, which key, what is done with its pods."""

from collections.abc import Callable, Iterable, Sequence

from labctl.api.kinds.apps import CONTROLLERREVISIONS
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, controller_of, key, labels, name, namespace, uid
from labctl.api.resource import Resource
from labctl.api.selectors import from_object
from labctl.controllers.claim import owns
from labctl.controllers.controller import Desk
from labctl.controllers.writes import Delete, Write, perform, perform_all
from labctl.errors import StatusError


class Workload:
    """The pods of one kind of workload: `mark(key)` is told when an owner has to be looked at."""

    def __init__(self, desk: Desk, resource: Resource, mark: Callable[[str], None]) -> None:
        self._desk = desk
        self._resource = resource
        self._mark = mark
        self._owners = desk.caches.of(resource)
        self._revisions = desk.caches.of(CONTROLLERREVISIONS)
        self._owners.subscribe(self._owner_changed)
        self._revisions.subscribe(self._owned_changed)
        desk.caches.of(PODS).subscribe(self._owned_changed)

    def get(self, at: str) -> Obj | None:
        return self._owners.objects.get(at)

    def all(self) -> Iterable[Obj]:
        return self._owners.objects.values()

    def owner_of(self, obj: Obj | None) -> Obj | None:
        """The workload that controls an object, if it is one of this kind and still there."""
        reference = controller_of(obj) if obj is not None else None
        if obj is None or reference is None or reference["kind"] != self._resource.kind:
            return None
        found = self._owners.get(namespace(obj), reference["name"])
        return found if found is not None and uid(found) == reference["uid"] else None

    def revisions_of(self, owner: Obj) -> list[Obj]:
        return [one for one in self._revisions.objects.values() if owns(owner, one)]

    async def keep_history(self, writes: Sequence[Write]) -> None:
        """Writes revisions; one that is there already is what the cache has yet to show."""
        for answer in await perform_all(self._desk.client, writes):
            exists = isinstance(answer, StatusError) and answer.reason == "AlreadyExists"
            if isinstance(answer, Exception) and not exists:
                raise answer

    async def delete_pod(self, owner: Obj, pod: Obj) -> bool:
        """Deletes the pod, tells of it, and says whether it was there. Raises StatusError."""
        try:
            await perform(self._desk.client, Delete(PODS, pod))
        except StatusError as error:
            if error.code == 404:
                return False
            self.tell(owner, "Warning", "FailedDelete", f"Error deleting: {error}")
            raise
        return True

    def tell(self, owner: Obj, type_: str, reason: str, message: str) -> None:
        self._desk.recorder.event(owner, type_, reason, message)

    def _owner_changed(self, old: Obj | None, new: Obj | None) -> None:
        self._mark(key(new or old or {}))

    def _owned_changed(self, old: Obj | None, new: Obj | None) -> None:
        for obj in (old, new):
            owner = self.owner_of(obj)
            if owner is not None:
                self._mark(key(owner))
        if new is not None and new.get("kind") == PODS.kind and controller_of(new) is None:
            self._mark_adopters(new)

    def _mark_adopters(self, pod: Obj) -> None:
        for owner in self.all():
            selects = from_object(owner["spec"]["selector"])
            if namespace(owner) == namespace(pod) and selects.matches(labels(pod)):
                self._mark(key(owner))


def described(pod: Obj) -> str:
    """A pod as Events name it."""
    return f"{namespace(pod)}/{name(pod)}"
