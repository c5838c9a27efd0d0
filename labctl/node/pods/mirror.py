"""A copy of what the runtime has for this node, by pod, that follows the runtime's events.

Answers and events come on two connections and may overtake each other; since a container only ever
goes from created to running to exited, an older state never replaces a newer one.
"""

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from labctl.cri.messages import Container, ContainerEvent, Sandbox

_RANKS = {"created": 0, "running": 1, "exited": 2}
_SANDBOX_RANKS = {"ready": 0, "notready": 1}


class RuntimeMirror:
    """Sandboxes and containers by id and by pod uid; `changed(uid)` is told of every event."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        self._changed = changed
        self._sandboxes: dict[str, Sandbox] = {}
        self._containers: dict[str, Container] = {}
        self._sandbox_ids: dict[str, set[str]] = {}
        self._container_ids: dict[str, set[str]] = {}

    def uids(self) -> list[str]:
        """The pods of which the runtime has anything."""
        return list(self._sandbox_ids)

    def all_sandboxes(self) -> list[Sandbox]:
        return list(self._sandboxes.values())

    def sandbox(self, sandbox_id: str) -> Sandbox | None:
        return self._sandboxes.get(sandbox_id)

    def sandboxes(self, uid: str) -> tuple[Sandbox, ...]:
        """A pod's sandboxes, oldest first."""
        found = (self._sandboxes[one] for one in self._sandbox_ids.get(uid, ()))
        return tuple(sorted(found, key=lambda one: one.config.attempt))

    def containers(self, uid: str) -> tuple[Container, ...]:
        """The containers in a pod's sandboxes, oldest first."""
        ids = (
            container
            for sandbox in self._sandbox_ids.get(uid, ())
            for container in self._container_ids.get(sandbox, ())
        )
        return tuple(sorted((self._containers[one] for one in ids), key=lambda one: one.created_at))

    def replace_all(self, sandboxes: Iterable[Sandbox], containers: Iterable[Container]) -> None:
        """Everything anew, after the runtime was away; every pod counts as changed."""
        before = set(self._sandbox_ids)
        for table in (
            self._sandboxes,
            self._containers,
            self._sandbox_ids,
            self._container_ids,
        ):
            table.clear()
        for sandbox in sandboxes:
            self.put_sandbox(sandbox)
        for container in containers:
            self.put_container(container)
        for uid in before | set(self._sandbox_ids):
            self._changed(uid)

    def put_sandbox(self, sandbox: Sandbox) -> None:
        old = self._sandboxes.get(sandbox.id)
        if old is None or _SANDBOX_RANKS[old.state] <= _SANDBOX_RANKS[sandbox.state]:
            self._sandboxes[sandbox.id] = sandbox
            self._sandbox_ids.setdefault(sandbox.config.uid, set()).add(sandbox.id)

    def put_container(self, container: Container) -> None:
        old = self._containers.get(container.id)
        if old is None or _RANKS[old.state] <= _RANKS[container.state]:
            self._containers[container.id] = container
            self._container_ids.setdefault(container.sandbox_id, set()).add(container.id)

    def drop_container(self, container_id: str) -> None:
        container = self._containers.pop(container_id, None)
        if container is not None:
            self._container_ids[container.sandbox_id].discard(container_id)

    def drop_sandbox(self, sandbox_id: str) -> None:
        """Forgets a sandbox and the containers in it."""
        for container_id in self._container_ids.pop(sandbox_id, set()):
            self._containers.pop(container_id, None)
        sandbox = self._sandboxes.pop(sandbox_id, None)
        if sandbox is None:
            return
        siblings = self._sandbox_ids[sandbox.config.uid]
        siblings.discard(sandbox_id)
        if not siblings:
            del self._sandbox_ids[sandbox.config.uid]

    def declare_dead(self, sandbox_id: str) -> None:
        """A sandbox that cannot serve any more, whatever the runtime thinks of it."""
        sandbox = self._sandboxes.get(sandbox_id)
        if sandbox is not None:
            self.put_sandbox(replace(sandbox, state="notready"))
            self._changed(sandbox.config.uid)

    def take(self, event: ContainerEvent) -> None:
        """An event of the runtime; of what is not known (any more) it says nothing."""
        sandbox = self._sandboxes.get(event.sandbox_id)
        if sandbox is None:
            return
        if event.kind == "sandbox-died":
            self.put_sandbox(replace(sandbox, state="notready"))
        if event.container is None:
            self._changed(sandbox.config.uid)
            return
        known = self._containers.get(event.container.id)
        if known is not None:
            self.put_container(event.container)
        if known != event.container:
            self._changed(sandbox.config.uid)
