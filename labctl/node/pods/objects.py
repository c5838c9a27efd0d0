"""The pods that the API wants on this node, by uid: two pods may have one name, one after another.

Fed by the watch and by the answers to the agent's own writes, whichever is newer, so that a status
is never compared with one that was overwritten already. Of its own writes the agent is not told
again: that would be every second look at a pod that starts. Pods are kept without managedFields, which
are half of one, and nobody reads them on a node.
"""

from collections.abc import Callable, Iterator

from labctl.api.objects import Obj, resource_version, uid


def lean(pod: Obj) -> Obj:
    """The pod without its managedFields."""
    return {**pod, "metadata": _without(pod["metadata"], "managedFields")}


class PodObjects:
    """`changed(uid)` is told of every pod that came, was changed by somebody else, or went."""

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
            if self._take(new):
                self._changed(uid(new))
            elif resource_version(new) == resource_version(self._pods.get(uid(new)) or {}):
                self._pods[uid(new)] = new  # the watch's cache has it anyway: no second copy
        elif old is not None:
            self._pods.pop(uid(old), None)
            self._deleted.discard(uid(old))
            self._changed(uid(old))

    def put(self, pod: Obj, meant: Obj) -> None:
        """The answer to a write that was to make the pod what is `meant`; more may be news."""
        if self._take(lean(pod)) and _content(pod) != _content(meant):
            self._changed(uid(pod))

    def _take(self, pod: Obj) -> bool:
        """The pod as it is now, unless that is known already, or something newer."""
        at = uid(pod)
        known = self._pods.get(at)
        if at in self._deleted or (known is not None and _revision(known) >= _revision(pod)):
            return False
        self._pods[at] = pod
        return True

    def deleted(self, pod_uid: str) -> None:
        """The API has let go of it; what the watch still shows of it is old."""
        if self._pods.pop(pod_uid, None) is not None:
            self._deleted.add(pod_uid)


def _content(pod: Obj) -> Obj:
    """But for what every write changes."""
    return {**pod, "metadata": _without(pod["metadata"], "managedFields", "resourceVersion")}


def _without(metadata: Obj, *members: str) -> Obj:
    return {name: metadata[name] for name in metadata if name not in members}


def _revision(pod: Obj) -> int:
    """Revisions of one resource are ordered since Kubernetes 1.35 (KEP-5504)."""
    text = resource_version(pod)
    return int(text) if text.isdigit() else 0
