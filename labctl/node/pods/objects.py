"""The pods that the API wants on this node, by uid: two pods may have one name, one after another.

Fed by the watch and by the answers to the agent's own writes, whichever is newer, so that a status
is never compared with one that was overwritten already.
"""

from collections.abc import Callable, Iterator

from labctl.api.objects import Obj, resource_version, uid


class PodObjects:
    """`changed(uid)` is told of every pod that came, changed or went."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        self._changed = changed
        self._pods: dict[str, Obj] = {}
        self._deleted: set[str] = set()

    def __iter__(self) -> Iterator[Obj]:
        return iter(self._pods.values())

    def get(self, pod_uid: str) -> Obj | None:
        return self._pods.get(pod_uid)

    def watched(self, old: Obj | None, new: Obj | None) -> None:
        """A change that the watch of this node's pods shows."""
        if new is not None:
            self.put(new)
            self._changed(uid(new))
        elif old is not None:
            self._pods.pop(uid(old), None)
            self._deleted.discard(uid(old))
            self._changed(uid(old))

    def put(self, pod: Obj) -> None:
        """The pod as it is now, unless something newer is known."""
        at = uid(pod)
        known = self._pods.get(at)
        if at not in self._deleted and (known is None or _revision(known) <= _revision(pod)):
            self._pods[at] = pod

    def deleted(self, pod_uid: str) -> None:
        """The API has let go of it; what the watch still shows of it is old."""
        if self._pods.pop(pod_uid, None) is not None:
            self._deleted.add(pod_uid)


def _revision(pod: Obj) -> int:
    """Revisions of one resource are ordered since Kubernetes 1.35 (KEP-5504)."""
    text = resource_version(pod)
    return int(text) if text.isdigit() else 0
